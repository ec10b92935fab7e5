"""Mirror images: left and right, top and bottom, or both. Boxes and masks are mirrored with them, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import cv2
import numpy as np

from deep_predictor.training.augmentation.base import ChoiceOperation, OperationOptions
from deep_predictor.training.sample import Sample


class FlipOptions(OperationOptions):
    """A flip has no strength, only a probability: half of the pictures in training, where nothing is said."""


class FlipHorizontal(ChoiceOperation[FlipOptions, None]):
    """The left side becomes the right one."""

    options_class = FlipOptions
    usual_probability: ClassVar[float] = 0.5
    #: Whether left and right, and whether top and bottom change places.
    is_across: ClassVar[bool] = True
    is_down: ClassVar[bool] = False

    def choices(self, width: int, height: int) -> Sequence[None]:
        return (None,)

    def apply(self, sample: Sample, choice: None) -> Sample:
        return replace(
            sample,
            image=self._mirrored(sample.image),
            mask=None if sample.mask is None else self._mirrored(sample.mask),
            boxes=None if sample.boxes is None else self._moved(sample.boxes, sample.image.shape),
        )

    def _mirrored(self, pixels: np.ndarray) -> np.ndarray:
        return cv2.flip(pixels, -1 if self.is_across and self.is_down else int(self.is_across))

    def _moved(self, boxes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        left, top, right, bottom = boxes.T
        if self.is_across:
            left, right = shape[1] - right, shape[1] - left
        if self.is_down:
            top, bottom = shape[0] - bottom, shape[0] - top
        return np.stack([left, top, right, bottom], axis=1)


class FlipVertical(FlipHorizontal):
    """The top becomes the bottom."""

    is_across, is_down = False, True


class FlipBoth(FlipHorizontal):
    """Both at once: the picture stands on its head."""

    is_across, is_down = True, True
