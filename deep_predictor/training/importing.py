"""`import CFG --run-folder F`: makes the pictures of a zip, or of a predictor's class folders, fit for a data set.

Boxes and masks come along (see `import_annotated`).

Each is decoded here, in a process of its own: a picture that kills a decoder kills no server. What is accepted lies in
the run's folder afterwards (see `import_files`), for the server to take in.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from deep_predictor.config.strict import get_section, parse, read_json_object, shown_path
from deep_predictor.errors import DatasetUnusable, ImageUnreadable, TrainingCancelled
from deep_predictor.images.decoding import decode_image
from deep_predictor.training.dataset import SkippedFile
from deep_predictor.training.import_annotated import AnnotatedZip, Truths, open_annotated_zip
from deep_predictor.training.import_files import (
    CLASSES_FILE,
    ITEMS_FILE,
    MASKS_FOLDER,
    MAX_PROBLEMS,
    PICTURES_FOLDER,
    PROBLEMS_FILE,
    ImportedItem,
    label_problem,
    shown_name,
)
from deep_predictor.training.import_sources import (
    UNPACKED_FOLDER,
    Found,
    ImportOptions,
    found_in_folders,
    found_in_zip,
)
from deep_predictor.training.job_files import CANCEL_FILE, Progress, write_failure, write_object, write_progress

PROJECT_ROOT = Path(__file__).resolve().parents[2]
SECTION = "import_options"
#: Between two notes of how far it is.
_NOTE_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cfg", type=Path, metavar="CFG", help="cfg with import_options, as the server writes it")
    parser.add_argument("--run-folder", type=Path, required=True, metavar="F", help="where the pictures are written")


def run(args: argparse.Namespace) -> int:
    """1, the reason in the run's folder, where there is no picture to take. Raises ConfigError, TrainingCancelled."""
    written = read_json_object(args.cfg, PROJECT_ROOT)
    file = shown_path(args.cfg, PROJECT_ROOT)
    options = parse(ImportOptions, get_section(written, SECTION, file), file, SECTION, PROJECT_ROOT)
    try:
        import_pictures(options, args.run_folder)
    except DatasetUnusable as error:
        write_failure(args.run_folder, error.detail.removeprefix(f"{options.source.name}: "))  # a name of our own
        if options.form == "zip":  # it will be no better next time
            options.source.unlink(missing_ok=True)
        return 1
    return 0


def import_pictures(options: ImportOptions, folder: Path) -> Counter[str]:
    """Write what is accepted; how many files were `added` and `left_out`. Raises DatasetUnusable, TrainingCancelled."""
    for name in (PICTURES_FOLDER, MASKS_FOLDER, UNPACKED_FOLDER):  # of a start that was killed
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    try:
        with (
            (folder / ITEMS_FILE).open("w", encoding="utf-8") as items,
            (folder / PROBLEMS_FILE).open("w", encoding="utf-8") as problems,
        ):
            taking = _Taking(options, folder, items, problems)
            taking.note(0, 0, True)
            if options.form == "zip" and options.task != "classification":
                taking.take_annotated(open_annotated_zip(options, folder))
            else:
                taking.take_all(
                    *(found_in_zip(options, folder) if options.form == "zip" else found_in_folders(options))
                )
    finally:
        shutil.rmtree(folder / UNPACKED_FOLDER, ignore_errors=True)
    return taking.counts


class _Taking:
    """Accepts pictures one after the other."""

    def __init__(self, options: ImportOptions, folder: Path, items: IO[str], problems: IO[str]) -> None:
        self._options, self._folder, self._items, self._problems = options, folder, items, problems
        self._next_note = 0.0
        self._first_problem = ""
        self._told = 0
        self._truths: Truths | None = None
        self.counts: Counter[str] = Counter(added=0, left_out=0)

    def take_all(self, found: Sequence[Found], skipped: Sequence[SkippedFile]) -> None:
        """Raises DatasetUnusable when nothing was accepted, TrainingCancelled."""
        for file in skipped:
            self._leave_out(file.name, file.reason)
        for done, one in enumerate(found, 1):
            if (self._folder / CANCEL_FILE).exists():
                raise TrainingCancelled
            self._take(one)
            self.note(done, len(found), done == len(found))
        if not self.counts["added"]:
            raise DatasetUnusable(f"there is no picture in it that can be used{self._first_problem}")

    def take_annotated(self, annotated: AnnotatedZip) -> None:
        """As `take_all`; and what boxes or masks are of. Raises DatasetUnusable, TrainingCancelled."""
        self._truths = annotated.truths
        if annotated.truths:
            write_object(self._folder / CLASSES_FILE, {"class_names": annotated.truths.class_names})
        for problem in annotated.problems:
            self._tell(problem.file, ": ".join(filter(None, [problem.place, problem.reason])))
        self.counts["problems"] = annotated.problem_count
        self.take_all(annotated.found, annotated.skipped)

    def note(self, done: int, total: int, is_wanted_now: bool) -> None:
        now = time.monotonic()
        if is_wanted_now or now >= self._next_note:
            self._next_note = now + _NOTE_SECONDS
            with suppress(OSError):  # nobody's import ends since nobody can look at it
                write_progress(self._folder, Progress(done, total, "pictures", dict(self.counts)))

    def _take(self, found: Found) -> None:
        options = self._options
        if options.task == "classification" and (problem := label_problem(found.label)):
            self._leave_out(found.name, problem)
            return
        try:
            data = _read(found.path, options.max_bytes)
            decoded = decode_image(data, options.supported_extensions, options.max_pixels)
            truth = self._truth(found, (decoded.width, decoded.height))
        except (ImageUnreadable, DatasetUnusable) as error:
            self._leave_out(found.name, error.detail if isinstance(error, DatasetUnusable) else str(error))
            return
        file = f"{uuid.uuid4().hex}.{decoded.extension}"
        (self._folder / PICTURES_FOLDER / file).write_bytes(data)
        item = ImportedItem(
            key=hashlib.sha256(found.name.encode()).hexdigest(),
            file=file,
            label=found.label,
            split=found.split,
            original_name=shown_name(found.name),
            source=hashlib.sha256(found.source.encode()).hexdigest() if found.source else "",
            sha256=hashlib.sha256(data).hexdigest(),
            width=decoded.width,
            height=decoded.height,
            size=len(data),
            **truth,
        )
        self._items.write(json.dumps(asdict(item)) + "\n")
        self.counts["added"] += 1

    def _truth(self, found: Found, size: tuple[int, int]) -> dict[str, Any]:
        """Raises DatasetUnusable."""
        return {} if self._truths is None or found.place is None else self._truths.of(found.place, size)

    def _leave_out(self, name: str, reason: str) -> None:
        self._tell(name, reason)
        self.counts["left_out"] += 1

    def _tell(self, name: str, reason: str) -> None:
        problem = {"name": shown_name(name), "reason": reason}
        if self._told < MAX_PROBLEMS:
            self._problems.write(json.dumps(problem, ensure_ascii=False) + "\n")
        self._first_problem = self._first_problem or f"; the first problem, {problem['name']}: {reason}"
        self._told += 1


def _read(path: Path, max_bytes: int) -> bytes:
    """Raises ImageUnreadable."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise ImageUnreadable(error.strerror or str(error)) from error
    if len(data) > max_bytes:
        raise ImageUnreadable(f"it has over {max_bytes} bytes")
    return data
