"""`augment CFG`: write a data set's pictures, and what a list of operations makes of them, as a new data set.

Everything is checked before anything is written: the cfg, the folders that it names, the split, the number of pictures.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from deep_predictor.config.strict import shown_path
from deep_predictor.errors import ConfigError, ConfigProblem, DatasetUnusable, ImageUnreadable, TrainingCancelled
from deep_predictor.os_limits import usable_cores
from deep_predictor.training.augmentation.config import LISTS, SECTION, AugmentConfig, load_augment_config
from deep_predictor.training.augmentation.new_file import check_new_file, write_new_file
from deep_predictor.training.augmentation.planning import classes_without_pictures, make_plan
from deep_predictor.training.augmentation.set_folder import (
    FACTS_FILE,
    check_replaceable,
    write_json,
    written_beside,
)
from deep_predictor.training.augmentation.sheet import SheetPictures, contact_sheet
from deep_predictor.training.augmentation.table import build_augmentation, task_problems
from deep_predictor.training.augmentation.writing import Written, check_count, write_set
from deep_predictor.training.dataset import Dataset, SkippedFile, encode_png
from deep_predictor.training.datasets.sources import SOURCES_FILE
from deep_predictor.training.datasets.table import open_dataset
from deep_predictor.training.fingerprints import fingerprint_all
from deep_predictor.training.job_files import CANCEL_FILE, Progress, write_progress
from deep_predictor.training.sample import Sample
from deep_predictor.training.splitting import split_dataset

PROJECT_ROOT = Path(__file__).resolve().parents[3]
#: Where zips are unpacked.
_DATASET_CACHE = Path("var/cache/datasets")
_FACTS_FORMAT = 1
#: How many are written between two words on how far it is.
_PICTURES_A_NOTE = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cfg", type=Path, metavar="CFG", help="cfg with augmentation_options")
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="write only a picture (PNG) that shows what each operation does"
    )
    parser.add_argument("--pictures", type=_one_to_twenty, default=6, help="how many the sheet shows (default: 6)")
    parser.add_argument("--replace", action="store_true", help="replace FILE where it is there already")
    parser.add_argument("--run-folder", type=Path, help="say there how far it is; a file `cancel` in it ends it")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--json", action="store_true", help="print what was written as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Raises ConfigError for a wrong cfg, TrainingError where no set could be written, TrainingCancelled."""
    config = load_augment_config(_find(args.cfg), PROJECT_ROOT)
    if args.sheet:
        write_sheet(config, args.sheet, args.pictures, args.replace)
        result: dict[str, Any] = {"sheet": str(args.sheet)}
    else:
        result = augment(config, args.quiet or args.json, args.run_folder)
    if args.json:
        print(json.dumps(result))
    elif not args.quiet:
        print(*_lines(result), sep="\n")
    return 0


def augment(config: AugmentConfig, is_quiet: bool = True, run_folder: Path | None = None) -> dict[str, Any]:
    """Write the set; says what was written and left out, as JSON types.

    `run_folder`: where it says how far it is, and looks whether it is cancelled.
    """
    options = config.options
    folder = options.output_folder.resolve()
    check_replaceable(folder)
    dataset = _open(config)
    if dataset.task != "classification":
        raise DatasetUnusable(
            f"{dataset.name} is a set for {dataset.task}, and augment writes classified pictures alone; "
            "boxes and masks are carried along while a network trains, and --sheet shows how"
        )
    fingerprints = fingerprint_all(dataset, usable_cores())
    shares = options.dataset_options
    split = split_dataset(dataset, fingerprints, shares.val_share, shares.test_share, options.seed)
    plan = make_plan(config, dataset, split, fingerprints)
    sizes = {index: (fingerprints[index].width, fingerprints[index].height) for index in plan.parts}
    check_count(plan, sizes, config)
    with (
        written_beside(folder) as part,
        tqdm(total=len(plan.parts), desc="augment", unit="picture", disable=is_quiet or None) as bar,
    ):
        note = partial(_note_picture, itertools.count(1), len(plan.parts), bar, run_folder)
        written = write_set(part, dataset, plan, options, note)
        left_out = [*dataset.skipped, *split.left_out, *written.unreadable]
        write_json(part / SOURCES_FILE, dict(sorted(written.sources.items())))
        write_json(part / FACTS_FILE, _facts(config, dataset, written, left_out))
    return {
        "folder": str(folder),
        "pictures": dict(written.counts),
        "left_out": _as_json(left_out),
        "classes_without_cutouts": classes_without_pictures(plan, dataset),
    }


def write_sheet(config: AugmentConfig, path: Path, count: int, replace: bool) -> None:
    """Raises OutputUnwritable, before a picture is read where that can be known."""
    check_new_file(path, (".png",), replace)
    dataset = _open(config)
    pictures = SheetPictures(list(_samples(dataset, count, config.options.seed)), dataset.class_names)
    if not pictures.samples:
        raise DatasetUnusable("not one of its pictures can be read")
    sheets = []
    for key, side in LISTS.items():
        operations = build_augmentation(config.entries_of(side), config.root, side, config.options.seed)
        if operations.steps:
            sheets.append(contact_sheet(key, operations, pictures, config.options.seed))
    write_new_file(path, encode_png(np.concatenate(sheets)))


def _note_picture(numbers: Iterator[int], total: int, bar: tqdm, run_folder: Path | None) -> None:
    """Raises TrainingCancelled."""
    number = next(numbers)
    bar.update()
    if run_folder is None:
        return
    if (run_folder / CANCEL_FILE).exists():
        raise TrainingCancelled
    if number == total or number % _PICTURES_A_NOTE == 0:
        write_progress(run_folder, Progress(number, total, "pictures"))


def _samples(dataset: Dataset, count: int, seed: int) -> Iterator[Sample]:
    """Readable pictures, of as many classes as there are in turn."""
    order = np.random.default_rng(seed).permutation(len(dataset.items))
    turns: dict[int, int] = {}
    places = []
    for index in order:
        label = dataset.items[index].label
        turns[label] = turns.get(label, 0) + 1
        places.append((turns[label], label, int(index)))
    for _, _, index in sorted(places):
        if count <= 0:
            return
        try:
            yield dataset.sample(index)
            count -= 1
        except ImageUnreadable:
            continue


def _open(config: AugmentConfig) -> Dataset:
    """Raises ConfigError for operations that do nothing for such a set."""
    dataset = open_dataset(config.options.dataset_options, config.root / _DATASET_CACHE)
    problems = [
        ConfigProblem(config.file, f"{SECTION}.{key}.{problem.key}", problem.message)
        for key, side in LISTS.items()
        for problem in task_problems(config.entries_of(side), dataset.task)
    ]
    if problems:
        raise ConfigError(problems)
    return dataset


def _facts(config: AugmentConfig, dataset: Dataset, written: Written, left_out: list[SkippedFile]) -> dict[str, Any]:
    return {
        "format": _FACTS_FORMAT,
        "augmentation_options": config.as_written,
        "class_names": list(dataset.class_names),
        "pictures": dict(written.counts),
        "left_out": _as_json(left_out),
    }


def _as_json(skipped: list[SkippedFile]) -> list[dict[str, str]]:
    return [{"name": file.name, "reason": file.reason} for file in skipped]


def _lines(result: dict[str, Any]) -> Iterator[str]:
    if "sheet" in result:
        yield f"contact sheet  {result['sheet']}"
        return
    for part, count in result["pictures"].items():
        yield f"{part:<6}{count:>8} pictures"
    for operation, names in result["classes_without_cutouts"].items():
        yield f"{operation} has no cut-outs of: {', '.join(names)}"
    if result["left_out"]:
        yield f"left out: {len(result['left_out'])}"
    yield from (f"  {file['name']}: {file['reason']}" for file in result["left_out"])
    yield f"set   {shown_path(Path(result['folder']), PROJECT_ROOT)}"


def _find(path: Path) -> Path:
    """As the shell means it, else from the project's root."""
    return path.resolve() if path.exists() else PROJECT_ROOT / path


def _one_to_twenty(written: str) -> int:
    if not written.isdecimal() or not 1 <= int(written) <= 20:
        raise argparse.ArgumentTypeError(f"must be an integer of 1..20 (got {written!r})")
    return int(written)
