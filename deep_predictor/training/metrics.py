"""How good a classifier is, from its probabilities and the true labels. Plain numpy, knows no library of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deep_predictor.training.calibration import expected_calibration_error
from deep_predictor.training.shown_names import shown_name

#: A probability of zero for the true class costs this much of a logarithm, not infinity.
_SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class ClassMetrics:
    """Figures of one class; a share whose divisor is zero counts as 0."""

    class_name: str
    count: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class ClassificationMetrics:
    """`confusion[i][j]`: how many pictures of class i were called class j. `loss` is the mean cross-entropy in nats.

    `accuracy`: the true class came first; `top5_accuracy`: among the first five; `ece`: expected calibration error.
    """

    count: int
    accuracy: float
    top5_accuracy: float
    ece: float
    loss: float
    classes: tuple[ClassMetrics, ...]
    confusion: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "accuracy": round(self.accuracy, 5),
            "top5_accuracy": round(self.top5_accuracy, 5),
            "ece": round(self.ece, 5),
            "loss": round(self.loss, 5),
            "classes": [
                {
                    "class_name": c.class_name,
                    "count": c.count,
                    "precision": round(c.precision, 5),
                    "recall": round(c.recall, 5),
                    "f1": round(c.f1, 5),
                }
                for c in self.classes
            ],
            "confusion_matrix": self.confusion.tolist(),
        }


def measure(probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> ClassificationMetrics:
    """(N, classes) probabilities and (N,) true labels -> figures.

    Raises ValueError when the shapes do not fit, or a probability is no number.
    """
    if probabilities.shape != (len(labels), len(class_names)) or len(labels) == 0:
        raise ValueError(f"{probabilities.shape} outputs do not fit {len(labels)} labels of {len(class_names)} classes")
    if not np.isfinite(probabilities).all():
        raise ValueError("an output of the network is not a finite number")
    confusion = confusion_matrix(probabilities.argmax(axis=1), labels, len(class_names))
    right = np.diag(confusion)
    of_true_class = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return ClassificationMetrics(
        count=len(labels),
        accuracy=float(right.sum() / len(labels)),
        top5_accuracy=top_accuracy(probabilities, labels, 5),
        ece=expected_calibration_error(probabilities, labels),
        loss=float(-np.log(of_true_class.clip(_SMALLEST_PROBABILITY, 1)).mean()),
        classes=tuple(_class_metrics(confusion, index, name) for index, name in enumerate(class_names)),
        confusion=confusion,
    )


def top_accuracy(probabilities: np.ndarray, labels: np.ndarray, count: int) -> float:
    """Share of the pictures whose true class is among the best `count`; of equal scores the lower index comes first."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return float((best == np.asarray(labels)[:, np.newaxis]).any(axis=1).mean())


def confusion_matrix(predicted: np.ndarray, labels: np.ndarray, class_count: int) -> np.ndarray:
    """(N,) predicted and (N,) true class indices -> (classes, classes) counts, a row a true class."""
    pairs = np.asarray(labels) * class_count + np.asarray(predicted)
    return np.bincount(pairs, minlength=class_count**2).reshape(class_count, class_count)


def table_of(metrics: ClassificationMetrics) -> str:
    """The figures of each class as a plain table of text."""
    names = [shown_name(c.class_name, 60) for c in metrics.classes]
    width = max(len("class"), *map(len, names))
    lines = [f"{'class':<{width}}  precision  recall      f1  pictures"]
    lines += [
        f"{name:<{width}}  {c.precision:9.3f}  {c.recall:6.3f}  {c.f1:6.3f}  {c.count:8d}"
        for name, c in zip(names, metrics.classes, strict=True)
    ]
    return "\n".join(lines)


def _class_metrics(confusion: np.ndarray, index: int, class_name: str) -> ClassMetrics:
    hits = int(confusion[index, index])
    truly, called = int(confusion[index].sum()), int(confusion[:, index].sum())
    return ClassMetrics(
        class_name=class_name,
        count=truly,
        precision=_share(hits, called),
        recall=_share(hits, truly),
        f1=_share(2 * hits, truly + called),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
