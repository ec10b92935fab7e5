"""Several outputs as one array, against hand-made ones."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.engines.joining import join_outputs, lacks_batch_axis, stack_rows


def test_join_boxes_labels_and_scores_make_rows() -> None:
    boxes = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32)
    joined = join_outputs([boxes, np.array([3, 9], np.int64), np.array([0.5, 0.25], np.float64)])
    assert joined.dtype == np.float32
    assert joined.tolist() == [[1, 2, 3, 4, 3, 0.5], [5, 6, 7, 8, 9, 0.25]]


def test_join_batches_of_rows_keep_their_axes() -> None:
    joined = join_outputs([np.zeros((2, 5, 4)), np.ones((2, 5), bool), np.zeros((2, 5, 3), np.float16)])
    assert joined.shape == (2, 5, 8)
    assert (joined[..., 4] == 1).all()


def test_join_one_output_is_that_one_as_float32() -> None:
    assert join_outputs([np.array([[1, 2]], np.uint8)]).dtype == np.float32
    nothing = join_outputs([np.zeros((0, 4), np.float32), np.zeros(0, np.int64)])
    assert nothing.shape == (0, 5)


@pytest.mark.parametrize("shapes", [[(2, 4), (3,)], [(1, 5, 4), (1, 6, 4)], [(2, 3, 4), (2,)]])
def test_join_shapes_that_do_not_fit_are_told(shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="cannot be joined"):
        join_outputs([np.zeros(shape) for shape in shapes])


@pytest.mark.parametrize(
    ("shapes", "gives_boxes", "lacks"),
    [
        ([(1, 1000)], False, False),
        ([(1000,)], False, True),
        ([(7, 6)], True, True),
        ([(1, 7, 6)], True, False),
        ([(7, 4), (7,), (7,)], True, True),
        ([(7, 4), (7,), (7,)], False, True),
        ([(1, 7, 4), (1, 7), (1, 7)], True, False),
        ([(1, 5), (1, 3)], False, False),
        ([(1, 21, 8, 8)], False, False),
    ],
)
def test_batch_axis_is_seen_in_the_number_of_axes(
    shapes: list[tuple[int, ...]], gives_boxes: bool, lacks: bool
) -> None:
    assert lacks_batch_axis([np.zeros(shape) for shape in shapes], gives_boxes) is lacks


def test_stack_rows_fills_up_with_zeros() -> None:
    stacked = stack_rows([np.ones((1, 2, 3), np.float32), np.ones((2, 0, 3), np.float32)])
    assert stacked.shape == (3, 2, 3)
    assert stacked.sum(axis=(1, 2)).tolist() == [6, 0, 0]
    assert stack_rows([np.ones((1, 2)), np.zeros((2, 2))]).shape == (3, 2)
