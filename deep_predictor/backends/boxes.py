"""How a detector writes its boxes and scores, and what they are on the input: shares, as y1, x1, y2, x2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from deep_predictor.images.preprocessing import InputSpec

#: Numbers of a box; they stand before the scores.
BOX_NUMBERS = 4
#: A box, its score and its label, in rows of networks that suppress overlaps themselves.
_FINISHED_NUMBERS = BOX_NUMBERS + 2
#: Pixels between two cells of YOLOX's three grids, https://github.com/Megvii-BaseDetection/YOLOX.
YOLOX_STRIDES = (8, 16, 32)
#: Labels are whole numbers far below; what lies above is cut to it, and has no name.
_LARGEST_LABEL = 2.0**31

BoxFormat = Literal["y1x1y2x2", "x1y1x2y2", "cxcywh", "xywh", "yolox_grid"]
BoxUnits = Literal["share", "pixels"]
ScoreLayout = Literal["per_class", "objectness", "score_label", "label_score"]
OutputAxes = Literal["boxes_numbers", "numbers_boxes"]


@dataclass(frozen=True)
class BoxLayout:
    """What a row of a detector's output holds. Raises ValueError when its parts do not fit together.

    box_format: two corners, centre and size, corner and size, or YOLOX's raw numbers: offsets from a cell, and
    logarithms of sizes in cells. box_units: shares of the input, or its pixels. scores: one a class; objectness, then
    one a class (both are multiplied); or one score and a label, in either order, where the network has suppressed
    overlaps itself. output_axes: (boxes, numbers), or (numbers, boxes). first_label: the label of the first name.
    """

    box_format: BoxFormat
    box_units: BoxUnits
    scores: ScoreLayout
    output_axes: OutputAxes = "boxes_numbers"
    first_label: int = 0

    def __post_init__(self) -> None:
        if self.box_format == "yolox_grid" and self.box_units != "pixels":
            raise ValueError("box_format yolox_grid gives pixels: box_units must be pixels")
        if self.first_label and not self.is_finished:
            raise ValueError("first_label is for networks that give labels: scores score_label or label_score")

    @property
    def is_finished(self) -> bool:
        """Whether the network suppresses overlaps itself and gives one label a box."""
        return self.scores in ("score_label", "label_score")

    @cached_property
    def numbers_before_scores(self) -> int:
        return BOX_NUMBERS + (self.scores == "objectness")

    def class_count(self, numbers: int) -> int | None:
        """Classes of a network that gives so many numbers a box; None: not to be seen there. Raises ValueError."""
        if self.is_finished:
            if numbers != _FINISHED_NUMBERS:
                raise ValueError(f"{numbers} numbers a box, but a box, a score and a label are {_FINISHED_NUMBERS}")
            return None
        if numbers <= self.numbers_before_scores:
            raise ValueError(f"{numbers} numbers a box, which leaves none for scores")
        return numbers - self.numbers_before_scores

    def rows(self, output: np.ndarray) -> np.ndarray:
        """One picture's output -> (boxes, numbers), a view."""
        return output.T if self.output_axes == "numbers_boxes" else output

    def class_scores(self, rows: np.ndarray) -> np.ndarray:
        """(B, 4 + …) -> (B, C); not for layouts that are finished."""
        scores = rows[:, self.numbers_before_scores :]
        return scores * rows[:, BOX_NUMBERS : BOX_NUMBERS + 1] if self.scores == "objectness" else scores

    def scores_and_labels(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, 6) -> scores (B,) and indices of names (B,), for layouts that are finished."""
        score, label = (4, 5) if self.scores == "score_label" else (5, 4)
        labels = np.clip(np.rint(rows[:, label]), -_LARGEST_LABEL, _LARGEST_LABEL)
        return rows[:, score], labels.astype(np.int64) - self.first_label

    def boxes(self, rows: np.ndarray, places: np.ndarray, input_size: tuple[int, int]) -> np.ndarray:
        """Boxes (K, 4) of the rows at `places`: y1, x1, y2, x2 as shares of an input of (width, height), float64."""
        numbers = rows[places, :BOX_NUMBERS].astype(np.float64)
        if self.box_format == "yolox_grid":
            numbers = _off_the_grid(numbers, places, input_size)
        boxes = _corners(numbers, self.box_format)
        if self.box_units == "pixels":
            width, height = input_size
            boxes /= (height, width, height, width)
        return boxes


def boxes_on_picture(boxes: np.ndarray, spec: InputSpec, picture_size: tuple[int, int]) -> np.ndarray:
    """(K, 4) y1, x1, y2, x2 as shares of the input -> of the picture, which may fill only a part of the input."""
    if spec.resize_mode == "stretch":
        return boxes
    left, top, width, height = spec.letterbox_box(picture_size)
    sides = np.array([spec.height, spec.width] * 2, np.float64)
    return (boxes * sides - [top, left, top, left]) / [height, width, height, width]


def yolox_cells(input_size: tuple[int, int]) -> int:
    """How many boxes YOLOX gives for an input of (width, height) pixels."""
    return sum((input_size[0] // stride) * (input_size[1] // stride) for stride in YOLOX_STRIDES)


def _corners(numbers: np.ndarray, box_format: BoxFormat) -> np.ndarray:
    """(K, 4) in any format -> y1, x1, y2, x2."""
    if box_format == "y1x1y2x2":
        return numbers
    first, second = numbers[:, [1, 0]], numbers[:, [3, 2]]
    if box_format == "x1y1x2y2":
        return np.concatenate([first, second], axis=1)
    if box_format == "xywh":
        return np.concatenate([first, first + second], axis=1)
    return np.concatenate([first - second / 2, first + second / 2], axis=1)


def _off_the_grid(numbers: np.ndarray, places: np.ndarray, input_size: tuple[int, int]) -> np.ndarray:
    """YOLOX's raw rows -> cx, cy, w, h in pixels: (offset + cell) x stride, exp(size) x stride.

    Rows are cells of one grid after the other, line by line.
    """
    cells = np.zeros((len(places), 2))
    strides = np.zeros((len(places), 1))
    start = 0
    for stride in YOLOX_STRIDES:
        columns, lines = input_size[0] // stride, input_size[1] // stride
        here = (places >= start) & (places < start + columns * lines)
        cells[here] = np.stack([(places[here] - start) % columns, (places[here] - start) // columns], axis=1)
        strides[here] = stride
        start += columns * lines
    with np.errstate(over="ignore"):  # a box that is not finite is refused by who asked
        return np.concatenate([(numbers[:, :2] + cells) * strides, np.exp(numbers[:, 2:]) * strides], axis=1)
