"""From a grid of scores to a mask: against argmax, against a slow plain version, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.backends import pixel_scores
from deep_predictor.backends.pixel_scores import (
    Placing,
    best_classes,
    class_counts,
    nearest_classes,
    resampled_classes,
    resampled_threshold,
)


def stretched(input_size: tuple[int, int], picture_size: tuple[int, int]) -> Placing:
    return Placing(input_size, (0, 0, *input_size), (0, 0, *picture_size), picture_size)


def resampled(scores: np.ndarray, placing: Placing, outside: int) -> np.ndarray:
    return resampled_classes(best_classes(scores)[1], placing, outside)


def plain_mask(scores: np.ndarray, picture_size: tuple[int, int]) -> np.ndarray:
    """One pixel at a time: the four points around its place, and the best of the classes that are best somewhere."""
    height, width, _ = scores.shape
    present = np.unique(scores.argmax(axis=-1))
    mask = np.zeros(picture_size[::-1], np.uint8)
    for row in range(picture_size[1]):
        for column in range(picture_size[0]):
            y = min(max((row + 0.5) * height / picture_size[1] - 0.5, 0), height - 1)
            x = min(max((column + 0.5) * width / picture_size[0] - 0.5, 0), width - 1)
            top, left = int(y), int(x)
            bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
            down, across = y - top, x - left
            upper = scores[top, left] * (1 - across) + scores[top, right] * across
            lower = scores[bottom, left] * (1 - across) + scores[bottom, right] * across
            mask[row, column] = present[(upper * (1 - down) + lower * down)[present].argmax()]
    return mask


@pytest.mark.parametrize("shape", [(513, 65, 21), (7, 5, 2), (1, 1, 3), (9, 9, 256), (3, 4, 1)])
def test_best_classes_are_those_of_argmax(shape: tuple[int, int, int]) -> None:
    random = np.random.default_rng(0)
    scores = random.integers(0, 9, shape).astype(np.float32)  # many are equal
    wanted = scores.argmax(axis=-1)
    classes, planes = best_classes(scores)
    np.testing.assert_array_equal(classes, wanted)
    assert list(planes) == np.unique(wanted).tolist()
    for index, plane in planes.items():
        np.testing.assert_array_equal(plane, scores[:, :, index])
    turned = np.moveaxis(np.ascontiguousarray(np.moveaxis(scores, -1, 0)), 0, -1)
    np.testing.assert_array_equal(best_classes(turned)[0], wanted)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_best_classes_of_a_number_that_is_not_finite_are_refused(number: float) -> None:
    scores = np.zeros((4, 4, 3), np.float32)
    scores[2, 1, 1] = number
    for one in (scores, np.moveaxis(np.ascontiguousarray(np.moveaxis(scores, -1, 0)), 0, -1)):
        with pytest.raises(ValueError, match="finite"):
            best_classes(one)


@pytest.mark.parametrize("picture_size", [(40, 30), (8, 6), (3, 5), (1, 1), (200, 1)])
def test_resampled_classes_are_those_of_a_plain_loop(picture_size: tuple[int, int]) -> None:
    scores = np.random.default_rng(1).normal(size=(6, 8, 3)).astype(np.float32)
    given = resampled(scores, stretched((8, 6), picture_size), 0)
    np.testing.assert_array_equal(given, plain_mask(scores, picture_size))


def test_resampled_classes_in_bands_are_those_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.random.default_rng(2).normal(size=(6, 8, 3)).astype(np.float32)
    placing = stretched((8, 6), (50, 70))
    whole = resampled(scores, placing, 0)
    monkeypatch.setattr(pixel_scores, "_BAND_PIXELS", 50 * 9)
    np.testing.assert_array_equal(resampled(scores, placing, 0), whole)
    np.testing.assert_array_equal(class_counts(whole), np.bincount(whole.ravel(), minlength=256))


def test_resampled_classes_of_one_class_need_no_scores() -> None:
    scores = np.zeros((2, 2, 3), np.float32)
    scores[:, :, 2] = 1
    mask = resampled(scores, stretched((2, 2), (20000, 10)), 0)
    assert mask.shape == (10, 20000)
    assert (mask == 2).all()


def test_resampled_classes_of_a_letterbox_leave_its_bars_out() -> None:
    scores = np.zeros((4, 4, 2), np.float32)
    scores[[0, 3], :, 1] = 9  # the bars above and below
    scores[1:3, :2, 0] = scores[1:3, 2:, 1] = 1
    placing = Placing((4, 4), (0, 1, 4, 2), (0, 0, 8, 4), (8, 4))
    mask = resampled(scores, placing, 0)
    assert mask.tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]] * 4


def test_resampled_classes_of_a_crop_are_background_outside_it() -> None:
    scores = np.zeros((2, 2, 2), np.float32)
    scores[:, :, 1] = 1
    placing = Placing((2, 2), (0, 0, 2, 2), (2, 0, 4, 4), (8, 4))
    assert resampled(scores, placing, 0).tolist() == [[0, 0, 1, 1, 1, 1, 0, 0]] * 4


def test_resampled_classes_of_a_coarse_grid_are_spread_over_the_input_first() -> None:
    """A grid of 2 points for an input of 8: the border between two classes lies in the middle."""
    scores = np.zeros((2, 2, 2), np.float32)
    scores[:, 0, 0] = scores[:, 1, 1] = 1
    mask = resampled(scores, stretched((8, 8), (16, 2)), 0)
    assert mask.tolist() == [[0] * 8 + [1] * 8] * 2


def test_resampled_threshold_lies_where_the_score_crosses_it() -> None:
    scores = np.array([[0.0, 1.0]], np.float32)
    placing = stretched((2, 1), (8, 1))
    # centres at -0.375, -0.125, 0.125, 0.375, 0.625, …: the score there is the place, held within 0..1
    assert resampled_threshold(scores, 0.5, placing, 0).tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]]
    assert resampled_threshold(scores, 0.2, placing, 0).tolist() == [[0, 0, 0, 1, 1, 1, 1, 1]]


def test_nearest_classes_are_not_mixed() -> None:
    classes = np.array([[0, 200]], np.uint8)
    assert nearest_classes(classes, stretched((2, 1), (6, 1)), 0).tolist() == [[0, 0, 0, 200, 200, 200]]
