"""What a finished detector said of a test picture, beside what is true: for the report and evaluation.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deep_predictor.training.detection_matching import IOU_THRESHOLDS, FoundBoxes, TrueBoxes, pairwise_overlaps

#: So many of the worst pictures are shown.
LISTED_ANSWERS = 24


@dataclass(frozen=True, eq=False)
class AnsweredBoxes:
    """A test picture, and the boxes that are served for it: at the chosen threshold, overlaps suppressed.

    `index`: its place in the test part, 0 to N - 1. Corners are shares of the upright picture, x1, y1, x2, y2.
    `is_found`: bool (T,), of the true boxes; regions of crowds are not to be found. `is_right`, `is_wrong`: bool (F,),
    of the found ones; in a crowd they are neither.
    """

    index: int
    item_name: str
    truth: TrueBoxes
    found: FoundBoxes
    is_found: np.ndarray
    is_right: np.ndarray
    is_wrong: np.ndarray

    @property
    def false_count(self) -> int:
        return int(self.is_wrong.sum())

    @property
    def missed_count(self) -> int:
        return int((~self.is_found & ~self.truth.is_crowd).sum())


def answer_boxes(index: int, item_name: str, truth: TrueBoxes, found: FoundBoxes) -> AnsweredBoxes:
    """Which boxes are right, at an overlap of 0.5 or more, by the rules of `detection_matching`."""
    overlaps = pairwise_overlaps(found.corners, truth.corners, truth.is_crowd)
    overlaps[found.classes[:, np.newaxis] != truth.classes] = -1.0
    is_found = np.zeros(len(truth.classes), bool)
    is_right, is_wrong = (np.zeros(len(found.classes), bool) for _ in range(2))
    for row in np.argsort(-found.scores, kind="stable"):
        fits = overlaps[row] >= IOU_THRESHOLDS[0]
        free = np.flatnonzero(fits & ~is_found & ~truth.is_crowd)
        if len(free):
            is_found[free[overlaps[row, free].argmax()]] = is_right[row] = True
        else:
            is_wrong[row] = not (fits & truth.is_crowd).any()
    return AnsweredBoxes(index, item_name, truth, found, is_found, is_right, is_wrong)


def worst_boxes(answers: Sequence[AnsweredBoxes], count: int = LISTED_ANSWERS) -> list[AnsweredBoxes]:
    """Those with false and missed boxes, the most first."""
    wrong = [answer for answer in answers if answer.false_count + answer.missed_count]
    return sorted(wrong, key=lambda answer: -(answer.false_count + answer.missed_count))[:count]
