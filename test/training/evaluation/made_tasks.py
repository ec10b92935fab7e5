"""Evaluations of a detector and a segmenter, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from deep_predictor.training.detection_matching import FoundBoxes, TrueBoxes
from deep_predictor.training.detection_metrics import measure_detection
from deep_predictor.training.segmentation_metrics import count_pixels, measure_segmentation
from deep_predictor.training.tasks.answers import answer_boxes
from deep_predictor.training.tasks.detection_evaluation import DetectionEvaluation
from deep_predictor.training.tasks.segmentation_evaluation import (
    SegmentationEvaluation,
    SegmentedPicture,
    WorstPicture,
)

#: Left, middle and right third of a picture's upper half.
LEFT, MIDDLE, RIGHT = [0.0, 0.0, 0.3, 0.5], [0.35, 0.0, 0.65, 0.5], [0.7, 0.0, 1.0, 0.5]


def true_boxes(*boxes: tuple[list[float], int], crowds: Sequence[int] = ()) -> TrueBoxes:
    """`crowds`: places of regions of many things."""
    corners = np.array([box for box, _ in boxes], np.float64).reshape(-1, 4)
    is_crowd = np.isin(np.arange(len(boxes)), crowds)
    return TrueBoxes(corners, np.array([label for _, label in boxes], np.int64), is_crowd)


def found_boxes(*boxes: tuple[list[float], int, float]) -> FoundBoxes:
    corners = np.array([box for box, _, _ in boxes], np.float64).reshape(-1, 4)
    labels, scores = (np.array([box[place] for box in boxes]) for place in (1, 2))
    return FoundBoxes(corners, labels.astype(np.int64), scores.astype(np.float64))


#: A picture without a fault; one with a false and a missed box; one with nothing; one where a crowd is met.
PICTURES = [
    (true_boxes((LEFT, 0), (RIGHT, 1)), found_boxes((LEFT, 0, 0.9), (RIGHT, 1, 0.8))),
    (true_boxes((LEFT, 0), (MIDDLE, 1)), found_boxes((LEFT, 0, 0.85), (RIGHT, 1, 0.7))),
    (true_boxes(), found_boxes()),
    (true_boxes((LEFT, 1), (RIGHT, 0), crowds=[0]), found_boxes((LEFT, 1, 0.6), (RIGHT, 0, 0.55), (MIDDLE, 0, 0.3))),
]


def detection(names: tuple[str, ...], **changes: Any) -> DetectionEvaluation:
    """Of PICTURES, on val and test, at a threshold of 0.5."""
    metrics = measure_detection(PICTURES, names)
    answers = []
    for index, (truth, found) in enumerate(PICTURES):
        kept = found.scores > 0.5
        above = FoundBoxes(found.corners[kept], found.classes[kept], found.scores[kept])
        answers.append(answer_boxes(index, f"{names[0]}/{index}.jpg", truth, above))
    facts: dict[str, Any] = {
        "val": metrics,
        "test": metrics,
        "threshold": 0.5,
        "target_precision": 0.75,
        "is_threshold_fixed": False,
        "is_threshold_reached": True,
        "answers": tuple(answers),
    }
    return DetectionEvaluation(**{**facts, **changes})


def true_mask(index: int) -> np.ndarray:
    """Class 1 on the left, the rest class 0; of every picture the last row is ignored."""
    mask = np.zeros((40, 60), np.uint8)
    mask[:, : 20 + index] = 1
    mask[-1] = 255
    return mask


def segmentation(names: tuple[str, ...]) -> SegmentationEvaluation:
    """Three pictures: right, a little wrong, all wrong."""
    background = names.index("background") if "background" in names else None
    whole, pictures, worst = np.zeros((len(names),) * 2, np.int64), [], []
    for index in range(3):
        found = np.where(true_mask(index) == 255, np.uint8(0), true_mask(index))
        if index:
            found[:, : 10 * index] = 2
        counts = count_pixels(true_mask(index), found, len(names))
        whole += counts
        one = measure_segmentation(counts, names, background)
        picture = SegmentedPicture(f"{names[-1]}/{index}.jpg", index, one.miou_without_background or 0.0, one.accuracy)
        pictures.append(picture)
        _, encoded = cv2.imencode(".png", found)
        worst.append(WorstPicture(picture, encoded.tobytes()))
    metrics = measure_segmentation(whole, names, background)
    return SegmentationEvaluation(metrics, metrics, tuple(pictures), tuple(reversed(worst)))
