"""How good a detector is: average precision as COCO defines it, and precision and recall by class and threshold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deep_predictor.training.detection_matching import (
    IOU_THRESHOLDS,
    MAX_DETECTIONS,
    FoundBoxes,
    Matches,
    TrueBoxes,
    match_boxes,
)

#: Recalls at which the precision is read: 0, 0.01 … 1.
_RECALLS = np.linspace(0.0, 1.0, 101)
_DECIMALS = 5


@dataclass(frozen=True, eq=False)
class ScoreCurve:
    """Of one class at an IoU of 0.5, by falling score: (N,) each, N different scores.

    At `scores[i]` as threshold (boxes from it on count), `right[i]` of `found[i]` boxes are right.
    """

    scores: np.ndarray
    right: np.ndarray
    found: np.ndarray

    def at(self, threshold: float) -> tuple[int, int]:
        """(right, found) of the boxes whose score is `threshold` or higher."""
        count = int(np.searchsorted(-self.scores, -threshold, side="right"))
        return (int(self.right[count - 1]), int(self.found[count - 1])) if count else (0, 0)


@dataclass(frozen=True, eq=False)
class ClassDetection:
    """Figures of one class. `ap50`, `ap50_95`: None where no true box has the class; it does not count in the means.

    `count`: true boxes without crowds; `found`: found boxes that count, at any score.
    """

    class_name: str
    count: int
    found: int
    ap50: float | None
    ap50_95: float | None
    curve: ScoreCurve

    def precision(self, threshold: float) -> float:
        """At an IoU of 0.5; 0 where nothing is found."""
        right, found = self.curve.at(threshold)
        return right / found if found else 0.0

    def recall(self, threshold: float) -> float:
        """At an IoU of 0.5; 0 where there is nothing to be found."""
        return self.curve.at(threshold)[0] / self.count if self.count else 0.0


@dataclass(frozen=True, eq=False)
class DetectionMetrics:
    """`map50`, `map50_95`: means over the classes that have true boxes; None where there is none."""

    picture_count: int
    map50: float | None
    map50_95: float | None
    classes: tuple[ClassDetection, ...]

    def to_dict(self, threshold: float) -> dict[str, Any]:
        """For JSON, with precision and recall at a threshold."""
        return {
            "count": self.picture_count,
            "map50": _rounded(self.map50),
            "map50_95": _rounded(self.map50_95),
            "threshold": threshold,
            "classes": [
                {
                    "class_name": one.class_name,
                    "count": one.count,
                    "found": one.found,
                    "ap50": _rounded(one.ap50),
                    "ap50_95": _rounded(one.ap50_95),
                    "precision": _rounded(one.precision(threshold)),
                    "recall": _rounded(one.recall(threshold)),
                }
                for one in self.classes
            ],
        }


def measure_detection(
    pictures: Iterable[tuple[TrueBoxes, FoundBoxes]], class_names: Sequence[str], max_detections: int = MAX_DETECTIONS
) -> DetectionMetrics:
    """Truth and findings of each picture -> figures. For those of COCO, give all boxes from a score near 0 on.

    Of equal scores in two pictures the earlier picture's comes first. Raises ValueError for classes without a name.
    """
    class_count = len(class_names)
    counts = np.zeros(class_count, np.int64)
    matches: list[Matches] = []
    for truth, found in pictures:
        for indices in (truth.classes, found.classes):
            if len(indices) and not 0 <= indices.min() <= indices.max() < class_count:
                raise ValueError(f"a class lies outside of 0..{class_count - 1}")
        counts += np.bincount(truth.classes[~truth.is_crowd], minlength=class_count)
        matches.append(match_boxes(truth, found, max_detections))
    whole = _joined(matches)
    classes = tuple(_class_figures(whole, index, name, int(counts[index])) for index, name in enumerate(class_names))
    return DetectionMetrics(
        picture_count=len(matches),
        map50=_mean([one.ap50 for one in classes]),
        map50_95=_mean([one.ap50_95 for one in classes]),
        classes=classes,
    )


def threshold_for_precision(one: ClassDetection, wanted: float) -> float | None:
    """The lowest score of a class's curve at which its precision is `wanted` or higher: it finds most of those.

    None where no threshold reaches it.
    """
    reached = np.flatnonzero(one.curve.right >= wanted * one.curve.found)
    return float(one.curve.scores[reached[-1]]) if len(reached) else None


def _joined(matches: Sequence[Matches]) -> Matches:
    """All pictures' boxes in the order of the pictures."""
    nothing = np.zeros((len(IOU_THRESHOLDS), 0), bool)
    return Matches(
        np.concatenate([np.zeros(0, np.int64), *(one.classes for one in matches)]),
        np.concatenate([np.zeros(0), *(one.scores for one in matches)]),
        np.concatenate([nothing, *(one.is_right for one in matches)], axis=1),
        np.concatenate([nothing, *(one.is_ignored for one in matches)], axis=1),
    )


def _class_figures(whole: Matches, index: int, name: str, count: int) -> ClassDetection:
    own = np.flatnonzero(whole.classes == index)
    own = own[np.argsort(-whole.scores[own], kind="stable")]
    is_counted = ~whole.is_ignored[:, own]
    right = np.cumsum(whole.is_right[:, own], axis=1)
    found = np.cumsum(is_counted, axis=1)
    precisions = _average_precisions(right, found, count) if count else None
    return ClassDetection(
        class_name=name,
        count=count,
        found=int(is_counted[0].sum()),
        ap50=None if precisions is None else float(precisions[0]),
        ap50_95=None if precisions is None else float(precisions.mean()),
        curve=_curve(whole.scores[own], right[0], found[0]),
    )


def _average_precisions(right: np.ndarray, found: np.ndarray, count: int) -> np.ndarray:
    """(thresholds, N) right and found boxes down to each score -> (thresholds,): the mean of 101 precisions.

    Source: accumulate in cocoeval.py of the COCO API. The precision at a recall is the best at that recall or above.
    """
    precisions = right / np.maximum(found, 1)
    best = np.maximum.accumulate(precisions[:, ::-1], axis=1)[:, ::-1]
    best = np.concatenate([best, np.zeros((len(best), 1))], axis=1)
    recalls = right / count
    places = np.stack([np.searchsorted(one, _RECALLS, side="left") for one in recalls])
    means: np.ndarray = np.take_along_axis(best, places, axis=1).mean(axis=1)
    return means


def _curve(scores: np.ndarray, right: np.ndarray, found: np.ndarray) -> ScoreCurve:
    """One entry for each different score: boxes of equal scores are taken together."""
    ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], np.ones(min(1, len(scores)), bool)))
    return ScoreCurve(scores[ends], right[ends], found[ends])


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)
