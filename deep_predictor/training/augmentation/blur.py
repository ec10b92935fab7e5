"""Gaussian blur."""

from __future__ import annotations

import cv2
import numpy as np

from deep_predictor.training.augmentation.base import OperationOptions, ToneOperation
from deep_predictor.training.augmentation.written import Sigmas


class GaussianBlurOptions(OperationOptions):
    #: Standard deviation in pixels of the picture as it was read; 0 leaves it as it is.
    sigma_range: Sigmas = (0.0, 1.5)


class GaussianBlur(ToneOperation[GaussianBlurOptions]):
    options_class = GaussianBlurOptions

    @property
    def range(self) -> tuple[float, float]:
        return self.options.sigma_range

    def tone(self, image: np.ndarray, number: float) -> np.ndarray:
        if number == 0:  # OpenCV would choose a width by itself
            return image
        return cv2.GaussianBlur(image, (0, 0), sigmaX=number, sigmaY=number, borderType=cv2.BORDER_REFLECT_101)
