"""Figures of a detector: the chosen threshold, all classes together, and what is told of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deep_predictor.training.detection_matching import FoundBoxes, TrueBoxes
from deep_predictor.training.detection_metrics import DetectionMetrics, measure_detection
from deep_predictor.training.tasks.answers import answer_boxes
from deep_predictor.training.tasks.detection_evaluation import (
    DetectionEvaluation,
    choose_threshold,
    counts_at,
    pooled_curve,
    table_of,
)
from deep_predictor.training.tasks.found_boxes import LIMITS

NAMES = ("cat", "dog")


def part_of(*found: tuple[float, int, bool], missed: int = 0) -> tuple[TrueBoxes, FoundBoxes]:
    """A picture with a box for each (score, class, whether there is one), and some true ones that nothing finds."""
    corners = np.array([(10 * place, 0, 10 * place + 8, 8) for place in range(len(found) + missed)], np.float64)
    is_there = np.array([right for _, _, right in found] + [True] * missed, bool)
    classes = np.array([label for _, label, _ in found] + [0] * missed, np.int64)
    scores = np.array([score for score, _, _ in found], np.float64)
    return (
        TrueBoxes(corners[is_there], classes[is_there], np.zeros(is_there.sum(), bool)),
        FoundBoxes(corners[: len(found)], classes[: len(found)], scores),
    )


def measured(*found: tuple[float, int, bool], missed: int = 0) -> DetectionMetrics:
    return measure_detection([part_of(*found, missed=missed)], NAMES)


def test_pooled_curve_counts_boxes_of_all_classes_by_falling_score() -> None:
    curve = pooled_curve(measured((0.9, 0, True), (0.8, 1, True), (0.8, 0, False), (0.2, 1, False)))

    assert curve.scores.tolist() == [0.9, 0.8, 0.2]
    assert curve.right.tolist() == [1, 2, 2]
    assert curve.found.tolist() == [1, 3, 4]


def test_choose_threshold_is_the_lowest_that_reaches_the_precision_halfway_to_the_next_score() -> None:
    metrics = measured((0.9, 0, True), (0.8, 1, True), (0.6, 0, False), (0.5, 1, True), (0.3, 0, False))

    assert choose_threshold(metrics, 0.75) == (0.4, True)
    assert choose_threshold(metrics, 0.9) == (0.7, True)
    assert counts_at(metrics, 0.4) == (3, 4, 3)
    assert counts_at(metrics, 0.95) == (0, 0, 3)


def test_choose_threshold_that_every_box_reaches_lies_above_the_lowest_measured_score() -> None:
    threshold, is_reached = choose_threshold(measured((0.9, 0, True), (0.31, 1, True)), 0.9)

    assert (threshold, is_reached) == (pytest.approx((0.31 + LIMITS.score_threshold) / 2), True)


def test_choose_threshold_between_scores_that_rounding_would_join_lies_between_them() -> None:
    threshold, _ = choose_threshold(measured((0.500002, 0, True), (0.500001, 0, False)), 0.9)

    assert 0.500001 < threshold < 0.500002


def test_choose_threshold_that_nothing_reaches_is_the_best_of_precision_and_recall() -> None:
    metrics = measured((0.9, 0, False), (0.8, 0, True), (0.7, 0, True), (0.2, 0, False))

    assert choose_threshold(metrics, 0.9) == (0.45, False)


def test_choose_threshold_of_a_detector_that_finds_nothing_is_a_plain_one() -> None:
    assert choose_threshold(measured(missed=2), 0.9) == (0.25, False)


def evaluation_of(**changes: Any) -> DetectionEvaluation:
    truth, found = part_of((0.9, 0, True), (0.8, 1, False), missed=1)
    metrics = measure_detection([(truth, found)], NAMES)
    facts: dict[str, Any] = {
        "val": metrics,
        "test": metrics,
        "threshold": 0.5,
        "target_precision": 0.95,
        "is_threshold_fixed": False,
        "is_threshold_reached": False,
        "answers": (answer_boxes(0, "a.png", truth, found),),
    }
    return DetectionEvaluation(**{**facts, **changes})


def test_evaluation_tells_figures_threshold_and_the_worst_pictures() -> None:
    evaluation = evaluation_of()
    facts = evaluation.to_dict()
    threshold = {"threshold": 0.5, "target": 0.95, "is_reached": False, "precision": 0.5, "recall": 0.5}

    assert facts["threshold"] == threshold
    assert facts["worst"] == [{"item_name": "a.png", "index": 0, "false_count": 1, "missed_count": 1}]
    assert facts["test"]["map50"] == pytest.approx(51 / 101, abs=1e-5)
    assert evaluation.manifest() == {
        "test_map50": facts["test"]["map50"],
        "test_map50_95": facts["test"]["map50_95"],
        "threshold": threshold,
    }
    assert evaluation.model_options() == {"score_threshold": 0.5}
    assert "mAP50     0.505, mAP50-95 0.505, on 1 pictures" in evaluation.summary()
    assert "0.5: precision 0.500, recall 0.500" in evaluation.summary()


def test_evaluation_without_true_boxes_has_no_map() -> None:
    empty = measured((0.9, 0, False))
    evaluation = evaluation_of(val=empty, test=empty, answers=())

    assert evaluation.manifest()["test_map50"] is None
    assert evaluation.to_dict()["threshold"]["recall"] == 0
    assert "mAP50     —" in evaluation.summary()


def test_table_has_a_line_for_each_class() -> None:
    lines = table_of(measured((0.9, 0, True)), 0.5).splitlines()

    assert lines[0].split() == ["class", "AP50", "AP50-95", "precision", "recall", "boxes"]
    assert lines[1].split() == ["cat", "1.000", "1.000", "1.000", "1.000", "1"]
    assert lines[2].split() == ["dog", "—", "—", "0.000", "0.000", "0"]
