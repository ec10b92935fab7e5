"""How good a detector is on its pictures as the server would answer them, and from which score on boxes are served."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from deep_predictor.training.dataset import BoxDataset
from deep_predictor.training.detection_matching import FoundBoxes, TrueBoxes
from deep_predictor.training.detection_metrics import DetectionMetrics, ScoreCurve, measure_detection
from deep_predictor.training.shown_names import shown_name
from deep_predictor.training.tasks.answers import AnsweredBoxes, answer_boxes, worst_boxes
from deep_predictor.training.tasks.base import MeasuredPart, TaskEvaluation, item_names
from deep_predictor.training.tasks.found_boxes import LIMITS, BoxFinder

if TYPE_CHECKING:
    import keras

_DECIMALS = 5
#: Where nothing at all was found on val: what detectors are served with elsewhere.
_THRESHOLD_WITHOUT_BOXES = 0.25


class ChosenThreshold(NamedTuple):
    """`is_reached`: whether the wanted precision is, from the threshold on."""

    threshold: float
    is_reached: bool


@dataclass(frozen=True)
class DetectionEvaluation(TaskEvaluation):
    """`val`, `test`: of all boxes from a score near 0 on, after the suppression of overlaps.

    `threshold`: boxes of a higher score are served; chosen on val for `target_precision`, or what the cfg says.
    `answers`: one for each test picture, in their order, at the threshold.
    """

    val: DetectionMetrics
    test: DetectionMetrics
    threshold: float
    target_precision: float
    is_threshold_fixed: bool
    is_threshold_reached: bool
    answers: tuple[AnsweredBoxes, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "threshold": self._threshold_facts(),
            "is_threshold_fixed": self.is_threshold_fixed,
            "val": self.val.to_dict(self.threshold),
            "test": self.test.to_dict(self.threshold),
            "worst": [
                {
                    "item_name": answer.item_name,
                    "index": answer.index,
                    "false_count": answer.false_count,
                    "missed_count": answer.missed_count,
                }
                for answer in worst_boxes(self.answers)
            ],
        }

    def manifest(self) -> dict[str, Any]:
        return {
            "test_map50": _rounded(self.test.map50),
            "test_map50_95": _rounded(self.test.map50_95),
            "threshold": self._threshold_facts(),
        }

    def model_options(self) -> dict[str, Any]:
        return {"score_threshold": self.threshold}

    def summary(self) -> str:
        right, found, count = counts_at(self.test, self.threshold)
        figures = f"precision {_share(right, found):.3f}, recall {_share(right, count):.3f} on the test part"
        return "\n".join(
            [
                table_of(self.test, self.threshold),
                "",
                f"test mAP50     {_shown(self.test.map50)}, mAP50-95 {_shown(self.test.map50_95)}, "
                f"on {self.test.picture_count} pictures",
                f"threshold      {self.threshold:g}: {figures}",
            ]
        )

    def _threshold_facts(self) -> dict[str, Any]:
        right, found, count = counts_at(self.val, self.threshold)
        return {
            "threshold": self.threshold,
            "target": self.target_precision,
            "is_reached": self.is_threshold_reached,
            "precision": round(_share(right, found), _DECIMALS),
            "recall": round(_share(right, count), _DECIMALS),
        }


def evaluate_detector(
    network: keras.Model,
    finder: BoxFinder,
    parts: tuple[MeasuredPart, MeasuredPart],
    target_precision: float,
    fixed_threshold: float | None = None,
) -> DetectionEvaluation:
    """`network`: the fitted one, before `served_network`; `parts`: val and test. Raises ImageUnreadable.

    `fixed_threshold`: what the cfg says; None: chosen on val for the precision.
    """
    val_part, test_part = parts
    val = measure_detection(compared_boxes(network, finder, val_part), val_part.dataset.class_names)
    choice = choose_threshold(val, target_precision)
    if fixed_threshold is not None:
        right, found, _ = counts_at(val, fixed_threshold)
        choice = ChosenThreshold(fixed_threshold, found > 0 and right >= target_precision * found)
    answers: list[AnsweredBoxes] = []
    names = item_names(test_part)

    def noted() -> Iterator[tuple[TrueBoxes, FoundBoxes]]:
        for truth, found in compared_boxes(network, finder, test_part):
            place = len(answers)
            answers.append(answer_boxes(place, names[place], truth, _above(found, choice.threshold)))
            yield truth, found

    test = measure_detection(noted(), test_part.dataset.class_names)
    return DetectionEvaluation(
        val=val,
        test=test,
        threshold=choice.threshold,
        target_precision=target_precision,
        is_threshold_fixed=fixed_threshold is not None,
        is_threshold_reached=choice.is_reached,
        answers=tuple(answers),
    )


def compared_boxes(
    network: keras.Model, finder: BoxFinder, part: MeasuredPart
) -> Iterator[tuple[TrueBoxes, FoundBoxes]]:
    """Of each picture in turn what is true and what is found, as shares of the picture: all boxes that it has."""
    dataset = part.dataset
    assert isinstance(dataset, BoxDataset)
    indices = iter(part.indices.tolist())
    for batch in part.batches.in_order():
        rows = np.asarray(network.predict_on_batch(batch.inputs), np.float32)
        boxes = [dataset.boxes(next(indices)) for _ in rows]
        for one, found in zip(boxes, finder.found(rows, [(one.width, one.height) for one in boxes]), strict=True):
            corners = one.corners() / ([one.width, one.height] * 2)
            yield TrueBoxes(corners, one.classes, one.is_crowd), found


def choose_threshold(metrics: DetectionMetrics, wanted: float) -> ChosenThreshold:
    """The lowest score from which on so many of the boxes of all classes together are right.

    Where none reaches it, the one with the best harmonic mean of precision and recall. It lies halfway to the next
    lower score, where rounding on another machine matters least.
    """
    curve, count = pooled_curve(metrics), sum(one.count for one in metrics.classes)
    if not len(curve.scores):
        return ChosenThreshold(_THRESHOLD_WITHOUT_BOXES, False)
    reached = np.flatnonzero(curve.right >= wanted * curve.found)
    place = int(reached[-1]) if len(reached) else int((curve.right / (curve.found + count)).argmax())
    score, lower = float(curve.scores[place]), float(np.append(curve.scores, LIMITS.score_threshold)[place + 1])
    middle = (score + lower) / 2
    rounded = round(middle, _DECIMALS)
    return ChosenThreshold(rounded if lower < rounded < score else middle, bool(len(reached)))


def pooled_curve(metrics: DetectionMetrics) -> ScoreCurve:
    """The boxes of all classes together, as if there were one class."""
    curves = [one.curve for one in metrics.classes]
    scores, places = np.unique(-np.concatenate([curve.scores for curve in curves]), return_inverse=True)
    right, found = (
        np.bincount(places, np.concatenate([np.diff(numbers, prepend=0) for numbers in every]), len(scores))
        for every in ([curve.right for curve in curves], [curve.found for curve in curves])
    )
    return ScoreCurve(-scores, np.cumsum(right).astype(np.int64), np.cumsum(found).astype(np.int64))


def counts_at(metrics: DetectionMetrics, threshold: float) -> tuple[int, int, int]:
    """(right boxes, found boxes, true boxes) of all classes together, of scores from `threshold` on."""
    right, found = pooled_curve(metrics).at(threshold)
    return right, found, sum(one.count for one in metrics.classes)


def table_of(metrics: DetectionMetrics, threshold: float) -> str:
    """The figures of each class as a plain table of text."""
    names = [shown_name(one.class_name, 60) for one in metrics.classes]
    width = max(len("class"), *map(len, names))
    lines = [f"{'class':<{width}}    AP50  AP50-95  precision  recall     boxes"]
    lines += [
        f"{name:<{width}}  {_shown(one.ap50):>6}  {_shown(one.ap50_95):>7}  {one.precision(threshold):9.3f}"
        f"  {one.recall(threshold):6.3f}  {one.count:8d}"
        for name, one in zip(names, metrics.classes, strict=True)
    ]
    return "\n".join(lines)


def _above(found: FoundBoxes, threshold: float) -> FoundBoxes:
    """What is served: scores above the threshold."""
    kept = found.scores > threshold
    return FoundBoxes(found.corners[kept], found.classes[kept], found.scores[kept])


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)


def _shown(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"
