"""Mirror images: left and right, top and bottom, or both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import cv2
import numpy as np

from deep_predictor.training.augmentation.base import ChoiceOperation, OperationOptions


class FlipOptions(OperationOptions):
    """A flip has no strength, only a probability: half of the pictures in training, where nothing is said."""


class FlipHorizontal(ChoiceOperation[FlipOptions, None]):
    """The left side becomes the right one."""

    options_class = FlipOptions
    usual_probability: ClassVar[float] = 0.5

    def choices(self, width: int, height: int) -> Sequence[None]:
        return (None,)

    def apply(self, image: np.ndarray, choice: None) -> np.ndarray:
        return cv2.flip(image, 1)


class FlipVertical(FlipHorizontal):
    """The top becomes the bottom."""

    def apply(self, image: np.ndarray, choice: None) -> np.ndarray:
        return cv2.flip(image, 0)


class FlipBoth(FlipHorizontal):
    """Both at once: the picture stands on its head."""

    def apply(self, image: np.ndarray, choice: None) -> np.ndarray:
        return cv2.flip(image, -1)
