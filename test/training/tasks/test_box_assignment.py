"""Which cells learn which box: hand-made cases, and a slow plain version on random ones."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.backends.nms import intersection_over_union
from deep_predictor.training.tasks import box_assignment
from deep_predictor.training.tasks.box_assignment import (
    CROWD,
    NOTHING,
    THING,
    assign,
    is_in,
    is_near,
    pairwise_overlaps,
)
from deep_predictor.training.tasks.box_cells import BoxCells, box_cells

CELLS = box_cells(32, 32, (8, 16))


def random_targets(rng: np.random.Generator, pictures: int, boxes: int) -> np.ndarray:
    low = rng.uniform(0, 20, (pictures, boxes, 2))
    high = low + rng.uniform(3, 12, (pictures, boxes, 2))
    classes = rng.integers(0, 3, (pictures, boxes, 1))
    kinds = rng.choice([NOTHING, THING, THING, CROWD], (pictures, boxes, 1))
    return np.concatenate([low, high, classes, kinds], axis=2).astype(np.float32)


def random_boxes(rng: np.random.Generator, pictures: int, cells: BoxCells) -> np.ndarray:
    middles = cells.centres + rng.normal(0, 3, (pictures, len(cells.centres), 2))
    halves = rng.uniform(2, 8, middles.shape)
    return np.concatenate([middles - halves, middles + halves], axis=2).astype(np.float32)


def slow_assigned(target: np.ndarray, boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `assign`, for one picture: box after box, cell after cell."""
    overlaps = np.array([np.maximum(intersection_over_union(row[:4], boxes), 0.05) for row in target])
    aligned = np.zeros_like(overlaps)
    for place, row in enumerate(target):
        for cell, centre in enumerate(CELLS.centres):
            middle, half = (row[:2] + row[2:4]) / 2, (row[2:4] - row[:2]) / 2
            if row[5] == THING and (abs(centre - middle) < np.maximum(half, CELLS.strides[cell])).all():
                score = scores[cell, int(row[4])]
                aligned[place, cell] = (
                    score**box_assignment._SCORE_POWER * overlaps[place, cell] ** box_assignment._OVERLAP_POWER
                )
    chosen = np.zeros(aligned.shape, bool)
    for place in range(len(target)):
        best = np.argsort(-aligned[place], kind="stable")[: box_assignment._MOST_CELLS]
        chosen[place, [cell for cell in best if aligned[place, cell] > 0]] = True
    places = (overlaps * chosen).argmax(axis=0)
    chosen &= places == np.arange(len(target))[:, np.newaxis]
    qualities = np.zeros(len(boxes))
    for place in np.flatnonzero(chosen.any(axis=1)):
        own = chosen[place]
        best = aligned[place, own] * overlaps[place, own].max() / aligned[place, own].max()
        qualities[own] = best
    return places, qualities


@pytest.mark.parametrize("seed", range(8))
def test_assign_agrees_with_a_slow_plain_version(seed: int) -> None:
    rng = np.random.default_rng(seed)
    targets, boxes = random_targets(rng, 3, 5), random_boxes(rng, 3, CELLS)
    scores = rng.uniform(0.01, 1, (3, len(CELLS.centres), 3)).astype(np.float32)

    places, qualities = (np.asarray(part) for part in assign(targets, boxes, scores, CELLS))

    for picture in range(3):
        wanted_places, wanted = slow_assigned(targets[picture], boxes[picture], scores[picture])
        assert qualities[picture] == pytest.approx(wanted, rel=1e-3, abs=1e-6)
        taught = wanted > 0
        assert places[picture][taught].tolist() == wanted_places[taught].tolist()


def test_assign_without_things_teaches_no_cell() -> None:
    rng = np.random.default_rng(1)
    targets = random_targets(rng, 2, 4)
    targets[0, :, 5], targets[1, :, 5] = NOTHING, CROWD

    qualities = np.asarray(
        assign(targets, random_boxes(rng, 2, CELLS), np.full((2, 20, 3), 0.5, np.float32), CELLS).qualities
    )

    assert not qualities.any()


def test_assign_of_a_box_that_nothing_overlaps_still_teaches_the_cells_around_it() -> None:
    target = np.array([[[10, 10, 14, 14, 0, THING]]], np.float32)
    far = np.tile(np.array([0, 0, 1, 1], np.float32), (1, len(CELLS.centres), 1))

    qualities = np.asarray(assign(target, far, np.full((1, 20, 1), 0.01, np.float32), CELLS).qualities)

    assert qualities.max() == pytest.approx(0.05)


def test_pairwise_overlaps_are_those_of_the_suppression() -> None:
    rng = np.random.default_rng(3)
    one, other = random_targets(rng, 2, 4)[..., :4], random_boxes(rng, 2, CELLS)

    given = np.asarray(pairwise_overlaps(one, other))

    for picture in range(2):
        wanted = [intersection_over_union(box, other[picture]) for box in one[picture]]
        assert given[picture] == pytest.approx(np.array(wanted), abs=1e-5)


def test_small_box_is_near_cells_of_each_grid_although_it_holds_no_middle() -> None:
    box = np.array([[[9, 9, 11, 11]]], np.float32)

    assert not np.asarray(is_in(box, CELLS)).any()
    near = np.asarray(is_near(box, CELLS))[0, 0]
    assert CELLS.centres[near & (CELLS.strides[:, 0] == 8)].tolist() == [[4, 4], [4, 12], [12, 4], [12, 12]]
    assert CELLS.centres[near & (CELLS.strides[:, 0] == 16)].tolist() == [[8, 8], [8, 24], [24, 8], [24, 24]]
