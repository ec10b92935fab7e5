"""Boxes of a picture are checked, and what lies outside of it is cut or left out."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.training.annotations.picture_boxes import PictureBoxes, fit_boxes
from deep_predictor.training.annotations.problems import MAX_PROBLEMS, ProblemLog, shown


def picture(box: list[float], width: int = 40, **changes: np.ndarray) -> PictureBoxes:
    parts = {"boxes_norm": np.array([box]), "classes": np.array([0]), "is_crowd": np.array([False])} | changes
    return PictureBoxes("1.png", width, 20, **parts)


def test_corners_of_a_box_are_its_pixels() -> None:
    assert picture([0.5, 0.25, 0.5, 0.5]).corners().tolist() == [[10, 0, 30, 10]]


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([0.5, 0.5, 0, 0.1], "size above 0"),
        ([0.5, 0.5, np.nan, 0.1], "finite"),
        ([0.9, 0.5, 0.3, 0.1], "out of the picture"),
    ],
)
def test_picture_boxes_with_a_wrong_box_raise(box: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        picture(box)


def test_picture_boxes_whose_parts_do_not_fit_raise() -> None:
    box = [0.5, 0.5, 0.1, 0.1]
    with pytest.raises(ValueError, match="boxes"):
        picture(box, classes=np.array([0, 1]))
    with pytest.raises(ValueError, match="negative"):
        picture(box, classes=np.array([-1]))
    with pytest.raises(ValueError, match="0 x 20"):
        picture(box, width=0)


def test_fit_boxes_cuts_keeps_and_leaves_out() -> None:
    boxes = np.array(
        [
            [0.5, 0.5, 0.2, 0.2],  # inside
            [0.99, 0.5, 0.04, 0.2],  # 0.4 pixels out: rounding
            [0.0, 0.5, 0.5, 0.5],  # 10 pixels out
            [2.0, 0.5, 0.5, 0.5],  # outside
            [0.5, 0.5, -0.1, 0.1],
            [0.5, np.inf, 0.1, 0.1],
            [0.5, 0.5, 1e308, 1e308],
        ]
    )
    fitted = fit_boxes(boxes, 40, 20)

    assert fitted.kept.tolist() == [True, True, True, False, False, False, True]
    assert [problem.split(":")[0] for problem in fitted.problems] == ["", "", "cut"] + ["left out"] * 3 + ["cut"]
    np.testing.assert_allclose(
        fitted.boxes_norm, [[0.5, 0.5, 0.2, 0.2], [0.985, 0.5, 0.03, 0.2], [0.125, 0.5, 0.25, 0.5], [0.5, 0.5, 1, 1]]
    )
    PictureBoxes("x", 40, 20, fitted.boxes_norm, np.zeros(4, int), np.zeros(4, bool))


def test_fit_boxes_of_random_numbers_gives_boxes_of_a_picture() -> None:
    boxes = np.random.default_rng(1).normal(0.5, 0.7, (500, 4))
    fitted = fit_boxes(boxes, 640, 480)
    count = int(fitted.kept.sum())

    assert 50 < count < 450
    PictureBoxes("x", 640, 480, fitted.boxes_norm, np.zeros(count, int), np.zeros(count, bool))
    again = fit_boxes(fitted.boxes_norm, 640, 480)
    np.testing.assert_allclose(again.boxes_norm, fitted.boxes_norm, atol=1e-12)
    assert not any(again.problems)


def test_problem_log_keeps_the_first_and_counts_all() -> None:
    log = ProblemLog()
    for number in range(MAX_PROBLEMS + 5):
        log.add("a\x1b.txt", f"line {number}", "wrong")

    assert (log.count, len(log.first)) == (MAX_PROBLEMS + 5, MAX_PROBLEMS)
    assert str(log.first[1]) == "a�.txt: line 1: wrong"
    assert shown("\x1b" * 500).startswith("'\\x1b")
    assert len(shown("x" * 500)) < 100
