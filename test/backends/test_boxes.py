"""Layouts of detectors' outputs, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.boxes import YOLOX_STRIDES, BoxLayout, yolox_cells

#: Width and height of the input.
INPUT = (200, 100)
#: y1, x1, y2, x2 of the box that every row below stands for: 20..60 of 200 across, 10..50 of 100 down.
BOX = [0.1, 0.1, 0.5, 0.3]


def box_of(numbers: list[float], **layout: Any) -> list[float]:
    rows = np.array([[0] * len(numbers), numbers], np.float32)
    chosen = {"box_units": "pixels", "scores": "per_class", **layout}
    (box,) = BoxLayout(**chosen).boxes(rows, np.array([1]), INPUT).tolist()
    return [float(number) for number in box]


@pytest.mark.parametrize(
    ("box_format", "numbers"),
    [
        ("y1x1y2x2", [10, 20, 50, 60]),
        ("x1y1x2y2", [20, 10, 60, 50]),
        ("cxcywh", [40, 30, 40, 40]),
        ("xywh", [20, 10, 40, 40]),
    ],
)
def test_boxes_in_pixels_are_shares_of_the_input(box_format: str, numbers: list[float]) -> None:
    assert box_of(numbers, box_format=box_format) == pytest.approx(BOX)


def test_boxes_in_shares_stay() -> None:
    assert box_of([0.2, 0.3, 0.2, 0.4], box_format="cxcywh", box_units="share") == pytest.approx(BOX)


def test_boxes_of_yolox_are_offsets_and_logarithms_on_three_grids() -> None:
    layout = BoxLayout("yolox_grid", "pixels", "objectness")
    width, height = 64, 32
    assert yolox_cells((width, height)) == 8 * 4 + 4 * 2 + 2 * 1
    rows = np.zeros((42, 6), np.float32)
    rows[:, :4] = [0.5, 0.25, np.log(2), np.log(4)]
    # the second line's third cell of the first grid, the last of the second, the second of the third
    boxes = layout.boxes(rows, np.array([10, 39, 41]), (width, height)) * [height, width, height, width]
    centres = [(2.5 * 8, 1.25 * 8), (3.5 * 16, 1.25 * 16), (1.5 * 32, 0.25 * 32)]
    for box, (cx, cy), stride in zip(boxes, centres, YOLOX_STRIDES, strict=True):
        assert box == pytest.approx([cy - 2 * stride, cx - stride, cy + 2 * stride, cx + stride])


def test_boxes_of_yolox_too_large_for_a_number_are_infinite_and_not_a_warning() -> None:
    rows = np.full((42, 6), 1e4, np.float32)
    boxes = BoxLayout("yolox_grid", "pixels", "objectness").boxes(rows, np.array([0]), (64, 32))
    assert np.isinf(boxes).any()


def test_class_scores_after_objectness_are_their_product() -> None:
    rows = np.array([[0, 0, 0, 0, 0.5, 0.4, 1.0]], np.float32)
    layout = BoxLayout("cxcywh", "pixels", "objectness")
    assert layout.class_scores(rows)[0] == pytest.approx([0.2, 0.5])
    assert layout.class_count(7) == 2


@pytest.mark.parametrize(("scores", "numbers"), [("score_label", [0.7, 3]), ("label_score", [3, 0.7])])
def test_scores_and_labels_of_a_finished_network_are_read_in_either_order(scores: Any, numbers: list[float]) -> None:
    layout = BoxLayout("x1y1x2y2", "pixels", scores, first_label=1)
    found, labels = layout.scores_and_labels(np.array([[0, 0, 0, 0, *numbers]], np.float32))
    assert found == pytest.approx([0.7])
    assert labels.tolist() == [2]
    _, labels = layout.scores_and_labels(np.full((1, 6), 1e30, np.float32))
    assert labels.tolist() == [2**31 - 1], "far above every name, and not below them"
    assert layout.class_count(6) is None


def test_rows_of_numbers_first_are_turned() -> None:
    layout = BoxLayout("cxcywh", "pixels", "per_class", "numbers_boxes")
    assert layout.rows(np.zeros((84, 8400), np.float32)).shape == (8400, 84)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (("yolox_grid", "share", "objectness"), "box_units must be pixels"),
        (("cxcywh", "share", "per_class", "boxes_numbers", 1), "first_label is for networks that give labels"),
    ],
)
def test_layout_whose_parts_do_not_fit_is_refused(layout: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BoxLayout(*layout)


@pytest.mark.parametrize(("scores", "numbers"), [("per_class", 4), ("objectness", 5), ("score_label", 7)])
def test_class_count_of_too_few_or_other_numbers_is_refused(scores: Any, numbers: int) -> None:
    with pytest.raises(ValueError, match="numbers a box"):
        BoxLayout("cxcywh", "share", scores).class_count(numbers)
