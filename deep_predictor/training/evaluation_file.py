"""evaluation.json of a run's folder, for the server: how good its model is, and what it said of each test picture.

All tasks: `task`, `class_names`, `dataset`, `best_epoch`, `val` and `test` (their figures), `pictures` (in the order of
the test part, each with `name` and `item_id`, null for what is no item of a data set of the server). Of a file without
`task` it is classification. Pictures have, by task:

classification   label, predicted, confidence
detection        false_count, missed_count; true_boxes: class_name, cx, cy, w, h, is_crowd, is_found; found_boxes, of
                 scores above the threshold: class_name, cx, cy, w, h, confidence, is_right, is_wrong (neither: in a
                 crowd)
segmentation     iou (the mean of its classes), accuracy (the share of right pixels)

A detector's file also has `curves`: for each class, and first for all together (class_name null), precision and recall
at thresholds of 0.05 to 0.95 on the test part; and `class_thresholds`: for each class the lowest score from which on
the precision on val is the wanted one, null where none is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.results import CONFIDENCE_DECIMALS
from deep_predictor.training.calibration import Reliability
from deep_predictor.training.dataset import Item
from deep_predictor.training.detection_metrics import ScoreCurve, threshold_for_precision
from deep_predictor.training.evaluation import Evaluation
from deep_predictor.training.exporting import TrainedModel
from deep_predictor.training.job_files import EVALUATION_FILE
from deep_predictor.training.metrics import ClassificationMetrics
from deep_predictor.training.tasks.answers import AnsweredBoxes
from deep_predictor.training.tasks.detection_evaluation import DetectionEvaluation, pooled_curve
from deep_predictor.training.tasks.segmentation_evaluation import SegmentationEvaluation

#: Of shares of a picture's sides.
_BOX_DECIMALS = 6
#: Scores that `curves` tell of.
_CURVE_THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))


def write_evaluation(folder: Path, trained: TrainedModel, test_items: Sequence[Item]) -> None:
    """`test_items`: the test part, in the order of its answers. The file is there whole or not at all."""
    evaluation, names = trained.evaluation, trained.class_names
    if isinstance(evaluation, DetectionEvaluation):
        figures, answers = _of_boxes(evaluation, names), _box_answers(evaluation, names)
    elif isinstance(evaluation, SegmentationEvaluation):
        figures, answers = _without_worst(evaluation.to_dict()), _mask_answers(evaluation)
    else:
        assert isinstance(evaluation, Evaluation)
        figures, answers = _of_classes(evaluation), _class_answers(evaluation, names, test_items)
    pictures = [
        {"name": item.name, "item_id": item.item_id, **answer} for item, answer in zip(test_items, answers, strict=True)
    ]
    found = {
        "task": trained.task.name,
        "class_names": list(names),
        "dataset": asdict(trained.dataset),
        "best_epoch": trained.best.epoch,
        **figures,
        "pictures": pictures,
    }
    part = folder / f".{EVALUATION_FILE}.part"
    part.write_text(json.dumps(found), encoding="utf-8")
    part.replace(folder / EVALUATION_FILE)


def _of_classes(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "temperature": evaluation.temperature,
        "threshold": evaluation.threshold.to_dict(),
        "threshold_on_test": evaluation.threshold_on_test.to_dict(),
        "is_threshold_fixed": evaluation.is_threshold_fixed,
        "val": _plain_figures(evaluation.val),
        "test": evaluation.test.to_dict(),
        "before_temperature": _plain_figures(evaluation.test_before),
        "calibration": _bins(evaluation.reliability),
    }


def _plain_figures(metrics: ClassificationMetrics) -> dict[str, Any]:
    """Those of all classes together."""
    figures = metrics.to_dict()
    return {name: figures[name] for name in ("count", "accuracy", "top5_accuracy", "ece", "loss")}


def _bins(reliability: Reliability) -> list[dict[str, Any]]:
    count = len(reliability.counts)
    return [
        {
            "lower": round(index / count, CONFIDENCE_DECIMALS),
            "upper": round((index + 1) / count, CONFIDENCE_DECIMALS),
            "count": int(reliability.counts[index]),
            "mean_confidence": round(float(reliability.mean_confidence[index]), CONFIDENCE_DECIMALS),
            "right_share": round(float(reliability.right_share[index]), CONFIDENCE_DECIMALS),
        }
        for index in range(count)
    ]


def _class_answers(
    evaluation: Evaluation, class_names: Sequence[str], test_items: Sequence[Item]
) -> Iterable[dict[str, Any]]:
    answers = zip(test_items, evaluation.test_predicted, evaluation.test_confidences, strict=True)
    for item, predicted, confidence in answers:
        yield {
            "label": class_names[item.label],
            "predicted": class_names[predicted],
            "confidence": round(float(confidence), CONFIDENCE_DECIMALS),
        }


def _of_boxes(evaluation: DetectionEvaluation, class_names: Sequence[str]) -> dict[str, Any]:
    test, wanted = evaluation.test, evaluation.target_precision
    whole = _curve(None, pooled_curve(test), sum(one.count for one in test.classes))
    thresholds = [threshold_for_precision(one, wanted) for one in evaluation.val.classes]
    return {
        **_without_worst(evaluation.to_dict()),
        "curves": [whole, *(_curve(one.class_name, one.curve, one.count) for one in test.classes)],
        "class_thresholds": [
            {"class_name": name, "threshold": None if score is None else round(score, CONFIDENCE_DECIMALS)}
            for name, score in zip(class_names, thresholds, strict=True)
        ],
    }


def _curve(class_name: str | None, curve: ScoreCurve, count: int) -> dict[str, Any]:
    """`count`: true boxes. Precision is null where nothing is found, recall where there is nothing to find."""
    points = []
    for threshold in _CURVE_THRESHOLDS:
        right, found = curve.at(threshold)
        points.append(
            {
                "threshold": threshold,
                "precision": round(right / found, CONFIDENCE_DECIMALS) if found else None,
                "recall": round(right / count, CONFIDENCE_DECIMALS) if count else None,
            }
        )
    return {"class_name": class_name, "points": points}


def _box_answers(evaluation: DetectionEvaluation, class_names: Sequence[str]) -> Iterable[dict[str, Any]]:
    for answer in evaluation.answers:
        yield {
            "false_count": answer.false_count,
            "missed_count": answer.missed_count,
            "true_boxes": _true_boxes(answer, class_names),
            "found_boxes": _found_boxes(answer, class_names),
        }


def _true_boxes(answer: AnsweredBoxes, class_names: Sequence[str]) -> list[dict[str, Any]]:
    truth = answer.truth
    rows = zip(truth.corners, truth.classes, truth.is_crowd, answer.is_found, strict=True)
    return [
        {**_box(corners, class_names[label]), "is_crowd": bool(is_crowd), "is_found": bool(is_found)}
        for corners, label, is_crowd, is_found in rows
    ]


def _found_boxes(answer: AnsweredBoxes, class_names: Sequence[str]) -> list[dict[str, Any]]:
    found = answer.found
    rows = zip(found.corners, found.classes, found.scores, answer.is_right, answer.is_wrong, strict=True)
    return [
        {
            **_box(corners, class_names[label]),
            "confidence": round(float(score), CONFIDENCE_DECIMALS),
            "is_right": bool(is_right),
            "is_wrong": bool(is_wrong),
        }
        for corners, label, score, is_right, is_wrong in rows
    ]


def _box(corners: np.ndarray, class_name: str) -> dict[str, Any]:
    x1, y1, x2, y2 = corners.tolist()
    numbers = {"cx": (x1 + x2) / 2, "cy": (y1 + y2) / 2, "w": x2 - x1, "h": y2 - y1}
    return {"class_name": class_name, **{name: round(value, _BOX_DECIMALS) for name, value in numbers.items()}}


def _mask_answers(evaluation: SegmentationEvaluation) -> Iterable[dict[str, Any]]:
    for picture in evaluation.pictures:
        yield {
            "iou": round(picture.iou, CONFIDENCE_DECIMALS),
            "accuracy": round(picture.accuracy, CONFIDENCE_DECIMALS),
        }


def _without_worst(figures: dict[str, Any]) -> dict[str, Any]:
    """All pictures are in the file."""
    return {name: value for name, value in figures.items() if name != "worst"}
