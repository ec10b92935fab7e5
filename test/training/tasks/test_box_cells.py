"""Cells and what their numbers mean, against numbers worked out by hand; what is served, against the backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.tf_yolo import LAYOUT
from deep_predictor.training.tasks.box_cells import box_cells, decoded_boxes, served_network


def test_box_cells_stand_line_by_line_the_finest_grid_first() -> None:
    cells = box_cells(16, 32, (8, 16))

    assert cells.centres.tolist() == [
        *([4, x] for x in (4, 12, 20, 28)),
        *([12, x] for x in (4, 12, 20, 28)),
        [8, 8],
        [8, 24],
    ]
    assert cells.strides.ravel().tolist() == [8] * 8 + [16] * 2


def test_decoded_boxes_are_middles_in_cells_and_sizes_in_pairs_of_cells() -> None:
    cells = box_cells(16, 32, (8, 16))
    rows = np.zeros((1, 10, 6), np.float32)
    rows[0, 1, :4] = 0.5, -0.25, 0, np.log(1.5)
    rows[0, 9, :4] = 0, 0, 99, -99

    boxes = np.asarray(decoded_boxes(rows, cells))[0]

    # The second cell's middle is at (4, 12): (8, 10) with 16 by 24 pixels.
    assert boxes[1] == pytest.approx([0, -2, 16, 22])
    assert boxes[0] == pytest.approx([-4, -4, 12, 12])
    # However large a number, a box is finite, and never without an area.
    low, high = boxes[9, :2], boxes[9, 2:]
    assert (high - low) == pytest.approx([32 * np.exp(5), 32 * np.exp(-4)], rel=1e-4)


def test_served_network_gives_shares_and_scores_as_the_backend_reads_them() -> None:
    import keras

    cells = box_cells(16, 32, (8, 16))
    rows = np.random.default_rng(2).normal(0, 1, (3, 10, 4 + 2)).astype(np.float32)
    inputs = keras.Input((10, 6))
    served = served_network(keras.Model(inputs, keras.layers.Identity()(inputs), name="rows"), cells)

    output = np.asarray(served(rows))

    assert served.name == "rows"
    assert output[:, :, 4:] == pytest.approx(1 / (1 + np.exp(-rows[:, :, 4:])), abs=1e-6)
    boxes: Any = LAYOUT.boxes(output[0], np.arange(10), (32, 16))
    assert boxes == pytest.approx(np.asarray(decoded_boxes(rows, cells))[0] / [16, 32, 16, 32], abs=1e-5)
    assert LAYOUT.class_count(output.shape[-1]) == 2
