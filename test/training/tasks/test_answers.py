"""What is right, wrong and missed on a picture, and which pictures are the worst."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.training.detection_matching import FoundBoxes, TrueBoxes, match_boxes
from deep_predictor.training.tasks.answers import answer_boxes, worst_boxes
from test.training.evaluation.made_tasks import LEFT, MIDDLE, PICTURES, RIGHT, found_boxes, true_boxes


def test_answer_boxes_tells_right_false_and_missed() -> None:
    truth = true_boxes((LEFT, 0), (MIDDLE, 1), (RIGHT, 2))
    found = found_boxes((MIDDLE, 0, 0.9), (LEFT, 0, 0.8), (LEFT, 0, 0.7), (RIGHT, 2, 0.6))

    answer = answer_boxes(5, "a.jpg", truth, found)

    # another class; right; the same thing again; right
    assert answer.is_right.tolist() == [False, True, False, True]
    assert answer.is_wrong.tolist() == [True, False, True, False]
    assert answer.is_found.tolist() == [True, False, True]
    assert (answer.index, answer.item_name, answer.false_count, answer.missed_count) == (5, "a.jpg", 2, 1)


def test_answer_boxes_gives_a_thing_to_the_surest_box_whatever_the_order() -> None:
    shifted = [0.05, 0.0, 0.35, 0.5]
    found = found_boxes((LEFT, 0, 0.5), (shifted, 0, 0.6))

    answer = answer_boxes(0, "a", true_boxes((LEFT, 0)), found)

    assert answer.is_right.tolist() == [False, True]


def test_answer_boxes_in_a_crowd_are_neither_right_nor_wrong() -> None:
    small = [0.05, 0.05, 0.1, 0.1]
    truth = true_boxes((LEFT, 0), (LEFT, 0), crowds=[1])
    found = found_boxes((LEFT, 0, 0.9), (small, 0, 0.8), (small, 0, 0.7), (small, 1, 0.6))

    answer = answer_boxes(0, "a", truth, found)

    assert answer.is_right.tolist() == [True, False, False, False]
    assert answer.is_wrong.tolist() == [False, False, False, True]
    assert (answer.false_count, answer.missed_count) == (1, 0)


@pytest.mark.parametrize("seed", range(30))
def test_answer_boxes_equal_the_matches_that_figures_count(seed: int) -> None:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 0.5, (9, 2))
    corners = np.concatenate([low, low + rng.uniform(0.1, 0.5, (9, 2))], axis=1)
    truth = TrueBoxes(corners[:5], rng.integers(0, 2, 5), rng.random(5) < 0.3)
    near = corners[rng.integers(0, 9, 12)] + rng.uniform(0, 0.05, (12, 4)) * [-1, -1, 1, 1]
    found = FoundBoxes(near, rng.integers(0, 2, 12), np.sort(rng.random(12))[::-1])

    answer, matches = answer_boxes(0, "a", truth, found), match_boxes(truth, found)

    assert answer.is_right.tolist() == matches.is_right[0].tolist()
    assert (~answer.is_right & ~answer.is_wrong).tolist() == matches.is_ignored[0].tolist()
    assert answer.is_found.sum() == answer.is_right.sum()


def test_worst_boxes_are_those_with_most_faults_and_none_without() -> None:
    answers = [answer_boxes(index, str(index), *picture) for index, picture in enumerate(PICTURES)]

    assert [answer.index for answer in worst_boxes(answers)] == [1, 3]
    assert [answer.index for answer in worst_boxes(answers, count=1)] == [1]
