"""Which cells of a detector shall show which box.

Task-aligned assignment: Feng et al., "TOOD: Task-aligned One-stage Object Detection" (2021), section 3.2,
https://arxiv.org/abs/2108.07755. Those cells learn a box that already tell its class and its place best: of the cells
near it, the few with the highest score^a IoU^b. Nothing here has a gradient.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from deep_predictor.training.tasks.box_cells import BoxCells

#: The last column of a target's row: a row that only fills up, a thing, or a region with many of them.
NOTHING, THING, CROWD = 0, 1, 2
#: Cells that learn a box, at most.
_MOST_CELLS = 10
#: Powers of the score and of the overlap.
_SCORE_POWER, _OVERLAP_POWER = 0.5, 4.0
#: What a cell's overlap counts at least, so that boxes that nothing overlaps yet are learnt too.
_LEAST_OVERLAP = 0.05
_EPSILON = 1e-9


class Assigned(NamedTuple):
    """For each cell. `places`: int (N, cells), the row of its target; `qualities`: float32 (N, cells), 0 for none.

    A quality is how high the score of the box's class should be: the best cell's is its overlap with the box.
    """

    places: Any
    qualities: Any


def assign(targets: Any, boxes: Any, scores: Any, cells: BoxCells) -> Assigned:
    """Targets (N, M, 6), boxes (N, cells, 4) in pixels and scores (N, cells, classes) -> what each cell learns.

    A target's row is y1, x1, y2, x2 in pixels, the class, and NOTHING, THING or CROWD.
    """
    from keras import ops

    overlaps = ops.maximum(pairwise_overlaps(targets[:, :, :4], boxes), _LEAST_OVERLAP)
    of_class = ops.one_hot(ops.cast(targets[:, :, 4], "int32"), scores.shape[-1], dtype="float32")
    aligned = ops.power(_times(of_class, scores) + _EPSILON, _SCORE_POWER) * ops.power(overlaps, _OVERLAP_POWER)
    near = ops.cast(is_near(targets[:, :, :4], cells), "float32") * ops.cast(targets[:, :, 5:6] == THING, "float32")
    aligned = aligned * near
    last = ops.top_k(aligned, min(_MOST_CELLS, aligned.shape[-1]))[0][:, :, -1:]
    chosen = ops.cast(aligned >= ops.maximum(last, _EPSILON**2), "float32")
    # A cell shows one box: the one it overlaps most.
    places = ops.argmax(overlaps * chosen, axis=1)
    owned = chosen * ops.transpose(ops.one_hot(places, overlaps.shape[1], dtype="float32"), (0, 2, 1))
    aligned, overlaps = aligned * owned, overlaps * owned
    best = ops.max(overlaps, axis=2, keepdims=True) / (ops.max(aligned, axis=2, keepdims=True) + _EPSILON**2)
    return Assigned(places, ops.max(aligned * best, axis=1))


def pairwise_overlaps(one: Any, other: Any) -> Any:
    """y1, x1, y2, x2 of (N, M, 4) and (N, A, 4) -> intersection over union (N, M, A)."""
    from keras import ops

    one, other = ops.expand_dims(one, 2), ops.expand_dims(other, 1)
    sides = ops.minimum(one[..., 2:], other[..., 2:]) - ops.maximum(one[..., :2], other[..., :2])
    sides = ops.maximum(sides, 0.0)
    shared = sides[..., 0] * sides[..., 1]
    return shared / ops.maximum(_areas(one) + _areas(other) - shared, _EPSILON)


def is_near(boxes: Any, cells: BoxCells) -> Any:
    """Boxes (N, M, 4) -> bool (N, M, cells): the cell's centre is in the box, or less than a cell from its middle.

    So small boxes, which may hold no centre, have a few cells on each grid.
    """
    from keras import ops

    middles = ops.expand_dims((boxes[..., :2] + boxes[..., 2:]) / 2, 2)
    reach = ops.maximum(ops.expand_dims((boxes[..., 2:] - boxes[..., :2]) / 2, 2), cells.strides)
    return ops.all(ops.abs(cells.centres - middles) < reach, axis=-1)


def is_in(boxes: Any, cells: BoxCells) -> Any:
    """Boxes (N, M, 4) -> bool (N, M, cells): the cell's centre is in the box."""
    from keras import ops

    low, high = ops.expand_dims(boxes[..., :2], 2), ops.expand_dims(boxes[..., 2:], 2)
    return ops.all(ops.logical_and(cells.centres > low, cells.centres < high), axis=-1)


def _areas(boxes: Any) -> Any:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _times(of_class: Any, scores: Any) -> Any:
    """(N, M, classes) and (N, cells, classes) -> (N, M, cells): each cell's score for each target's class."""
    from keras import ops

    return ops.matmul(of_class, ops.transpose(scores, (0, 2, 1)))
