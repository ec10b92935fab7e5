"""Operations with a window that goes over the picture: sliding_crop keeps what is in it, occlusion covers it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from deep_predictor.training.augmentation.base import ChoiceOperation, OperationOptions
from deep_predictor.training.augmentation.covering import covered
from deep_predictor.training.augmentation.written import Color, WindowSize
from deep_predictor.training.placing import Area, view_of_crop
from deep_predictor.training.sample import Sample


@dataclass(frozen=True)
class Window:
    left: int
    top: int
    width: int
    height: int

    @property
    def area(self) -> Area:
        return self.left, self.top, self.width, self.height

    def of(self, image: np.ndarray) -> np.ndarray:
        """A view of what lies in it."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]


@dataclass(frozen=True)
class _Steps:
    """Where windows begin along one side: every `stride` pixels, the last one at the end of the side."""

    side: int
    window: int
    stride: int

    @property
    def count(self) -> int:
        return math.ceil((self.side - self.window) / self.stride) + 1

    def start(self, number: int) -> int:
        return min(number * self.stride, self.side - self.window)


class Windows(Sequence[Window]):
    """All windows of a picture, row by row; none is made before it is asked for: there may be millions."""

    def __init__(self, horizontal: _Steps, vertical: _Steps) -> None:
        self._horizontal, self._vertical = horizontal, vertical

    def __len__(self) -> int:
        return self._horizontal.count * self._vertical.count

    @overload
    def __getitem__(self, number: int) -> Window: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Window]: ...
    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        row, column = divmod(range(len(self))[number], self._horizontal.count)
        return Window(
            self._horizontal.start(column), self._vertical.start(row), self._horizontal.window, self._vertical.window
        )


class WindowOptions(OperationOptions):
    """A window that is larger than a picture is cut to its size."""

    window: WindowSize
    #: From one window to the next; None: the window's size, so that they touch.
    stride: WindowSize | None = None

    def windows(self, width: int, height: int) -> Windows:
        steps = []
        for place, side in enumerate((width, height)):
            window = _pixels(self.window[place], side)
            stride = window if self.stride is None else _pixels(self.stride[place], side)
            steps.append(_Steps(side, window, stride))
        return Windows(*steps)


class SlidingCrop(ChoiceOperation[WindowOptions, Window]):
    """What one of the windows shows. Boxes are cut at its border, see `placing.View`."""

    options_class = WindowOptions

    def choices(self, width: int, height: int) -> Sequence[Window]:
        return self.options.windows(width, height)

    def apply(self, sample: Sample, choice: Window) -> Sample:
        return view_of_crop(choice.area).sample(sample, choice.of(sample.image))


class OcclusionOptions(WindowOptions):
    color: Color = (0, 0, 0)


class Occlusion(ChoiceOperation[OcclusionOptions, Window]):
    """The picture with one of the windows covered by a colour; what becomes of the truth there: see `covered`."""

    options_class = OcclusionOptions

    def choices(self, width: int, height: int) -> Sequence[Window]:
        return self.options.windows(width, height)

    def apply(self, sample: Sample, choice: Window) -> Sample:
        image = sample.image.copy()
        choice.of(image)[:] = self.options.color
        return covered(sample, image, choice.area)


def _pixels(written: int | float, side: int) -> int:
    """An integer is pixels, a float a share of the side; within 1..side."""
    pixels = written if isinstance(written, int) else round(written * side)
    return min(max(1, pixels), side)
