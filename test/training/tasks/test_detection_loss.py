"""The loss of a detector: numbers by hand, a plain version, and what crowds and weights do to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deep_predictor.training.tasks.box_assignment import CROWD, NOTHING, THING, assign
from deep_predictor.training.tasks.box_cells import box_cells, decoded_boxes
from deep_predictor.training.tasks.detection_loss import (
    _BOX_WEIGHT,
    _NAME_WEIGHT,
    box_distances,
    detection_loss,
    loss_parts,
)

CELLS = box_cells(32, 32, (8, 16))


def random_rows(seed: int = 1, pictures: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.5, (pictures, len(CELLS.centres), 4 + 3)).astype(np.float32)


def targets_of(*rows: tuple[float, ...], pictures: int = 2) -> np.ndarray:
    """The same rows for each picture, and one that only fills up."""
    return np.tile(np.array([*rows, (0, 0, 0, 0, 0, NOTHING)], np.float32), (pictures, 1, 1))


def test_box_distances_are_overlap_and_distance_of_middles() -> None:
    one = np.array([[0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 2, 2]], np.float32)
    other = np.array([[0, 0, 2, 2], [0, 1, 2, 3], [0, 4, 2, 6]], np.float32)

    given = np.asarray(box_distances(one, other))

    # Shifted by half: a third in common, a middle 1 apart in a box of 2 by 3. Apart: middles 4 apart, 2 by 6 around.
    assert given == pytest.approx([0, 1 - 1 / 3 + 1 / 13, 1 + 16 / 40], abs=1e-6)


def test_loss_is_that_of_scores_names_and_places_worked_out_cell_by_cell() -> None:
    targets, rows = targets_of((4, 4, 20, 20, 1, THING), (14, 10, 30, 31, 2, THING)), random_rows()
    boxes = np.asarray(decoded_boxes(rows, CELLS))
    scores = 1 / (1 + np.exp(-rows[:, :, 4:]))
    places, qualities = (np.asarray(part) for part in assign(targets, boxes, scores, CELLS))

    by_score, by_name, by_box = np.zeros(2), np.zeros(2), np.zeros(2)
    for picture, cell in np.ndindex(2, len(CELLS.centres)):
        quality, target = qualities[picture, cell], targets[picture, places[picture, cell]]
        by_box[picture] += quality * float(box_distances(target[:4], boxes[picture, cell]))
        powers = np.exp(rows[picture, cell, 4:])
        by_name[picture] -= quality * np.log(powers[int(target[4])] / powers.sum())
        for label, score in enumerate(scores[picture, cell]):
            wanted = quality if label == target[4] else 0.0
            entropy = -(wanted * np.log(score) + (1 - wanted) * np.log(1 - score))
            by_score[picture] += (score - wanted) ** 2 * entropy
    count = qualities.sum()

    parts = loss_parts(targets, rows, CELLS)

    given = [np.asarray(part).mean() for part in parts]
    assert given == pytest.approx([by_score.sum() / count, by_name.sum() / count, by_box.sum() / count], rel=1e-4)
    whole = given[0] + _NAME_WEIGHT * given[1] + _BOX_WEIGHT * given[2]
    assert float(detection_loss(CELLS)(targets, rows)) == pytest.approx(whole, rel=1e-4)


def test_loss_of_pictures_without_things_is_finite_and_falls_with_the_scores() -> None:
    targets, rows = targets_of(), random_rows()
    quiet = rows.copy()
    quiet[:, :, 4:] = -8

    loud_loss, quiet_loss = (float(detection_loss(CELLS)(targets, some)) for some in (rows, quiet))

    assert np.isfinite(loud_loss)
    assert quiet_loss < 1e-3 < loud_loss


def test_scores_in_a_crowd_of_their_class_cost_nothing() -> None:
    rows = np.full((1, len(CELLS.centres), 7), -9, np.float32)
    rows[:, :, :4] = 0
    inside = (CELLS.centres < 16).all(axis=1)
    rows[0, inside, 4 + 1] = 3

    def loss(*target: tuple[float, ...]) -> float:
        return float(detection_loss(CELLS)(targets_of(*target, pictures=1), rows))

    assert loss((0, 0, 16, 16, 1, CROWD)) < 1e-3
    assert loss((0, 0, 16, 16, 2, CROWD)) == pytest.approx(loss(), rel=1e-5)
    assert loss() > 1
    # A thing in the crowd is taught all the same.
    assert loss((0, 0, 16, 16, 1, CROWD), (2, 2, 10, 10, 1, THING)) > 0.1


def test_class_weights_count_for_scores_and_names_of_their_class() -> None:
    targets, rows = targets_of((4, 4, 20, 20, 1, THING)), random_rows()

    plain: Any = loss_parts(targets, rows, CELLS)
    same = loss_parts(targets, rows, CELLS, np.array([1, 1, 1], np.float32))
    doubled = loss_parts(targets, rows, CELLS, np.array([2, 2, 2], np.float32))

    for part in ("scores", "names"):
        own = np.asarray(getattr(plain, part))
        assert np.asarray(getattr(same, part)) == pytest.approx(own)
        assert np.asarray(getattr(doubled, part)) == pytest.approx(2 * own)
    assert np.asarray(doubled.boxes) == pytest.approx(np.asarray(plain.boxes))
