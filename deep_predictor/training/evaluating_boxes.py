"""`evaluate` for detectors: the boxes that a loaded predictor finds, against those of a data set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from deep_predictor.backends.detection import DetectionBackend
from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.results import Detection
from deep_predictor.training.annotations.picture_boxes import PictureBoxes
from deep_predictor.training.dataset import BoxDataset, SkippedFile
from deep_predictor.training.detection_matching import FoundBoxes, TrueBoxes
from deep_predictor.training.detection_metrics import DetectionMetrics, measure_detection
from deep_predictor.training.model_classes import indices_in_model
from deep_predictor.training.tasks.detection_evaluation import table_of

#: In place of the cfg's: average precision asks for all boxes, from a score near 0 on.
EVALUATED_OPTIONS = {"score_threshold": 0.01, "max_output_size_per_class": 100, "max_total_size": 300}


@dataclass(frozen=True)
class BoxFigures:
    """What is told of a detector. `threshold`: the cfg's, at which precision and recall are told."""

    metrics: DetectionMetrics
    threshold: float
    answers: tuple[tuple[str, tuple[Detection, ...]], ...]
    skipped: tuple[SkippedFile, ...]

    def to_dict(self, with_pictures: bool) -> dict[str, Any]:
        found = self.metrics.to_dict(self.threshold)
        if with_pictures:
            found["pictures"] = [
                {"name": name, "predictions": [item.to_dict() for item in items]} for name, items in self.answers
            ]
        return found

    def lines(self) -> list[str]:
        metrics = self.metrics
        return [
            table_of(metrics, self.threshold),
            "",
            f"mAP50          {_shown(metrics.map50)} on {metrics.picture_count} pictures",
            f"mAP50-95       {_shown(metrics.map50_95)}",
            f"threshold      {self.threshold:g}, at which precision and recall are told",
        ]


def box_figures(backend: DetectionBackend, dataset: BoxDataset, indices: Iterable[int], threshold: float) -> BoxFigures:
    """`backend`: loaded with EVALUATED_OPTIONS. Raises DatasetUnusable, ResultInvalid."""
    labels = np.array(indices_in_model(backend.class_names, dataset), np.int64)
    pairs: list[tuple[TrueBoxes, FoundBoxes]] = []
    answers: list[tuple[str, tuple[Detection, ...]]] = []
    skipped: list[SkippedFile] = []
    for index in indices:
        name = dataset.items[index].name
        try:
            image = dataset.read(int(index), backend.smallest_decoded)
        except ImageUnreadable as error:
            skipped.append(SkippedFile(name, str(error)))
            continue
        boxes = dataset.boxes(int(index))
        output = backend.run(backend.prepare(image)[np.newaxis])[0]
        answer = backend.interpret(output, (boxes.width, boxes.height))
        items = tuple(item for item in answer.items if isinstance(item, Detection))
        pairs.append((_true_boxes(boxes, labels), _found_boxes(items)))
        answers.append((name, tuple(item for item in items if item.confidence > threshold)))
    if not pairs:
        raise DatasetUnusable(f"none of the pictures of {dataset.name} can be read")
    metrics = measure_detection(pairs, backend.class_names)
    return BoxFigures(metrics, threshold, tuple(answers), tuple(skipped))


def _true_boxes(boxes: PictureBoxes, labels: np.ndarray) -> TrueBoxes:
    """Shares of the picture."""
    corners = boxes.corners() / ([boxes.width, boxes.height] * 2)
    return TrueBoxes(corners, labels[boxes.classes], boxes.is_crowd)


def _found_boxes(items: tuple[Detection, ...]) -> FoundBoxes:
    rows = np.array([(i.cx_norm, i.cy_norm, i.w_norm, i.h_norm) for i in items], np.float64).reshape(-1, 4)
    corners = np.concatenate([rows[:, :2] - rows[:, 2:] / 2, rows[:, :2] + rows[:, 2:] / 2], axis=1)
    return FoundBoxes(
        corners,
        np.array([item.class_index for item in items], np.int64),
        np.array([item.confidence for item in items], np.float64),
    )


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
