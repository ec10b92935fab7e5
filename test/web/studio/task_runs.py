"""Trainings of detectors and segmenters that are done, whose figures a test writes by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from test.web.management.training_sites import jobs_of
from test.web.studio.dataset_sets import items_in
from test.web.studio.site import Studio
from test.web.studio.training_runs import start_run

_DATASET = {"name": "set", "sha256": "0" * 64, "train_count": 50, "val_count": 4, "test_count": 3}
#: What an epoch of each task tells beside its losses.
_FIGURES = {
    "detection": {"val_map50": 0.2, "val_map50_95": 0.1},
    "segmentation": {"accuracy": 0.3, "val_accuracy": 0.25, "val_miou": 0.15},
}


def done_run(studio: Studio, dataset_id: int, evaluation: dict[str, Any], epochs: int = 3) -> int:
    """The number of a training; its figures rise with each epoch."""
    job_id = start_run(studio.site, dataset_id, f"run of {evaluation['task']}", epochs=epochs)
    assert jobs_of(studio.site).wait(job_id, 40).has_ended
    folder = Path(jobs_of(studio.site).get(job_id).run_folder)
    lines = [
        {"epoch": epoch, "loss": 3 / epoch, "val_loss": 4 / epoch, "learning_rate": 0.001, "seconds": 2.0}
        | {name: value * epoch for name, value in _FIGURES[evaluation["task"]].items()}
        for epoch in range(1, epochs + 1)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    return job_id


def detection_evaluation(studio: Studio, dataset_id: int) -> dict[str, Any]:
    """Of three pictures: one with a missed and a wrong box, one all right, one that is gone."""
    first, second = items_in(studio, dataset_id)[:2]
    true = {"class_name": "cat", "cx": 0.3, "cy": 0.4, "w": 0.2, "h": 0.3, "is_crowd": False}
    found = {"class_name": "dog", "cx": 0.7, "cy": 0.6, "w": 0.3, "h": 0.3, "confidence": 0.81}
    right = {"true_boxes": [true | {"is_found": True}], "found_boxes": [found | {"is_right": True, "is_wrong": False}]}
    wrong = {"true_boxes": [true | {"is_found": False}], "found_boxes": [found | {"is_right": False, "is_wrong": True}]}
    classes = [
        {"class_name": "cat", "count": 4, "found": 5, "ap50": 0.75, "ap50_95": 0.5, "precision": 0.8, "recall": 0.6},
        {"class_name": "dog", "count": 0, "found": 0, "ap50": None, "ap50_95": None, "precision": None, "recall": None},
    ]
    part = {"count": 3, "map50": 0.75, "map50_95": 0.5, "threshold": 0.4, "classes": classes}
    points = [{"threshold": step / 20, "precision": step / 20, "recall": 1 - step / 20} for step in range(1, 20)]
    return {
        "task": "detection",
        "class_names": ["cat", "dog"],
        "dataset": _DATASET,
        "best_epoch": 2,
        "threshold": {"threshold": 0.4, "target": 0.95, "is_reached": False, "precision": 0.8, "recall": 0.6},
        "is_threshold_fixed": False,
        "val": part,
        "test": part,
        "curves": [{"class_name": name, "points": points} for name in (None, "cat", "dog")],
        "class_thresholds": [{"class_name": "cat", "threshold": 0.55}, {"class_name": "dog", "threshold": None}],
        "pictures": [
            {"name": "right.png", "item_id": second.id, "false_count": 0, "missed_count": 0, **right},
            {"name": "wrong.png", "item_id": first.id, "false_count": 1, "missed_count": 1, **wrong},
            {"name": "gone.png", "item_id": None, "false_count": 1, "missed_count": 0, **wrong},
        ],
    }


def segmentation_evaluation(studio: Studio, dataset_id: int) -> dict[str, Any]:
    first = items_in(studio, dataset_id)[0]
    classes = [
        {"class_name": "background", "count": 75, "found": 80, "iou": 0.9, "precision": 0.95, "recall": 0.97},
        {"class_name": "leaf", "count": 25, "found": 20, "iou": 0.6, "precision": 0.7, "recall": 0.65},
    ]
    part = {"pixels": 100, "accuracy": 0.93, "miou": 0.75, "miou_without_background": 0.6, "classes": classes}
    part |= {"confusion_matrix": [[73, 2], [7, 18]]}
    return {
        "task": "segmentation",
        "class_names": ["background", "leaf"],
        "dataset": _DATASET,
        "best_epoch": 3,
        "val": part,
        "test": {"count": 3, **part},
        "pictures": [{"name": "worst.png", "item_id": first.id, "iou": 0.4, "accuracy": 0.8}],
    }
