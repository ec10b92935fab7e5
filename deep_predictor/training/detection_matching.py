"""Which found boxes of a picture are right, by the rules of COCO's evaluation.

Source: evaluateImg in cocoeval.py of the COCO API, https://github.com/cocodataset/cocoapi. In the order of their
scores, each found box takes the free true box of its class that it overlaps most, from the threshold on. A box that
gets none but overlaps a region of a crowd counts for nothing; such a region may take any number of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Intersection over union from which on a box is right: 0.50, 0.55 … 0.95.
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
#: Of each class, so many boxes with the highest scores of a picture count.
MAX_DETECTIONS = 100


@dataclass(frozen=True, eq=False)
class TrueBoxes:
    """Of one picture. `corners`: (N, 4) x1, y1, x2, y2 in pixels or any one unit; `classes`: int (N,).

    `is_crowd`: bool (N,), regions in which found boxes are neither right nor wrong.
    """

    corners: np.ndarray
    classes: np.ndarray
    is_crowd: np.ndarray

    def __post_init__(self) -> None:
        _check_shapes(self.corners, self.classes, self.is_crowd)


@dataclass(frozen=True, eq=False)
class FoundBoxes:
    """Of the same picture, in the same unit; `scores`: (N,). Both raise ValueError for numbers that are not finite."""

    corners: np.ndarray
    classes: np.ndarray
    scores: np.ndarray

    def __post_init__(self) -> None:
        _check_shapes(self.corners, self.classes, self.scores)
        if not np.isfinite(self.scores).all():
            raise ValueError("a score is not a finite number")


@dataclass(frozen=True, eq=False)
class Matches:
    """The found boxes that count, highest score first: (N,). `is_right`, `is_ignored`: bool (thresholds, N)."""

    classes: np.ndarray
    scores: np.ndarray
    is_right: np.ndarray
    is_ignored: np.ndarray


def match_boxes(truth: TrueBoxes, found: FoundBoxes, max_detections: int = MAX_DETECTIONS) -> Matches:
    """One picture's found boxes against its true ones, at each of IOU_THRESHOLDS."""
    chosen = _best(found, max_detections)
    classes, scores = found.classes[chosen], found.scores[chosen]
    # Of equal overlaps the later box counts, and crowds come last, as there.
    order = np.argsort(truth.is_crowd, kind="stable")
    is_crowd = truth.is_crowd[order]
    overlaps = pairwise_overlaps(found.corners[chosen], truth.corners[order], is_crowd)
    overlaps[classes[:, np.newaxis] != truth.classes[order]] = -1.0
    is_free = np.ones((len(IOU_THRESHOLDS), len(order)), bool)
    is_right = np.zeros((len(IOU_THRESHOLDS), len(classes)), bool)
    is_ignored = np.zeros_like(is_right)
    for row in np.flatnonzero((overlaps >= IOU_THRESHOLDS[0]).any(axis=1)):
        fits = (overlaps[row] >= IOU_THRESHOLDS[:, np.newaxis]) & is_free
        taken = _last_best(overlaps[row], fits & ~is_crowd)
        thresholds = np.flatnonzero(taken >= 0)
        is_right[thresholds, row] = True
        is_free[thresholds, taken[thresholds]] = False
        is_ignored[:, row] = (taken < 0) & (fits & is_crowd).any(axis=1)
    return Matches(classes, scores, is_right, is_ignored)


def pairwise_overlaps(found: np.ndarray, true: np.ndarray, is_crowd: np.ndarray) -> np.ndarray:
    """Corners (F, 4) and (T, 4) -> float64 (F, T), intersection over union; over the found box's area for crowds."""
    found, true = found.astype(np.float64)[:, np.newaxis], true.astype(np.float64)[np.newaxis]
    sides = np.minimum(found[..., 2:], true[..., 2:]) - np.maximum(found[..., :2], true[..., :2])
    shared = np.maximum(sides, 0.0).prod(axis=-1)
    found_areas = (found[..., 2:] - found[..., :2]).prod(axis=-1)
    true_areas = (true[..., 2:] - true[..., :2]).prod(axis=-1)
    whole = np.where(is_crowd, found_areas, found_areas + true_areas - shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def _best(found: FoundBoxes, most: int) -> np.ndarray:
    """Indices, highest score first, at most so many of a class; of equal scores the first comes first."""
    order = np.argsort(-found.scores, kind="stable")
    by_class = np.argsort(found.classes[order], kind="stable")
    classes = found.classes[order][by_class]
    rank = np.arange(len(order)) - np.searchsorted(classes, classes, side="left")
    return order[np.sort(by_class[rank < most])]


def _last_best(overlaps: np.ndarray, fits: np.ndarray) -> np.ndarray:
    """(T,) and bool (thresholds, T) -> (thresholds,): the last of the greatest among those that fit, -1 for none."""
    if not fits.shape[1]:
        return np.full(len(fits), -1, np.intp)
    among = np.where(fits, overlaps, -1.0)[:, ::-1]
    best: np.ndarray = fits.shape[1] - 1 - among.argmax(axis=1)
    return np.where(fits.any(axis=1), best, -1)


def _check_shapes(corners: np.ndarray, classes: np.ndarray, others: np.ndarray) -> None:
    if corners.shape != (len(classes), 4) or classes.ndim != 1 or others.shape != classes.shape:
        raise ValueError(f"{corners.shape} corners, {classes.shape} classes and {others.shape} do not fit each other")
    if not np.isfinite(corners).all() or (corners[:, 2:] < corners[:, :2]).any():
        raise ValueError("a box has corners that are not finite, or in the wrong order")
