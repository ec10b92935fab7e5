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
class Candidates:
    """Boxes above the threshold, one for each class that it may be: (K,) each. `rows` are places in the output."""

    rows: np.ndarray
    classes: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class KeptBoxes:
    """Highest score first. boxes: (K, 4) y1, x1, y2, x2 within 0..1, y1 <= y2, x1 <= x2; scores, classes: (K,)."""

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray


def find_candidates(scores: np.ndarray, score_threshold: float) -> Candidates:
    """All (box, class) of scores (B, C), in either order of memory, that lie above the threshold."""
    above = scores > score_threshold  # laid out in memory as the scores are
    if above.flags.c_contiguous:
        rows, classes = np.divmod(np.flatnonzero(above), max(1, scores.shape[1]))
    else:
        classes, rows = np.divmod(np.flatnonzero(above.T), max(1, scores.shape[0]))
    return Candidates(rows, classes, scores[rows, classes])


def suppress(boxes: np.ndarray, candidates: Candidates, limits: NmsLimits) -> KeptBoxes:
    """What tf.image.combined_non_max_suppression keeps, for one picture.

    boxes: (K, 4), those of the candidates: y1, x1, y2, x2 in any corner order, as shares of the picture. Overlaps are
    those of the unclipped boxes, the result is clipped to the picture. Equal scores: the lower class, then the lower
    row first.
    """
    order = np.lexsort((candidates.rows, candidates.classes, -candidates.scores))
    order = order[candidates.scores[order] > limits.score_threshold]
    boxes, classes = _ordered(boxes[order].astype(np.float64)), candidates.classes[order]
    kept = np.array(_keep(boxes, classes, limits), np.intp)
    return KeptBoxes(np.clip(boxes[kept], 0.0, 1.0), candidates.scores[order[kept]], classes[kept])


def intersection_over_union(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Overlap of one ordered box (4,) with others (N, 4), each 0..1; a box without an area overlaps nothing."""
    sides = np.maximum(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0.0)
    shared = sides[:, 0] * sides[:, 1]
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    own_area = (box[2] - box[0]) * (box[3] - box[1])
    has_area = (areas > 0) & bool(own_area > 0)
    return np.divide(shared, areas + own_area - shared, out=np.zeros(len(others)), where=has_area)


def _keep(boxes: np.ndarray, classes: np.ndarray, limits: NmsLimits) -> list[int]:
    """Which of the boxes stay, the best of which come first."""
    alive = np.ones(len(boxes), bool)
    counts: dict[int, int] = {}
    kept: list[int] = []
    start = 0
    while len(kept) < limits.max_total and alive[start:].any():
        best = start + int(alive[start:].argmax())
        kept.append(best)
        start = best + 1
        class_index = int(classes[best])
        counts[class_index] = counts.get(class_index, 0) + 1
        rivals = start + np.flatnonzero(classes[start:] == class_index)
        if counts[class_index] == limits.max_per_class:
            alive[rivals] = False
        elif limits.iou_threshold < 1:
            alive[rivals] &= intersection_over_union(boxes[best], boxes[rivals]) <= limits.iou_threshold
    return kept


def _ordered(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)
