"""`evaluate RUN|MODEL DATASET`: how good a predictor is on pictures whose truth is known, run as the server runs it.

The predictor cfg of the model folder decides all that the server would: decoding, preprocessing, engine, temperature,
threshold. Nothing is fitted and nothing is written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from deep_predictor.backends.base import Backend, Task
from deep_predictor.backends.classification import ClassificationBackend
from deep_predictor.backends.detection import DetectionBackend
from deep_predictor.backends.segmentation import SegmentationBackend
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.config.strict import shown_path
from deep_predictor.engines.room import EngineRoom
from deep_predictor.engines.table import ENGINES
from deep_predictor.errors import DatasetUnusable, ModelNotFound
from deep_predictor.training.dataset import BoxDataset, Dataset, MaskDataset, SkippedFile
from deep_predictor.training.evaluating_boxes import EVALUATED_OPTIONS, box_figures
from deep_predictor.training.evaluating_classes import class_figures
from deep_predictor.training.evaluating_masks import mask_figures
from deep_predictor.training.model_folder import PREDICTOR_FILE
from deep_predictor.training.shown_names import shown_name

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_PARTS = ("auto", "all", "test", "val", "train")
_BACKENDS: Mapping[Task, type[Backend]] = {
    "classification": ClassificationBackend,
    "detection": DetectionBackend,
    "segmentation": SegmentationBackend,
}
_PREDICTORS: Mapping[Task, str] = {
    "classification": "classifier",
    "detection": "detector",
    "segmentation": "segmenter",
}


class Figures(Protocol):
    """What was found out about a predictor of a task."""

    @property
    def skipped(self) -> tuple[SkippedFile, ...]: ...

    def to_dict(self, with_pictures: bool) -> dict[str, Any]: ...

    def lines(self) -> list[str]: ...


@dataclass(frozen=True)
class _Findings:
    """What the command prints."""

    cfg_path: Path
    backend: Backend
    dataset: Dataset
    part: str
    figures: Figures

    @property
    def skipped(self) -> tuple[SkippedFile, ...]:
        return (*self.dataset.skipped, *self.figures.skipped)

    @property
    def engine_name(self) -> str | None:
        return self.backend.engine.name if self.backend.engine else None

    def to_dict(self, with_pictures: bool) -> dict[str, Any]:
        return {
            "predictor_cfg": str(self.cfg_path),
            "engine": self.engine_name,
            "dataset": self.dataset.name,
            "part": self.part,
            **self.figures.to_dict(with_pictures),
            "skipped": [{"name": file.name, "reason": file.reason} for file in self.skipped],
        }

    def as_text(self) -> str:
        lines = [
            *self.figures.lines(),
            f"predictor      {shown_path(self.cfg_path, PROJECT_ROOT)}, run by {self.engine_name}",
            f"data set       {self.dataset.name}, {'all pictures' if self.part == 'all' else f'part {self.part}'}",
            *(f"left out: {shown_name(file.name)}: {shown_name(file.reason)}" for file in self.skipped),
        ]
        if self.part != "test":
            lines.append("Pictures that the model was trained on, or chosen by, make these figures look better.")
        return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", type=Path, metavar="RUN|MODEL", help="a run's folder, a model folder, or a predictor cfg"
    )
    parser.add_argument(
        "dataset",
        type=Path,
        metavar="DATASET",
        help="pictures with their truth: a folder a class, YOLO, COCO or masks, a zip of that, …",
    )
    parser.add_argument(
        "--part",
        choices=_PARTS,
        default="auto",
        help="which part of a set that has parts (default: its test part, else all pictures)",
    )
    parser.add_argument("--engine", choices=("auto", *ENGINES), help="what runs the network (default: as the cfg says)")
    parser.add_argument("--pictures", action="store_true", help="with --json: the answer for each picture, too")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Raises ConfigError, ModelNotFound, DatasetUnusable, PredictionError or UnsafeModel."""
    from deep_predictor.training.datasets.table import open_path
    from deep_predictor.training.parts import DATASET_CACHE

    cfg_path = find_predictor_cfg(args.model, PROJECT_ROOT)
    dataset = open_path(args.dataset.resolve(), PROJECT_ROOT / DATASET_CACHE)
    part, indices = part_of(dataset, args.part)
    backend, figures = _evaluate(cfg_path, dataset, _shown_progress(indices, args.json), args.engine)
    found = _Findings(cfg_path, backend, dataset, part, figures)
    print(json.dumps(found.to_dict(args.pictures)) if args.json else found.as_text())
    return 0


def _evaluate(cfg_path: Path, dataset: Dataset, indices: Iterable[int], engine: str | None) -> tuple[Backend, Figures]:
    """By the data set's task. Raises ModelNotFound for a predictor of another one."""
    if isinstance(dataset, BoxDataset):
        threshold = getattr(make_backend(cfg_path, PROJECT_ROOT).options, "score_threshold", 0.0)
        detector = open_predictor(cfg_path, PROJECT_ROOT, engine, "detection", EVALUATED_OPTIONS)
        assert isinstance(detector, DetectionBackend)
        return detector, box_figures(detector, dataset, indices, threshold)
    if isinstance(dataset, MaskDataset):
        segmenter = open_predictor(cfg_path, PROJECT_ROOT, engine, "segmentation")
        assert isinstance(segmenter, SegmentationBackend)
        return segmenter, mask_figures(segmenter, dataset, indices)
    classifier = open_predictor(cfg_path, PROJECT_ROOT, engine)
    assert isinstance(classifier, ClassificationBackend)
    return classifier, class_figures(classifier, dataset, indices)


def find_predictor_cfg(path: Path, root: Path) -> Path:
    """The predictor cfg of a run, of a model folder, or `path` itself. Raises ModelNotFound, ConfigError."""
    path = path.resolve()
    if path.is_file():
        return path
    if (path / PREDICTOR_FILE).is_file():
        return path / PREDICTOR_FILE
    if (path / "cfg.json").is_file():
        from deep_predictor.training.run_folder import RunFolder

        found = RunFolder(path).load_config(root).model_folder / PREDICTOR_FILE
        if found.is_file():
            return found
        raise ModelNotFound(path, f"the run has no model yet: there is no {found}")
    raise ModelNotFound(path, f"is neither a run's folder nor a model folder with its {PREDICTOR_FILE}")


def make_backend(cfg_path: Path, root: Path, changes: Mapping[str, Any] | None = None) -> Backend:
    """Not loaded. `changes` win over the cfg's `model_options`. Raises ConfigError."""
    config = load_predictor_config(cfg_path, root)
    return create_backend(replace(config, model_options={**config.model_options, **(changes or {})}))


def open_predictor(
    cfg_path: Path,
    root: Path,
    engine: str | None = None,
    task: Task = "classification",
    changes: Mapping[str, Any] | None = None,
) -> Backend:
    """A loaded backend. `engine` and `changes` win over the cfg.

    Raises ConfigError, PredictionError, UnsafeModel, or ModelNotFound for a predictor of another task.
    """
    of_task = isinstance(make_backend(cfg_path, root), _BACKENDS[task])
    if not of_task:
        config = load_predictor_config(cfg_path, root)
        text = f"is a predictor of {config.backend_name}: pictures of this data set are for a {_PREDICTORS[task]}"
        raise ModelNotFound(cfg_path, text)
    backend = make_backend(cfg_path, root, {**(changes or {}), **({"engine": engine} if engine else {})})
    room = EngineRoom()
    assert backend.request is not None
    room.start_for(backend.request)
    backend.load(room.open)
    return backend


def _shown_progress(indices: np.ndarray, is_json: bool) -> Iterable[int]:
    """The indices; taken one by one, they move a bar on a terminal."""
    is_shown = sys.stderr.isatty() and not is_json
    shown: Iterable[int] = tqdm(
        indices.tolist(), desc="evaluating", unit="picture", disable=not is_shown, dynamic_ncols=True
    )
    return shown


def part_of(dataset: Dataset, wanted: str) -> tuple[str, np.ndarray]:
    """(name of the part, its indices). Raises DatasetUnusable for a part that the set does not have."""
    parts = {item.part for item in dataset.items}
    if wanted == "auto":
        wanted = "test" if "test" in parts else "all"
    indices = [i for i, item in enumerate(dataset.items) if wanted in ("all", item.part)]
    if not indices:
        has = ", ".join(sorted(part for part in parts if part)) or "none"
        raise DatasetUnusable(f"{dataset.name} has no part {wanted!r} (its folders name: {has})")
    return wanted, np.array(indices, np.int64)
