"""`doctor DATASET [--json] [--html FILE]`: what is wrong with a set, before it is trained on.

Exit codes: 0 it can be trained on, 1 it cannot, as it is, 2 the command line is wrong.

`doctor --cfg CFG --report FILE` is how the server asks: the set stands in the cfg, the findings go to the file, how far
it is stands beside, and 0 whatever was found out.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from deep_predictor.config.strict import get_section, parse, read_json_object, shown_path
from deep_predictor.errors import DatasetUnusable, TrainingCancelled
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.datasets.table import FORMATS, get_format, open_dataset, open_path
from deep_predictor.training.doctor.examine import examine
from deep_predictor.training.doctor.findings import Findings
from deep_predictor.training.doctor.page import write_html
from deep_predictor.training.doctor.text import as_text
from deep_predictor.training.fingerprints import Fingerprint, fingerprint_all
from deep_predictor.training.job_files import CANCEL_FILE, Progress, write_failure, write_object, write_progress

_PROJECT_ROOT = Path(__file__).resolve().parents[3]
_MOST_WORKERS = 8
#: What the server's cfg holds: `dataset_options`, and what the server wants to know of it later.
SECTION = "doctor_options"
#: Between two notes of how far it is.
_NOTE_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("dataset", metavar="DATASET", nargs="?", help="a folder, zip, CIFAR-10, HDF5, or sklearn_digits")
    asked.add_argument(
        "--cfg", type=Path, metavar="CFG", help="a cfg with doctor_options.dataset_options, for --report"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the findings of --cfg as JSON")
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON object")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with thumbnails, too")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="threads that read (default: one a core)")
    parser.add_argument(
        "--cache-folder",
        type=Path,
        default=_PROJECT_ROOT / "var" / "cache" / "datasets",
        metavar="FOLDER",
        help="where zips are unpacked (default: var/cache/datasets)",
    )


def run(args: argparse.Namespace) -> int:
    """Examine a set and print what was found; exit codes stand at the top."""
    if (args.cfg is None) != (args.report is None):
        print("--cfg and --report go together", file=sys.stderr)
        return 2
    if args.cfg:
        return _write_report(args)
    if args.html and not args.html.parent.is_dir():
        print(f"{args.html.parent}: there is no such folder to write the page to", file=sys.stderr)
        return 2
    path = Path(args.dataset)
    if not path.exists() and not _needs_no_path(args.dataset):
        print(f"{args.dataset}: there is no such file or folder", file=sys.stderr)
        return 2
    try:
        dataset = _open(args.dataset, args.cache_folder)
    except DatasetUnusable as error:
        print(json.dumps({"error": str(error)}) if args.json else str(error), file=sys.stderr)
        return 1
    findings = examine(dataset, _fingerprints(dataset, args.workers))
    if args.html:
        try:
            write_html(findings, dataset, args.html)
        except OSError as error:
            print(f"{args.html}: cannot be written: {error.strerror}", file=sys.stderr)
            return 2
    print(_written(findings, args.json))
    return 1 if findings.has_errors else 0


def _write_report(args: argparse.Namespace) -> int:
    """1, and the reason beside the report, where the set cannot be opened. Raises ConfigError, TrainingCancelled."""
    file = shown_path(args.cfg, _PROJECT_ROOT)
    section = get_section(read_json_object(args.cfg, _PROJECT_ROOT), SECTION, file)
    written = get_section(section, "dataset_options", file, SECTION)
    options = parse(DatasetOptions, written, file, f"{SECTION}.dataset_options", _PROJECT_ROOT)
    folder = args.report.parent
    try:
        dataset = open_dataset(options, args.cache_folder)
    except DatasetUnusable as error:
        write_failure(folder, error.detail)
        return 1
    next_note = 0.0

    def note(done: int, count: int) -> None:
        nonlocal next_note
        if (folder / CANCEL_FILE).exists():
            raise TrainingCancelled
        if done == count or time.monotonic() >= next_note:
            next_note = time.monotonic() + _NOTE_SECONDS
            write_progress(folder, Progress(done, count, "pictures"))

    findings = examine(dataset, fingerprint_all(dataset, _worker_count(args.workers), note))
    write_object(args.report, findings.to_dict())
    return 0


def _needs_no_path(name: str) -> bool:
    return name in FORMATS and not get_format(name).needs_path


def _open(name: str, cache_folder: Path) -> Dataset:
    if _needs_no_path(name) and not Path(name).exists():
        return open_dataset(DatasetOptions(name=name), cache_folder)
    return open_path(Path(name), cache_folder)


def _fingerprints(dataset: Dataset, workers: int) -> list[Fingerprint]:
    from tqdm import tqdm

    with tqdm(total=len(dataset.items), desc="looking", unit="picture", disable=None, file=sys.stderr) as bar:
        return fingerprint_all(dataset, _worker_count(workers), lambda done, count: bar.update(done - bar.n))


def _worker_count(asked: int) -> int:
    return asked if asked > 0 else min(_MOST_WORKERS, os.cpu_count() or 1)


def _written(findings: Findings, is_json: bool) -> str:
    if is_json:
        return json.dumps(findings.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    return as_text(findings).rstrip()
