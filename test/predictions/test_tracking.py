"""Numbers that things keep through a video, against overlaps computed by hand and a plain count on random boxes."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.predictions.tracking import Tracker, iou
from deep_predictor.results import Detection


def box(left: float, top: float, width: float = 0.2, height: float = 0.2, index: int = 0) -> Detection:
    return Detection(index, f"class {index}", 0.9, left + width / 2, top + height / 2, width, height)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (box(0.1, 0.1), box(0.1, 0.1), 1.0),
        (box(0.0, 0.0), box(0.1, 0.0), 1 / 3),
        (box(0.0, 0.0), box(0.1, 0.1), 1 / 7),
        (box(0.0, 0.0), box(0.2, 0.0), 0.0),
        (box(0.0, 0.0), box(0.5, 0.5), 0.0),
        (box(0.0, 0.0, 0.4, 0.4), box(0.1, 0.1), 0.25),
        (box(0.1, 0.1, 0.0, 0.0), box(0.1, 0.1, 0.0, 0.0), 0.0),
    ],
)
def test_iou_is_as_computed_by_hand(one: Detection, other: Detection, expected: float) -> None:
    assert iou(one, other) == pytest.approx(expected)
    assert iou(other, one) == pytest.approx(expected)


def test_iou_of_random_boxes_is_what_counting_small_squares_gives() -> None:
    random = np.random.default_rng(7)
    for _ in range(200):
        corners = np.sort(random.integers(0, 21, (2, 2, 2)), axis=2)  # box, axis, low and high
        grids = []
        for (left, right), (top, bottom) in corners:
            grid = np.zeros((20, 20), bool)
            grid[top:bottom, left:right] = True
            grids.append(grid)
        union = (grids[0] | grids[1]).sum()
        expected = (grids[0] & grids[1]).sum() / union if union else 0.0
        one, other = (
            box(left / 20, top / 20, (right - left) / 20, (bottom - top) / 20)
            for (left, right), (top, bottom) in corners
        )
        assert iou(one, other) == pytest.approx(expected)


def test_things_that_pass_each_other_keep_their_numbers() -> None:
    tracker = Tracker()
    for step in range(11):
        to_the_right, to_the_left = box(step * 0.05, 0.0), box(0.5 - step * 0.05, 0.15)
        assert tracker.follow([to_the_right, to_the_left], step / 10) == [1, 2]
    assert tracker.follow([box(0.0, 0.15), box(0.5, 0.0)], 1.2) == [2, 1]


def test_box_goes_to_the_track_that_it_overlaps_most() -> None:
    tracker = Tracker()
    assert tracker.follow([box(0.0, 0.0), box(0.1, 0.0)], 0.0) == [1, 2]
    assert tracker.follow([box(0.09, 0.0)], 0.1) == [2]


def test_two_boxes_never_share_a_number() -> None:
    tracker = Tracker()
    assert tracker.follow([box(0.0, 0.0)], 0.0) == [1]
    assert tracker.follow([box(0.01, 0.0), box(0.0, 0.0)], 0.1) == [2, 1]


def test_other_class_at_the_same_place_is_another_thing() -> None:
    tracker = Tracker()
    assert tracker.follow([box(0.0, 0.0, index=0)], 0.0) == [1]
    assert tracker.follow([box(0.0, 0.0, index=1)], 0.1) == [2]


def test_thing_that_comes_back_soon_keeps_its_number_and_later_gets_another() -> None:
    tracker = Tracker()
    assert tracker.follow([box(0.0, 0.0)], 0.0) == [1]
    for frame in range(1, 6):
        assert tracker.follow([], frame / 10) == []
    assert tracker.follow([box(0.0, 0.0)], 0.9) == [1]
    for frame in range(10):
        assert tracker.follow([], 1.0 + frame / 5) == []
    assert tracker.follow([box(0.0, 0.0)], 3.0) == [2]


def test_few_frames_far_apart_are_followed_too() -> None:
    tracker = Tracker()
    assert [tracker.follow([box(0.0, 0.0)], second) for second in (0.0, 60.0, 120.0)] == [[1], [1], [1]]


def test_long_video_leaves_no_more_than_what_was_seen_lately() -> None:
    tracker = Tracker()
    for frame in range(2000):
        tracker.follow([box((frame % 5) / 5, (frame // 5 % 5) / 5, 0.02, 0.02)], frame)
    assert len(tracker._tracks) < 10
