"""Truth in the network's input: boxes and masks lie where the pixels of InputSpec.apply show the thing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.placing import boxes_in_input, mask_in_input
from deep_predictor.training.sample import Sample

#: Every size meets an input that is wider, higher, larger and smaller.
PICTURES = [(60, 40), (33, 71), (64, 48), (200, 90), (320, 100)]
MODES = ["stretch", "letterbox", "center_crop"]


def spec(mode: Any, width: int = 64, height: int = 48) -> InputSpec:
    return InputSpec(width=width, height=height, color_mode="rgb", resize_mode=mode)


def with_box(width: int, height: int, box: tuple[int, int, int, int]) -> Sample:
    """A black picture with one bright box."""
    image = np.zeros((height, width, 3), np.uint8)
    left, top, right, bottom = box
    image[top:bottom, left:right] = 250
    mask = (image[:, :, 0] > 0).astype(np.uint8)
    return Sample(
        image, boxes=np.array([box], np.float64), classes=np.array([3], np.int32), is_crowd=np.array([True]), mask=mask
    )


def bounds(is_thing: np.ndarray) -> list[int]:
    rows, columns = np.flatnonzero(is_thing.any(axis=1)), np.flatnonzero(is_thing.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", PICTURES, ids=str)
def test_boxes_in_input_lie_on_the_pixels(size: tuple[int, int], mode: str) -> None:
    width, height = size
    sample = with_box(width, height, (width // 3, height // 4, width // 3 + width // 4, height - 5))

    placed = boxes_in_input(sample, spec(mode))

    shown = spec(mode).apply(sample.image)[:, :, 0]
    np.testing.assert_allclose(placed.boxes, [bounds((shown > 125) & (shown != 114))], atol=1)
    assert placed.classes.tolist() == [3]
    assert placed.is_crowd.tolist() == [True]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", PICTURES, ids=str)
def test_mask_in_input_is_that_of_the_pixels(size: tuple[int, int], mode: str) -> None:
    width, height = size
    sample = with_box(width, height, (width // 3, height // 4, width // 3 + width // 4, height - 5))
    assert sample.mask is not None

    placed = mask_in_input(sample.mask, spec(mode))

    assert (placed.dtype, placed.shape) == (np.uint8, (48, 64))
    shown = spec(mode).apply(sample.image)[:, :, 0]
    # Pixels between the two colours may fall on either side.
    is_clear = (shown < 25) | (shown > 225)
    assert ((placed == 1) == (shown > 125))[is_clear].all()
    assert is_clear.mean() > 0.3 or mode == "letterbox"


def test_letterbox_bars_are_ignored_and_nothing_else_is() -> None:
    mask = np.zeros((50, 100), np.uint8)

    placed = mask_in_input(mask, spec("letterbox", 40, 40))

    assert (placed == 255).all(axis=1).nonzero()[0].tolist() == [*range(10), *range(30, 40)]
    assert (placed[10:30] == 0).all()


def test_boxes_in_input_by_hand_for_each_mode() -> None:
    sample = with_box(100, 50, (10, 20, 30, 40))

    assert boxes_in_input(sample, spec("stretch", 200, 200)).boxes.tolist() == [[20, 80, 60, 160]]
    assert boxes_in_input(sample, spec("letterbox", 200, 200)).boxes.tolist() == [[20, 90, 60, 130]]
    # The middle 50 x 50 begins at column 25: a quarter of the box is left, no less.
    assert boxes_in_input(sample, spec("center_crop", 100, 100)).boxes.tolist() == [[0, 40, 10, 80]]


def test_boxes_in_input_with_too_little_left_are_dropped() -> None:
    image = np.zeros((50, 100, 3), np.uint8)
    boxes = np.array([[9, 20, 30, 40], [11, 20, 30, 40], [0, 0, 5, 5], [30, 10, 60, 20]], np.float64)
    sample = Sample(image, boxes=boxes, classes=np.arange(4, dtype=np.int32), is_crowd=np.zeros(4, bool))

    placed = boxes_in_input(sample, spec("center_crop", 50, 50))

    assert placed.classes.tolist() == [1, 3]  # 5 of 21 columns of the first are left, 5 of 19 of the second
    assert placed.boxes.tolist() == [[0, 20, 5, 40], [5, 10, 35, 20]]


def test_boxes_in_input_of_none_are_none() -> None:
    empty = Sample(
        np.zeros((5, 5, 3), np.uint8), boxes=np.zeros((0, 4)), classes=np.zeros(0, np.int32), is_crowd=np.zeros(0, bool)
    )

    assert boxes_in_input(empty, spec("letterbox")).boxes.shape == (0, 4)


def test_boxes_in_input_of_a_picture_without_boxes_are_refused() -> None:
    with pytest.raises(ValueError, match="without boxes"):
        boxes_in_input(Sample(np.zeros((5, 5, 3), np.uint8), "a"), spec("stretch"))
