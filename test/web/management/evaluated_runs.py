"""A training that is done, whose evaluation a test writes by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from test.web.management.training_sites import SETTINGS, jobs_of, management_of
from test.web.sites import Site

FIGURES = {"accuracy": 0.5, "top5_accuracy": 1.0, "ece": 0.125, "loss": 0.7}
THRESHOLD = {
    **{"threshold": 0.8, "target": 0.95, "accepted_share": 0.75, "not_confident_share": 0.25, "right_share": 0.9},
    **{"wilson_lower": 0.7, "is_reached": False},
}

#: (name, id of an item or None, label, predicted, confidence).
Tested = tuple[str, int | None, str, str, float]


def evaluation_of(class_names: Sequence[str], pictures: Sequence[Tested]) -> dict[str, Any]:
    """What a run would write."""
    keys = ("name", "item_id", "label", "predicted", "confidence")
    confusion = [[0] * len(class_names) for _ in class_names]
    for _, _, label, predicted, _ in pictures:
        confusion[class_names.index(label)][class_names.index(predicted)] += 1
    count = len(pictures)
    classes = [
        {"class_name": name, "count": sum(row), "precision": 0.5, "recall": 0.25, "f1": 1 / 3}
        for name, row in zip(class_names, confusion, strict=True)
    ]
    return {
        "class_names": list(class_names),
        "dataset": {"name": "set", "sha256": "0" * 64, "train_count": 50, "val_count": 4, "test_count": count},
        "best_epoch": 2,
        "temperature": 1.5,
        "threshold": THRESHOLD,
        "threshold_on_test": THRESHOLD,
        "is_threshold_fixed": False,
        "val": {"count": 4, **FIGURES},
        "test": {"count": count, **FIGURES, "classes": classes, "confusion_matrix": confusion},
        "before_temperature": {"count": count, **FIGURES},
        "calibration": [
            {
                "lower": i / 15,
                "upper": (i + 1) / 15,
                "count": i,
                "mean_confidence": (i + 0.5) / 15,
                "right_share": i / 15,
            }
            for i in range(15)
        ],
        "pictures": [dict(zip(keys, picture, strict=True)) for picture in pictures],
    }


def evaluated_run(site: Site, dataset_id: int, pictures: Sequence[Tested], **cfg: Any) -> int:
    """The number of a training that is done. Class names are the labels of the data set."""
    management = management_of(site)
    dataset = management.datasets.get(dataset_id)
    class_names = sorted({label for label, _ in management.datasets.counts(dataset)})
    written = {"training_options": {**SETTINGS, **cfg}}
    job_id = jobs_of(site).start(written, "train", dataset.name, dataset_id=dataset_id)
    assert jobs_of(site).wait(job_id, 40).has_ended
    folder = Path(jobs_of(site).get(job_id).run_folder)
    (folder / "evaluation.json").write_text(json.dumps(evaluation_of(class_names, pictures)))
    return job_id
