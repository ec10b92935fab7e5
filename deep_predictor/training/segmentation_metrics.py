"""How good a segmenter is: intersection over union of its classes, from one matrix of counted pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX

_DECIMALS = 5
#: Pixels that are counted at once: NumPy counts in numbers of eight bytes.
_CHUNK = 2**20


@dataclass(frozen=True)
class ClassSegmentation:
    """Figures of one class, in pixels of all pictures. `iou`: None where it is neither there nor found.

    `precision`, `recall`: 0 where nothing is found, or nothing is there.
    """

    class_name: str
    count: int
    found: int
    iou: float | None
    precision: float
    recall: float


@dataclass(frozen=True, eq=False)
class SegmentationMetrics:
    """`confusion[i][j]`: pixels of class i that were called class j. Means are over the classes that have an IoU.

    `accuracy`: the share of right pixels. `miou_without_background` is `miou` where there is no background.
    """

    pixel_count: int
    accuracy: float
    miou: float | None
    miou_without_background: float | None
    classes: tuple[ClassSegmentation, ...]
    confusion: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        return {
            "pixels": self.pixel_count,
            "accuracy": round(self.accuracy, _DECIMALS),
            "miou": _rounded(self.miou),
            "miou_without_background": _rounded(self.miou_without_background),
            "classes": [
                {
                    "class_name": one.class_name,
                    "count": one.count,
                    "found": one.found,
                    "iou": _rounded(one.iou),
                    "precision": round(one.precision, _DECIMALS),
                    "recall": round(one.recall, _DECIMALS),
                }
                for one in self.classes
            ],
            "confusion_matrix": self.confusion.tolist(),
        }


def count_pixels(
    truth: np.ndarray, found: np.ndarray, class_count: int, ignore_index: int = IGNORE_INDEX
) -> np.ndarray:
    """Masks uint8 (H, W) -> int64 (classes, classes), a row a true class; add up those of all pictures.

    Pixels that are `ignore_index` in the truth do not count, whatever was found there. Raises ValueError where the
    sizes differ, or another pixel has no class.
    """
    if truth.shape != found.shape or truth.dtype != np.uint8 or found.dtype != np.uint8:
        raise ValueError(f"masks {truth.dtype} {truth.shape} and {found.dtype} {found.shape} do not fit each other")
    # Cells: a row for each true number, ignored ones in one of their own; a column for each found one.
    pairs = np.zeros(256 * 256, np.int64)
    flat_truth, flat_found = truth.reshape(-1), found.reshape(-1)
    for start in range(0, truth.size, _CHUNK):
        cells = flat_truth[start : start + _CHUNK].astype(np.uint16) << 8 | flat_found[start : start + _CHUNK]
        pairs += np.bincount(cells, minlength=256 * 256)
    counts = pairs.reshape(256, 256)
    counts[ignore_index] = 0
    if counts[class_count:].any() or counts[:, class_count:].any():
        raise ValueError(f"a pixel has a class outside of 0..{class_count - 1}")
    return counts[:class_count, :class_count].copy()


def measure_segmentation(
    confusion: np.ndarray, class_names: Sequence[str], background_index: int | None = 0
) -> SegmentationMetrics:
    """Counted pixels (classes, classes) -> figures. Raises ValueError where they do not fit the names."""
    if confusion.shape != (len(class_names), len(class_names)):
        raise ValueError(f"counts {confusion.shape} do not fit {len(class_names)} classes")
    classes = tuple(_class_figures(confusion, index, name) for index, name in enumerate(class_names))
    total = int(confusion.sum())
    things = [one.iou for index, one in enumerate(classes) if index != background_index]
    return SegmentationMetrics(
        pixel_count=total,
        accuracy=_share(int(np.trace(confusion)), total),
        miou=_mean([one.iou for one in classes]),
        miou_without_background=_mean(things),
        classes=classes,
        confusion=confusion,
    )


def _class_figures(confusion: np.ndarray, index: int, name: str) -> ClassSegmentation:
    right, count, found = (int(n) for n in (confusion[index, index], confusion[index].sum(), confusion[:, index].sum()))
    either = count + found - right
    return ClassSegmentation(
        class_name=name,
        count=count,
        found=found,
        iou=right / either if either else None,
        precision=_share(right, found),
        recall=_share(right, count),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
