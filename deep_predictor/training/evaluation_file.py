"""evaluation.json of a run's folder, for the server: how good its model is, and what it said of each test picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deep_predictor.results import CONFIDENCE_DECIMALS
from deep_predictor.training.calibration import Reliability
from deep_predictor.training.dataset import Item
from deep_predictor.training.evaluation import Evaluation
from deep_predictor.training.exporting import TrainedModel
from deep_predictor.training.job_files import EVALUATION_FILE
from deep_predictor.training.metrics import ClassificationMetrics


def write_evaluation(folder: Path, trained: TrainedModel, test_items: Sequence[Item]) -> None:
    """`test_items`: the test part, in the order of its answers. The file is there whole or not at all."""
    evaluation = trained.evaluation
    found = {
        "class_names": list(trained.class_names),
        "dataset": asdict(trained.dataset),
        "best_epoch": trained.best.epoch,
        "temperature": evaluation.temperature,
        "threshold": evaluation.threshold.to_dict(),
        "threshold_on_test": evaluation.threshold_on_test.to_dict(),
        "is_threshold_fixed": evaluation.is_threshold_fixed,
        "val": _plain_figures(evaluation.val),
        "test": evaluation.test.to_dict(),
        "before_temperature": _plain_figures(evaluation.test_before),
        "calibration": _bins(evaluation.reliability),
        "pictures": _pictures(evaluation, trained.class_names, test_items),
    }
    part = folder / f".{EVALUATION_FILE}.part"
    part.write_text(json.dumps(found), encoding="utf-8")
    part.replace(folder / EVALUATION_FILE)


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


def _pictures(evaluation: Evaluation, class_names: Sequence[str], test_items: Sequence[Item]) -> list[dict[str, Any]]:
    answers = zip(test_items, evaluation.test_predicted, evaluation.test_confidences, strict=True)
    return [
        {
            "name": item.name,
            "item_id": item.item_id,
            "label": class_names[item.label],
            "predicted": class_names[predicted],
            "confidence": round(float(confidence), CONFIDENCE_DECIMALS),
        }
        for item, predicted, confidence in answers
    ]
