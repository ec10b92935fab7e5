"""Figures of detectors against hand-computed values."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from deep_predictor.training.detection_matching import FoundBoxes, TrueBoxes, match_boxes, pairwise_overlaps
from deep_predictor.training.detection_metrics import DetectionMetrics, measure_detection, threshold_for_precision

Picture = tuple[TrueBoxes, FoundBoxes]
A, B, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [50, 50, 60, 60]


def true(*boxes: list[int], classes: Sequence[int] = (), crowd: Sequence[int] = ()) -> TrueBoxes:
    numbers = np.array(classes or [0] * len(boxes), np.int64)
    return TrueBoxes(np.array(boxes, float).reshape(-1, 4), numbers, np.isin(np.arange(len(boxes)), crowd))


def found(*boxes: list[int], scores: Sequence[float] = (), classes: Sequence[int] = ()) -> FoundBoxes:
    numbers = np.array(classes or [0] * len(boxes), np.int64)
    return FoundBoxes(np.array(boxes, float).reshape(-1, 4), numbers, np.array(scores, float))


def of_one_class(*pictures: Picture) -> DetectionMetrics:
    return measure_detection(pictures, ("cat",))


def test_perfect_detector_has_full_figures() -> None:
    metrics = of_one_class((true(A, B), found(A, B, scores=[0.9, 0.8])))

    assert (metrics.map50, metrics.map50_95, metrics.picture_count) == (1.0, 1.0, 1)
    (cat,) = metrics.classes
    assert (cat.count, cat.found, cat.precision(0.5), cat.recall(0.5), cat.recall(0.85)) == (2, 2, 1, 1, 0.5)


def test_average_precision_of_a_wrong_box_between_two_right_ones_is_that_by_hand() -> None:
    # Precision 1 up to a recall of 0.5 (51 of the 101), then 2/3.
    metrics = of_one_class((true(A, B), found(A, FAR, B, scores=[0.9, 0.8, 0.7])))

    assert metrics.map50 == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)
    cat = metrics.classes[0]
    assert (cat.precision(0.75), cat.recall(0.75)) == (0.5, 0.5)
    assert (cat.precision(0.95), cat.recall(0.95)) == (0, 0)
    assert threshold_for_precision(cat, 0.66) == 0.7
    assert threshold_for_precision(cat, 0.9) == 0.9


def test_threshold_for_precision_that_none_reaches_is_none() -> None:
    cat = of_one_class((true(A), found(FAR, A, scores=[0.9, 0.8]))).classes[0]

    assert threshold_for_precision(cat, 0.6) is None
    assert threshold_for_precision(cat, 0.5) == 0.8
    assert threshold_for_precision(of_one_class((true(A), found())).classes[0], 0.5) is None


def test_threshold_for_precision_takes_equal_scores_together() -> None:
    cat = of_one_class((true(A, B), found(A, B, FAR, scores=[0.9, 0.8, 0.8]))).classes[0]

    assert cat.curve.scores.tolist() == [0.9, 0.8]
    assert cat.curve.at(0.8) == (2, 3)
    assert threshold_for_precision(cat, 0.9) == 0.9


def test_map50_95_counts_the_thresholds_that_an_overlap_reaches() -> None:
    # 10 x 10 against 10 x 8: an overlap of 0.8, right at 0.50 … 0.80.
    metrics = of_one_class((true(A), found([0, 0, 10, 8], scores=[0.5])))
    assert (metrics.map50, metrics.map50_95) == (1.0, pytest.approx(0.7))


def test_second_box_on_one_thing_is_wrong() -> None:
    metrics = of_one_class((true(A), found(A, A, scores=[0.5, 0.9])))
    assert (metrics.map50, metrics.classes[0].precision(0)) == (1.0, 0.5)


def test_box_of_another_class_is_wrong() -> None:
    metrics = measure_detection([(true(A, classes=[1]), found(A, scores=[0.9]))], ("cat", "dog"))

    assert [one.ap50 for one in metrics.classes] == [None, 0.0]
    assert metrics.map50 == 0.0


def test_boxes_in_a_crowd_are_neither_right_nor_wrong() -> None:
    crowd = [20, 0, 60, 40]
    metrics = of_one_class(
        (true(crowd, A, crowd=[0]), found([22, 2, 30, 10], [30, 5, 50, 9], A, scores=[0.9, 0.8, 0.7]))
    )

    assert (metrics.map50_95, metrics.classes[0].count, metrics.classes[0].found) == (1.0, 1, 1)
    assert of_one_class((true(crowd, crowd=[0]), found(A, scores=[1.0]))).map50 is None


def test_only_the_best_boxes_of_a_picture_count() -> None:
    picture = (true(A), found(FAR, A, scores=[0.9, 0.8]))

    assert measure_detection([picture], ("cat",), max_detections=1).map50 == 0.0
    assert measure_detection([picture], ("cat",), max_detections=2).map50 == pytest.approx(0.5)


def test_nothing_found_and_nothing_there_have_their_figures() -> None:
    assert of_one_class((true(A), found())).map50 == 0.0
    metrics = of_one_class((true(), found(A, scores=[0.5])))
    assert (metrics.map50, metrics.map50_95) == (None, None)
    assert measure_detection([], ("cat",)).map50 is None
    json.dumps(metrics.to_dict(0.25), allow_nan=False)


def test_to_dict_has_precision_and_recall_at_the_threshold() -> None:
    of_cat = of_one_class((true(A, B), found(A, FAR, scores=[0.9, 0.4]))).to_dict(0.4)["classes"][0]
    assert (of_cat["precision"], of_cat["recall"], of_cat["count"], of_cat["found"]) == (0.5, 0.5, 2, 2)


def test_boxes_that_are_none_raise() -> None:
    with pytest.raises(ValueError, match="wrong order"):
        true([10, 0, 0, 10])
    with pytest.raises(ValueError, match="finite"):
        found(A, scores=[float("nan")])
    with pytest.raises(ValueError, match="fit each other"):
        found(A, scores=[0.5, 0.6])
    with pytest.raises(ValueError, match=r"outside of 0\.\.0"):
        of_one_class((true(A, classes=[1]), found()))


def test_pairwise_overlaps_by_hand() -> None:
    boxes = np.array([A, [0, 0, 10, 20], [5, 5, 5, 9]])
    assert pairwise_overlaps(boxes, np.array([A, A]), np.array([False, True])).tolist() == [[1, 1], [0.5, 0.5], [0, 0]]


def test_match_boxes_of_many_boxes_keeps_their_order() -> None:
    rng = np.random.default_rng(1)
    corners = np.concatenate([rng.uniform(0, 500, (400, 2)), rng.uniform(600, 900, (400, 2))], axis=1)
    many = FoundBoxes(corners, rng.integers(0, 2, 400), rng.random(400))
    matches = match_boxes(true(A), many)

    assert len(matches.scores) == 200
    assert (np.diff(matches.scores) <= 0).all()
    for label in (0, 1):
        best = np.sort(many.scores[many.classes == label])[::-1][:100]
        assert matches.scores[matches.classes == label].tolist() == best.tolist()
