"""`doctor DATASET [--json] [--html FILE]`: what is wrong with a set, before it is trained on.

Exit codes: 0 it can be trained on, 1 it cannot, as it is, 2 the command line is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.datasets.table import FORMATS, get_format, open_dataset, open_path
from deep_predictor.training.doctor.examine import examine
from deep_predictor.training.doctor.findings import Findings
from deep_predictor.training.doctor.page import write_html
from deep_predictor.training.doctor.text import as_text
from deep_predictor.training.fingerprints import Fingerprint, fingerprint_all

_PROJECT_ROOT = Path(__file__).resolve().parents[3]
_MOST_WORKERS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="a folder, zip, CIFAR-10, HDF5 file, or sklearn_digits")
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


def _needs_no_path(name: str) -> bool:
    return name in FORMATS and not get_format(name).needs_path


def _open(name: str, cache_folder: Path) -> Dataset:
    if _needs_no_path(name) and not Path(name).exists():
        return open_dataset(DatasetOptions(name=name), cache_folder)
    return open_path(Path(name), cache_folder)


def _fingerprints(dataset: Dataset, workers: int) -> list[Fingerprint]:
    from tqdm import tqdm

    workers = workers if workers > 0 else min(_MOST_WORKERS, os.cpu_count() or 1)
    with tqdm(total=len(dataset.items), desc="looking", unit="picture", disable=None, file=sys.stderr) as bar:
        return fingerprint_all(dataset, workers, lambda done, count: bar.update(done - bar.n))


def _written(findings: Findings, is_json: bool) -> str:
    if is_json:
        return json.dumps(findings.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    return as_text(findings).rstrip()
