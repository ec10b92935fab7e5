"""`evaluate RUN|MODEL DATASET`: how good a predictor is on labelled pictures, run as the server runs it.

The predictor cfg of the model folder decides all that the server would: decoding, preprocessing, engine, temperature,
threshold. Nothing is fitted and nothing is written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from deep_predictor.backends.base import Backend
from deep_predictor.backends.classification import ClassificationBackend
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.config.strict import shown_path
from deep_predictor.engines.room import EngineRoom
from deep_predictor.engines.table import ENGINES
from deep_predictor.errors import DatasetUnusable, ImageUnreadable, ModelNotFound
from deep_predictor.training.dataset import Dataset, SkippedFile
from deep_predictor.training.metrics import ClassificationMetrics, measure, table_of
from deep_predictor.training.model_folder import PREDICTOR_FILE
from deep_predictor.training.shown_names import shown_name
from deep_predictor.training.threshold import ThresholdChoice, figures_at, wilson_interval

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_PARTS = ("auto", "all", "test", "val", "train")


@dataclass(frozen=True)
class EvaluatedPictures:
    """`probabilities[i]` (classes,): what the server shows for the picture `indices[i]` of the data set."""

    indices: np.ndarray
    probabilities: np.ndarray
    #: True classes, as indices of the model's classes.
    labels: np.ndarray
    #: Pictures that cannot be read; they count nowhere.
    skipped: tuple[SkippedFile, ...]


@dataclass(frozen=True)
class _Findings:
    """What the command prints."""

    cfg_path: Path
    backend: ClassificationBackend
    dataset: Dataset
    part: str
    pictures: EvaluatedPictures
    metrics: ClassificationMetrics
    choice: ThresholdChoice

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(round(self.metrics.accuracy * self.metrics.count), self.metrics.count)

    @property
    def skipped(self) -> tuple[SkippedFile, ...]:
        return (*self.dataset.skipped, *self.pictures.skipped)

    @property
    def engine_name(self) -> str | None:
        return self.backend.engine.name if self.backend.engine else None

    def to_dict(self, with_pictures: bool) -> dict[str, Any]:
        found: dict[str, Any] = {
            "predictor_cfg": str(self.cfg_path),
            "engine": self.engine_name,
            "dataset": self.dataset.name,
            "part": self.part,
            **self.metrics.to_dict(),
            "accuracy_interval": [round(end, 5) for end in self.interval],
            "temperature": self.backend.options.temperature,
            "confidence_threshold": self.choice.threshold,
            "accepted_share": round(self.choice.accepted_share, 5),
            "not_confident_share": round(self.choice.not_confident_share, 5),
            "right_share_of_accepted": round(self.choice.right_share, 5),
            "skipped": [{"name": file.name, "reason": file.reason} for file in self.skipped],
        }
        if with_pictures:
            found["pictures"] = [
                {
                    "name": self.dataset.items[index].name,
                    "class_name": self.dataset.class_names[self.dataset.items[index].label],
                    "probabilities": [float(probability) for probability in row],
                }
                for index, row in zip(self.pictures.indices, self.pictures.probabilities, strict=True)
            ]
        return found

    def as_text(self) -> str:
        metrics, choice = self.metrics, self.choice
        low, high = self.interval
        lines = [
            table_of(metrics),
            "",
            f"accuracy       {metrics.accuracy:.4f} on {metrics.count} pictures (95 %: {low:.4f} to {high:.4f})",
            f"first five     {metrics.top5_accuracy:.4f}",
            f"cross-entropy  {metrics.loss:.4f}, calibration error {metrics.ece:.4f}",
            f"threshold      {choice.threshold:g}: {choice.not_confident_share:.1%} left to not-confident, "
            f"{choice.right_share:.1%} of the others right",
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
        "dataset", type=Path, metavar="DATASET", help="labelled pictures: a folder a class, a zip of that, …"
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
    backend = open_predictor(cfg_path, PROJECT_ROOT, args.engine)
    dataset = open_path(args.dataset.resolve(), PROJECT_ROOT / DATASET_CACHE)
    part, indices = part_of(dataset, args.part)
    pictures = evaluate_pictures(backend, dataset, indices, show_progress=sys.stderr.isatty() and not args.json)
    found = _Findings(
        cfg_path,
        backend,
        dataset,
        part,
        pictures,
        measure(pictures.probabilities, pictures.labels, backend.class_names),
        figures_at(pictures.probabilities, pictures.labels, backend.options.confidence_threshold),
    )
    print(json.dumps(found.to_dict(args.pictures)) if args.json else found.as_text())
    return 0


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


def open_predictor(cfg_path: Path, root: Path, engine: str | None = None) -> ClassificationBackend:
    """A loaded classifier. `engine` wins over the cfg.

    Raises ConfigError, PredictionError, UnsafeModel, or ModelNotFound for a predictor that is no classifier.
    """
    config = load_predictor_config(cfg_path, root)
    if engine:
        config = replace(config, model_options={**config.model_options, "engine": engine})
    backend: Backend = create_backend(config)
    if not isinstance(backend, ClassificationBackend):
        raise ModelNotFound(cfg_path, f"is a predictor of {config.backend_name}; only classifiers can be evaluated")
    room = EngineRoom()
    assert backend.request is not None
    room.start_for(backend.request)
    backend.load(room.open)
    return backend


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


def evaluate_pictures(
    backend: ClassificationBackend, dataset: Dataset, indices: Sequence[int] | np.ndarray, show_progress: bool = False
) -> EvaluatedPictures:
    """Ask a loaded predictor for pictures of a data set, batch by batch. Raises DatasetUnusable, ResultInvalid."""
    labels = _labels_of_model(backend, dataset)
    kept: list[int] = []
    rows: list[np.ndarray] = []
    skipped: list[SkippedFile] = []
    waiting: list[np.ndarray] = []
    batch_size = backend.engine.settings.batch_size if backend.engine else 1
    for index in tqdm(indices, desc="evaluating", unit="picture", disable=not show_progress, dynamic_ncols=True):
        try:
            waiting.append(backend.prepare(dataset.read(int(index), backend.smallest_decoded)))
        except ImageUnreadable as error:
            skipped.append(SkippedFile(dataset.items[index].name, str(error)))
            continue
        kept.append(int(index))
        if len(waiting) == batch_size:
            rows.append(backend.scores(backend.run(np.stack(waiting))))
            waiting.clear()
    if waiting:
        rows.append(backend.scores(backend.run(np.stack(waiting))))
    if not kept:
        raise DatasetUnusable(f"none of the pictures of {dataset.name} can be read")
    true = np.array([labels[dataset.items[index].label] for index in kept], np.int64)
    return EvaluatedPictures(np.array(kept, np.int64), np.concatenate(rows), true, tuple(skipped))


def _labels_of_model(backend: ClassificationBackend, dataset: Dataset) -> list[int]:
    """The model's class index for each class of the data set, by name."""
    index_of = {name: index for index, name in enumerate(backend.class_names)}
    unknown = [name for name in dataset.class_names if name not in index_of]
    if unknown:
        raise DatasetUnusable(
            f"{dataset.name} has classes that the model does not know ({', '.join(unknown[:5])}); "
            f"it knows {', '.join(backend.class_names[:10])}{' …' if len(backend.class_names) > 10 else ''}"
        )
    return [index_of[name] for name in dataset.class_names]
