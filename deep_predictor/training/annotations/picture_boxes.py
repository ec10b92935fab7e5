"""The boxes of one picture, whatever format they came in: checked, and small in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deep_predictor.training.box_texts import WrittenBox

#: How far a side may lie outside of the picture, as a share of it: what sums of floats are off by.
_ROUNDING = 1e-9
#: What problems of boxes begin with.
EMPTY_BOX = "left out: a box must have a size above 0"
OUTSIDE_BOX = "left out: the box lies outside of the picture"
CUT_BOX = "cut: the box reaches out of the picture"


@dataclass(frozen=True, eq=False)
class PictureBoxes:
    """Raises ValueError where the parts do not fit each other, or a box has no area or reaches out of the picture.

    `width`, `height`: pixels of the upright picture. `boxes_norm`: float64 (N, 4), cx, cy, w, h as shares of them.
    """

    #: POSIX path below the folder of pictures.
    name: str
    width: int
    height: int
    boxes_norm: np.ndarray
    #: int32 (N,), indices into the set's class names.
    classes: np.ndarray
    #: bool (N,): regions with many things of the class, which are neither to be found nor wrong to find.
    is_crowd: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.classes)
        if self.boxes_norm.shape != (count, 4) or self.classes.shape != (count,) or self.is_crowd.shape != (count,):
            raise ValueError(
                f"{self.boxes_norm.shape} boxes, {self.classes.shape} classes, {self.is_crowd.shape} marks"
            )
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a picture cannot have {self.width} x {self.height} pixels")
        if not np.isfinite(self.boxes_norm).all() or (self.boxes_norm[:, 2:] <= 0).any():
            raise ValueError("a box needs a finite place and a size above 0")
        reach = np.abs(self.boxes_norm[:, :2] - 0.5) + self.boxes_norm[:, 2:] / 2
        if (reach > 0.5 + _ROUNDING).any():
            raise ValueError("a box reaches out of the picture")
        if (self.classes < 0).any():
            raise ValueError("a class index is negative")

    def written(self) -> list[WrittenBox]:
        """As other formats write them."""
        rows = zip(self.classes.tolist(), self.boxes_norm.tolist(), self.is_crowd.tolist(), strict=True)
        return [WrittenBox(class_index, cx, cy, w, h, is_crowd) for class_index, (cx, cy, w, h), is_crowd in rows]

    def corners(self) -> np.ndarray:
        """float64 (N, 4): x1, y1, x2, y2 in pixels, from the outer edge of the first pixel."""
        centres, halves = self.boxes_norm[:, :2], self.boxes_norm[:, 2:] / 2
        shares = np.concatenate([centres - halves, centres + halves], axis=1)
        return shares * np.array([self.width, self.height, self.width, self.height], np.float64)


@dataclass(frozen=True)
class BoxSet:
    """What a reader gives: `pictures` are read while they are asked for, once; then the log of problems is complete."""

    class_names: tuple[str, ...]
    pictures: Iterator[PictureBoxes]


@dataclass(frozen=True)
class FittedBoxes:
    """Boxes as they lie in a picture. `problems`: for each of the given boxes what was wrong, "" for nothing.

    `kept`: bool, for each of the given boxes; `boxes_norm`: of those that were kept.
    """

    boxes_norm: np.ndarray
    kept: np.ndarray
    problems: tuple[str, ...]


def fit_boxes(boxes_norm: np.ndarray, width: int, height: int) -> FittedBoxes:
    """(N, 4) cx, cy, w, h as shares -> what of them lies in the picture.

    What reaches out is cut at the edge, and told from a pixel on. Boxes without an area and boxes outside are left out.
    """
    boxes = boxes_norm.astype(np.float64).reshape(-1, 4)
    with np.errstate(over="ignore", invalid="ignore"):  # numbers from files: what overflows is not finite
        low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
        finite_ends: np.ndarray = np.isfinite(np.concatenate([low, high], axis=1))
        cut_low, cut_high = np.clip(low, 0, 1), np.clip(high, 0, 1)
        overhang = np.maximum(cut_low - low, high - cut_high) * np.array([width, height])
    sides: np.ndarray = cut_high > cut_low
    is_finite, is_inside = np.asarray(finite_ends.all(axis=1)), np.asarray(sides.all(axis=1))
    kept = is_finite & is_inside & np.asarray((boxes[:, 2:] > 0).all(axis=1))
    # Boxes that lie inside stay as they were written: sums and differences would change their last digits.
    is_cut = np.asarray(((low < 0) | (high > 1)).any(axis=1))
    cut = np.concatenate([(cut_low + cut_high) / 2, cut_high - cut_low], axis=1)
    fitted = np.where(is_cut[:, np.newaxis], cut, boxes)[kept]
    problems = [""] * len(boxes)
    for index in np.flatnonzero(~kept | (overhang > 1).any(axis=1)):
        problems[index] = _problem(bool(is_finite[index]), boxes[index], bool(is_inside[index]), (width, height))
    return FittedBoxes(fitted, kept, tuple(problems))


def _problem(is_finite: bool, box: np.ndarray, is_inside: bool, size: tuple[int, int]) -> str:
    if not is_finite:
        return "left out: a number of the box is not finite"
    if box[2] <= 0 or box[3] <= 0:
        w, h = float(box[2]) * size[0], float(box[3]) * size[1]
        return f"{EMPTY_BOX} (got {w:g} x {h:g} pixels)"
    if not is_inside:
        return f"{OUTSIDE_BOX} ({size[0]} x {size[1]} pixels)"
    return f"{CUT_BOX} ({size[0]} x {size[1]} pixels)"
