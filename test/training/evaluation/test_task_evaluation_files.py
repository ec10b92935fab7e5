"""evaluation.json of detectors and segmenters."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deep_predictor.backends.base import Task
from deep_predictor.training.dataset import Item
from deep_predictor.training.evaluation_file import write_evaluation
from deep_predictor.training.exporting import DatasetFacts, TrainedModel
from deep_predictor.training.figures import EpochFigures
from deep_predictor.training.tasks.base import TaskEvaluation
from deep_predictor.web.management.evaluation_models import DetectionEvaluationAnswer, SegmentationEvaluationAnswer
from test.training.evaluation.made_tasks import detection, found_boxes, segmentation

NAMES = ("background", "cat", "dog")


def written(folder: Path, task: Task, evaluation: TaskEvaluation, count: int) -> dict[str, Any]:
    made = SimpleNamespace(name=task, class_names=NAMES)
    epoch = EpochFigures(3, 1.0, None, 1.1, None)
    dataset = DatasetFacts("scenes", "0" * 64, 5, 2, count)
    trained = TrainedModel(cast(Any, made), cast(Any, None), dataset, [epoch], epoch, evaluation, [])
    write_evaluation(folder, trained, [Item(f"{index}.jpg", item_id=100 + index) for index in range(count)])
    found: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())
    assert (found["task"], found["class_names"], found["best_epoch"]) == (task, list(NAMES), 3)
    assert [(one["name"], one["item_id"]) for one in found["pictures"]] == [(f"{i}.jpg", 100 + i) for i in range(count)]
    return found


def test_file_of_a_detector_has_the_boxes_of_each_picture(tmp_path: Path) -> None:
    evaluation = detection(NAMES)

    found = written(tmp_path, "detection", evaluation, 4)

    assert found["test"] == evaluation.test.to_dict(0.5)
    assert found["threshold"] == {"threshold": 0.5, "target": 0.75, "is_reached": True, "precision": 0.8, "recall": 0.8}
    assert found["is_threshold_fixed"] is False
    second, fourth = found["pictures"][1], found["pictures"][3]
    assert (second["false_count"], second["missed_count"]) == (1, 1)
    left = {"class_name": "background", "cx": 0.15, "cy": 0.25, "w": 0.3, "h": 0.5}
    assert second["true_boxes"][0] == {**left, "is_crowd": False, "is_found": True}
    assert second["true_boxes"][1]["is_found"] is False
    assert second["found_boxes"][0] == {**left, "confidence": 0.85, "is_right": True, "is_wrong": False}
    assert (second["found_boxes"][1]["is_right"], second["found_boxes"][1]["is_wrong"]) == (False, True)
    crowd = fourth["found_boxes"][0]
    assert (crowd["class_name"], crowd["is_right"], crowd["is_wrong"]) == ("cat", False, False)
    assert [box["confidence"] for box in fourth["found_boxes"]] == [0.6, 0.55]
    assert found["pictures"][2]["true_boxes"] == found["pictures"][2]["found_boxes"] == []


def test_file_of_a_detector_has_its_curves_and_a_threshold_for_each_class(tmp_path: Path) -> None:
    found = written(tmp_path, "detection", detection(NAMES, target_precision=1.0), 4)

    curves = {curve["class_name"]: curve["points"] for curve in found["curves"]}
    assert list(curves) == [None, *NAMES]
    assert [point["threshold"] for point in curves[None]] == pytest.approx([0.05 * step for step in range(1, 20)])
    at = {point["threshold"]: (point["precision"], point["recall"]) for point in curves[None]}
    assert at[0.05] == (round(4 / 6, 5), 0.8)
    assert at[0.55] == (0.8, 0.8)
    assert at[0.85] == (1.0, 0.4)
    assert at[0.95] == (None, 0.0)
    assert curves["dog"][0] == {"threshold": 0.05, "precision": None, "recall": None}
    assert found["class_thresholds"] == [
        {"class_name": "background", "threshold": 0.55},
        {"class_name": "cat", "threshold": 0.8},
        {"class_name": "dog", "threshold": None},
    ]


def test_file_of_a_detector_that_found_nothing(tmp_path: Path) -> None:
    evaluation = detection(NAMES)
    answers = [
        replace(one, found=found_boxes(), is_right=one.is_right[:0], is_wrong=one.is_wrong[:0])
        for one in evaluation.answers
    ]

    found = written(tmp_path, "detection", replace(evaluation, answers=tuple(answers)), 4)

    assert [one["found_boxes"] for one in found["pictures"]] == [[]] * 4


def test_file_of_a_segmenter_has_the_figures_of_each_picture(tmp_path: Path) -> None:
    evaluation = segmentation(NAMES)

    found = written(tmp_path, "segmentation", evaluation, 3)

    assert found["val"] == evaluation.val.to_dict()
    assert found["test"] == {"count": 3, **evaluation.test.to_dict()}
    assert "worst" not in found
    assert found["pictures"][0] == {"name": "0.jpg", "item_id": 100, "iou": 1.0, "accuracy": 1.0}
    # the left 10 of 21 columns of the second are called dog: of cat 11 / 21, of dog 0, of 60 columns 50 are right
    assert found["pictures"][1]["iou"] == pytest.approx((11 / 21 + 0) / 2, abs=1e-5)
    assert found["pictures"][1]["accuracy"] == pytest.approx(50 / 60, abs=1e-5)


def test_files_are_what_the_api_answers(tmp_path: Path) -> None:
    of_boxes = written(tmp_path, "detection", detection(NAMES, target_precision=1.0), 4)
    of_masks = written(tmp_path, "segmentation", segmentation(NAMES), 3)

    for model, found in ((DetectionEvaluationAnswer, of_boxes), (SegmentationEvaluationAnswer, of_masks)):
        del found["pictures"]
        assert model.model_validate(found, extra="forbid").model_dump() == found
