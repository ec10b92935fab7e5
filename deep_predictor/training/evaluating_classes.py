"""`evaluate` for classifiers: what a loaded predictor says of labelled pictures, and how often it is right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deep_predictor.backends.classification import ClassificationBackend
from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.dataset import Dataset, SkippedFile
from deep_predictor.training.metrics import ClassificationMetrics, measure, table_of
from deep_predictor.training.model_classes import indices_in_model
from deep_predictor.training.threshold import ThresholdChoice, figures_at, wilson_interval


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
class ClassFigures:
    """What is told of a classifier."""

    backend: ClassificationBackend
    dataset: Dataset
    pictures: EvaluatedPictures
    metrics: ClassificationMetrics
    choice: ThresholdChoice

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(round(self.metrics.accuracy * self.metrics.count), self.metrics.count)

    @property
    def skipped(self) -> tuple[SkippedFile, ...]:
        return self.pictures.skipped

    def to_dict(self, with_pictures: bool) -> dict[str, Any]:
        found: dict[str, Any] = {
            **self.metrics.to_dict(),
            "accuracy_interval": [round(end, 5) for end in self.interval],
            "temperature": self.backend.options.temperature,
            "confidence_threshold": self.choice.threshold,
            "accepted_share": round(self.choice.accepted_share, 5),
            "not_confident_share": round(self.choice.not_confident_share, 5),
            "right_share_of_accepted": round(self.choice.right_share, 5),
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

    def lines(self) -> list[str]:
        metrics, choice = self.metrics, self.choice
        low, high = self.interval
        return [
            table_of(metrics),
            "",
            f"accuracy       {metrics.accuracy:.4f} on {metrics.count} pictures (95 %: {low:.4f} to {high:.4f})",
            f"first five     {metrics.top5_accuracy:.4f}",
            f"cross-entropy  {metrics.loss:.4f}, calibration error {metrics.ece:.4f}",
            f"threshold      {choice.threshold:g}: {choice.not_confident_share:.1%} left to not-confident, "
            f"{choice.right_share:.1%} of the others right",
        ]


def class_figures(backend: ClassificationBackend, dataset: Dataset, indices: Iterable[int]) -> ClassFigures:
    """Raises DatasetUnusable, ResultInvalid."""
    pictures = evaluate_pictures(backend, dataset, indices)
    return ClassFigures(
        backend,
        dataset,
        pictures,
        measure(pictures.probabilities, pictures.labels, backend.class_names),
        figures_at(pictures.probabilities, pictures.labels, backend.options.confidence_threshold),
    )


def evaluate_pictures(backend: ClassificationBackend, dataset: Dataset, indices: Iterable[int]) -> EvaluatedPictures:
    """Ask a loaded predictor for pictures of a data set, batch by batch. Raises DatasetUnusable, ResultInvalid."""
    labels = indices_in_model(backend.class_names, dataset)
    kept: list[int] = []
    rows: list[np.ndarray] = []
    skipped: list[SkippedFile] = []
    waiting: list[np.ndarray] = []
    batch_size = backend.engine.settings.batch_size if backend.engine else 1
    for index in indices:
        try:
            waiting.append(backend.prepare(dataset.read(int(index), backend.smallest_decoded)))
        except ImageUnreadable as error:
            skipped.append(SkippedFile(dataset.items[index].name, str(error)))
            continue
        kept.append(int(index))
        if len(waiting) == batch_size:
            rows.append(_scores(backend, waiting))
            waiting.clear()
    if waiting:
        rows.append(_scores(backend, waiting))
    if not kept:
        raise DatasetUnusable(f"none of the pictures of {dataset.name} can be read")
    true = np.array([labels[dataset.items[index].label] for index in kept], np.int64)
    return EvaluatedPictures(np.array(kept, np.int64), np.concatenate(rows), true, tuple(skipped))


def _scores(backend: ClassificationBackend, waiting: Sequence[np.ndarray]) -> np.ndarray:
    return backend.scores(backend.run(np.stack(waiting)))
