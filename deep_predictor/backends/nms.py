"""Non-maximum suppression: of boxes that overlap much, the one with the highest score stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class NmsLimits:
    """A box is kept when its score is above `score_threshold` and no kept box of its class overlaps it by more than
    `iou_threshold`; at most so many a class, and so many in all."""

    iou_threshold: float
    score_threshold: float
    max_per_class: int
    max_total: int


@dataclass(frozen=True)
class KeptBoxes:
    """Highest score first. boxes: (K, 4) y1, x1, y2, x2 within 0..1, y1 <= y2, x1 <= x2; scores, classes: (K,)."""

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray


def suppress(boxes: np.ndarray, scores: np.ndarray, limits: NmsLimits) -> KeptBoxes:
    """What tf.image.combined_non_max_suppression keeps, for one picture, all classes sharing the boxes.

    boxes: (B, 4) y1, x1, y2, x2 in any corner order, as shares of the picture; scores: (B, C). Overlaps are those of
    the unclipped boxes, the result is clipped to the picture. Equal scores: the lower class, then the lower row first.
    """
    boxes = _ordered(boxes.astype(np.float64))
    kept: list[tuple[int, int]] = []
    for class_index in np.flatnonzero((scores > limits.score_threshold).any(axis=0)):
        kept += [(row, int(class_index)) for row in _suppress_class(boxes, scores[:, class_index], limits)]
    rows = np.array([row for row, _ in kept], dtype=np.intp)
    classes = np.array([class_index for _, class_index in kept], dtype=np.intp)
    kept_scores = scores[rows, classes]
    order = np.argsort(-kept_scores, kind="stable")[: limits.max_total]
    return KeptBoxes(np.clip(boxes[rows[order]], 0.0, 1.0), kept_scores[order], classes[order])


def intersection_over_union(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Overlap of one ordered box (4,) with others (N, 4), each 0..1; a box without an area overlaps nothing."""
    top_left = np.maximum(box[:2], others[:, :2])
    bottom_right = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(bottom_right - top_left, 0.0), axis=1)
    union = _area(box[np.newaxis]) + _area(others) - shared
    has_area = (_area(box[np.newaxis]) > 0) & (_area(others) > 0)
    return np.where(has_area, shared / np.where(union > 0, union, 1.0), 0.0)


def _suppress_class(boxes: np.ndarray, scores: np.ndarray, limits: NmsLimits) -> list[int]:
    candidates = np.flatnonzero(scores > limits.score_threshold)
    candidates = candidates[np.argsort(-scores[candidates], kind="stable")]
    kept: list[int] = []
    while candidates.size and len(kept) < limits.max_per_class:
        best, candidates = int(candidates[0]), candidates[1:]
        kept.append(best)
        candidates = candidates[intersection_over_union(boxes[best], boxes[candidates]) <= limits.iou_threshold]
    return kept


def _ordered(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)


def _area(boxes: np.ndarray) -> np.ndarray:
    return np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
