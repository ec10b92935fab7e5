"""What boxes are like: inside of their pictures, large enough, each there once, on pictures that somebody looked at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deep_predictor.training.annotations.picture_boxes import CUT_BOX, EMPTY_BOX, OUTSIDE_BOX, PictureBoxes
from deep_predictor.training.annotations.problems import Problem
from deep_predictor.training.dataset import BoxDataset
from deep_predictor.training.datasets.listing import NOT_ANNOTATED
from deep_predictor.training.detection_matching import pairwise_overlaps
from deep_predictor.training.doctor.examination import Examination, plural
from deep_predictor.training.doctor.findings import Finding

#: Intersection over union of two boxes of a class from which they count as one thing marked twice.
_DOUBLED = 0.9
#: Of one picture and class so many boxes are compared with each other.
_MOST_COMPARED = 2000
#: Pixels of a box's smaller side, in a network's input whose longer side is so long.
_TINY_PIXELS, _INPUT_SIDE = 4.0, 320
#: Share of the picture.
_WHOLE_PICTURE = 0.95
#: Share of pictures without boxes from which it is no accident.
_MANY_EMPTY = 0.5


def check_annotations(exam: Examination) -> Iterator[Finding]:
    """What reading boxes and masks came across, by file and line."""
    problems = exam.dataset.problems
    outside = [problem for problem in problems if problem.reason.startswith((CUT_BOX, OUTSIDE_BOX))]
    empty = [problem for problem in problems if problem.reason.startswith(EMPTY_BOX)]
    others = [problem for problem in problems if not problem.reason.startswith((CUT_BOX, OUTSIDE_BOX, EMPTY_BOX))]
    # Of very many problems the first are kept.
    least = "At least " if exam.dataset.problem_count > len(problems) else ""
    if others:
        yield Finding(
            "annotation_problems",
            "warning",
            f"{least}{plural(len(others), 'place')} in files of boxes or masks cannot be used.",
            "Mend them, or delete them: what stands there is left out.",
            _told(others),
        )
    if outside:
        yield Finding(
            "boxes_outside",
            "warning",
            f"{least}{plural(len(outside), 'box reaches', 'boxes reach')} out of their pictures.",
            "Look whether sizes and places are written as the format says: boxes are cut at the edge, or left out.",
            _told(outside),
        )
    if empty:
        yield Finding(
            "boxes_empty",
            "warning",
            f"{least}{plural(len(empty), 'box has', 'boxes have')} no size, or a negative one.",
            "Delete them, or draw them again; they are left out.",
            _told(empty),
        )


def check_boxes(exam: Examination) -> Iterator[Finding]:
    """Each box, looked at once."""
    if not isinstance(exam.dataset, BoxDataset):
        return
    doubled, tiny, whole = _Counted(), _Counted(), _Counted()
    for index in exam.readable:
        boxes = exam.dataset.boxes(index)
        name = exam.dataset.items[index].name
        sides = boxes.boxes_norm[:, 2:] * np.array([boxes.width, boxes.height])
        smallest = sides.min(axis=1, initial=np.inf)
        enlarged = smallest * (_INPUT_SIDE / max(boxes.width, boxes.height))
        doubled.add(name, _doubled_count(boxes))
        tiny.add(name, int(((enlarged < _TINY_PIXELS) | (smallest < 1)).sum()))
        whole.add(name, int((boxes.boxes_norm[:, 2:].prod(axis=1) > _WHOLE_PICTURE).sum()))
    if doubled.count:
        yield Finding(
            "boxes_doubled",
            "warning",
            f"{plural(doubled.count, 'box lies', 'boxes lie')} on another of the same class, nearly the same.",
            "Delete one of each two: a thing that is marked twice must be found twice.",
            doubled.groups,
        )
    if tiny.count:
        yield Finding(
            "boxes_tiny",
            "note",
            f"{plural(tiny.count, 'box is', 'boxes are')} under {_TINY_PIXELS:g} pixels wide or high in an input of "
            f"{_INPUT_SIDE} pixels, or under one pixel.",
            "Train with a larger input or on crops, and with an architecture for small things; or delete them.",
            tiny.groups,
        )
    if whole.count:
        yield Finding(
            "boxes_whole_picture",
            "note",
            f"{plural(whole.count, 'box covers', 'boxes cover')} over {_WHOLE_PICTURE:.0%} of the picture.",
            "Look at them: a box that means the whole picture teaches nothing of places.",
            whole.groups,
        )


def check_without_boxes(exam: Examination) -> Iterator[Finding]:
    if not isinstance(exam.dataset, BoxDataset):
        return
    empty = [index for index in exam.readable if not exam.truth_of(index).amounts]
    if empty:
        share = len(empty) / len(exam.readable)
        yield Finding(
            "pictures_without_boxes",
            "warning" if share > _MANY_EMPTY else "note",
            f"{plural(len(empty), 'picture has', 'pictures have')} no box ({share:.0%} of all).",
            "Nothing, where there is nothing on them: they teach what is no thing of a class. Else draw the boxes.",
            exam.one_by_one(empty),
        )


def check_not_annotated(exam: Examination) -> Iterator[Finding]:
    names = [file.name for file in exam.dataset.skipped if file.reason == NOT_ANNOTATED]
    if names:
        yield Finding(
            "not_annotated",
            "note",
            f"{plural(len(names), 'picture is', 'pictures are')} left out: nobody has marked what is on them.",
            "Mark what is on them, or say that nothing is.",
            tuple((name,) for name in names),
        )


class _Counted:
    """Boxes of a kind, and the pictures that have some."""

    def __init__(self) -> None:
        self.count = 0
        self._names: list[str] = []

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return tuple((name,) for name in self._names)

    def add(self, name: str, count: int) -> None:
        if count:
            self.count += count
            self._names.append(name)


def _doubled_count(boxes: PictureBoxes) -> int:
    count = 0
    corners = boxes.corners()
    for label in np.unique(boxes.classes[~boxes.is_crowd]).tolist():
        some = corners[(boxes.classes == label) & ~boxes.is_crowd][:_MOST_COMPARED]
        overlaps = pairwise_overlaps(some, some, np.zeros(len(some), bool))
        # Of several that lie on each other, all but the first.
        count += int((np.triu(overlaps, 1) > _DOUBLED).any(axis=0).sum())
    return count


def _told(problems: list[Problem]) -> tuple[tuple[str, ...], ...]:
    return tuple((str(problem),) for problem in problems)
