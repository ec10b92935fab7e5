"""Pictures that come by the hundred: a job makes them fit in a process of its own, and the server takes them in."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from deep_predictor.datasets.folders import DatasetFolders, new_file_name
from deep_predictor.datasets.pictures import PictureRules
from deep_predictor.db.dataset_rows import CHUNK, Dataset, DatasetRows, NewItem
from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.errors import ContentRefused, NotFound, RequestInvalid, StateConflict
from deep_predictor.training.import_files import (
    PICTURES_FOLDER,
    ImportedItem,
    ImportProblem,
    label_problem,
    read_imported,
    read_problems,
)
from deep_predictor.training.jobs import TrainingJobs

KIND = "import"
SECTION = "import_options"
#: Uploads that no job waits for: a failed or cancelled one may still be resumed for so long.
_KEEP_SECONDS = 24 * 3600


@dataclass(frozen=True)
class PredictorFolder:
    """Where a predictor keeps its pictures. `labels`: folder -> class; a folder that is not in it is its own label."""

    predictor_name: str
    folder: Path
    not_confident_folder: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Imports:
    """Starts jobs of kind `import`, and takes in what they made."""

    def __init__(self, rows: DatasetRows, folders: DatasetFolders, rules: PictureRules, jobs: TrainingJobs) -> None:
        self._rows, self._folders, self._rules, self._jobs = rows, folders, rules, jobs
        jobs.take_in[KIND] = self.take_in

    def incoming(self) -> Path:
        """Where an upload is written before `start_zip`. Raises OSError."""
        return self._folders.incoming()

    def start_zip(self, dataset_id: int, path: Path, label: str | None, created_by: int | None) -> int:
        """Take in a zip that lies in `incoming`: all under one label, or a folder a label. The job's id.

        From now on the file is the job's; it goes when this raises: NotFound, RequestInvalid, ContentRefused.
        """
        try:
            dataset = self._rows.get(dataset_id)
            if label is not None and (problem := label_problem(label)):
                raise RequestInvalid([("label", problem)])
            if not is_zipfile(path):
                raise ContentRefused("not_a_zip", "the file is no zip, or cut short")
            options = {"source": str(path), "form": "zip", "label": label}
            job_id = self._start(dataset, options, created_by)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._sweep()
        return job_id

    def start_predictor(
        self, dataset_id: int, source: PredictorFolder, with_not_confident: bool, created_by: int | None
    ) -> int:
        """Take in the pictures that a predictor has sorted into its class folders, each once. The job's id.

        Raises NotFound, StateConflict where it has none.
        """
        dataset = self._rows.get(dataset_id)
        if not source.folder.is_dir():
            raise StateConflict("no_pictures", f"the predictor {source.predictor_name!r} has kept no picture yet")
        options = {
            "source": str(source.folder),
            "form": "class_folders",
            "labels": dict(source.labels),
            "leave_out": [] if with_not_confident else [source.not_confident_folder],
            "key": f"predictor:{dataset_id}:{dataset.created_at}:{source.predictor_name}",
        }
        return self._start(dataset, options, created_by)

    def problems(self, job: TrainingJob) -> list[ImportProblem]:
        """The files that an import left out, the first of them; none of a job of another kind."""
        return read_problems(Path(job.run_folder)) if job.kind == KIND else []

    def cancel_all(self, dataset_id: int) -> None:
        """The jobs that bring something to a data set end."""
        for job in self._jobs.list(JobState.QUEUED, JobState.RUNNING):
            if job.kind == KIND and job.dataset_id == dataset_id:
                self._jobs.cancel(job.id)

    def take_in(self, job: TrainingJob) -> None:
        """Give the pictures of a job that is done their places and rows. May be done twice.

        Raises NotFound when the data set is gone, OSError.
        """
        folder, options = Path(job.run_folder), job.cfg[SECTION]
        dataset = self._rows.get(options["dataset_id"])
        if dataset.created_at != options["dataset_created_at"]:
            raise NotFound("dataset", options["dataset_id"])  # another one has its number now
        key = options.get("key") or f"job:{job.id}"
        imported = read_imported(folder)
        while some := list(itertools.islice(imported, CHUNK)):
            items = [_new_item(item, f"{key}:{item.key}") for item in some]
            for one, item in zip(some, items, strict=True):
                self._folders.keep_picture(dataset.id, folder / PICTURES_FOLDER / one.file, item.file_name)
            self._rows.add_items(dataset.id, items)
        shutil.rmtree(folder / PICTURES_FOLDER, ignore_errors=True)
        if options["form"] == "zip":
            Path(options["source"]).unlink(missing_ok=True)

    def _start(self, dataset: Dataset, options: dict[str, Any], created_by: int | None) -> int:
        about = {"dataset_id": dataset.id, "dataset_created_at": dataset.created_at, **asdict(self._rules)}
        cfg = {SECTION: {**about, **options}}
        return self._jobs.start(cfg, KIND, dataset.name, created_by=created_by, dataset_id=dataset.id)

    def _sweep(self) -> None:
        """Remove uploads of jobs that have ended long ago, or that never began."""
        waiting = self._jobs.list(JobState.QUEUED, JobState.RUNNING)
        wanted = {job.cfg[SECTION]["source"] for job in waiting if job.kind == KIND}
        oldest = time.time() - _KEEP_SECONDS
        with suppress(OSError):
            for path in self._folders.incoming().iterdir():
                if str(path) not in wanted and path.stat().st_mtime < oldest:
                    path.unlink(missing_ok=True)


def _new_item(item: ImportedItem, import_key: str) -> NewItem:
    extension = item.file.rpartition(".")[2]
    values = {name: value for name, value in asdict(item).items() if name not in ("key", "file")}
    values["source"] = f"{import_key.removesuffix(item.key)}{item.source}" if item.source else ""
    return NewItem(**values, file_name=new_file_name(extension, import_key), import_key=import_key)
