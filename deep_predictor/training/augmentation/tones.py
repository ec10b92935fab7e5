"""Operations on the values of pixels: brightness, contrast, color, gamma."""

from __future__ import annotations

import cv2
import numpy as np

from deep_predictor.training.augmentation.base import OperationOptions, ToneOperation
from deep_predictor.training.augmentation.written import Factors, Gammas

_LEVELS = np.arange(256, dtype=np.float64)


class BrightnessOptions(OperationOptions):
    factor_range: Factors = (0.7, 1.3)


class Brightness(ToneOperation[BrightnessOptions]):
    """value * factor: 0 is black, 1 leaves the picture as it is."""

    options_class = BrightnessOptions

    @property
    def range(self) -> tuple[float, float]:
        return self.options.factor_range

    def tone(self, image: np.ndarray, number: float) -> np.ndarray:
        return _look_up(image, _LEVELS * number)


class ContrastOptions(OperationOptions):
    factor_range: Factors = (0.7, 1.3)


class Contrast(ToneOperation[ContrastOptions]):
    """mean + (value - mean) * factor, with the picture's mean gray: 0 is that gray alone, 1 the picture as it is."""

    options_class = ContrastOptions

    @property
    def range(self) -> tuple[float, float]:
        return self.options.factor_range

    def tone(self, image: np.ndarray, number: float) -> np.ndarray:
        mean = _gray(image).mean()
        return _look_up(image, mean + (_LEVELS - mean) * number)


class ColorOptions(OperationOptions):
    factor_range: Factors = (0.5, 1.5)


class Color(ToneOperation[ColorOptions]):
    """gray + (value - gray) * factor, with each pixel's own gray: 0 has no colour, 1 is the picture as it is."""

    options_class = ColorOptions

    @property
    def range(self) -> tuple[float, float]:
        return self.options.factor_range

    def tone(self, image: np.ndarray, number: float) -> np.ndarray:
        gray = cv2.cvtColor(_gray(image), cv2.COLOR_GRAY2RGB)
        return cv2.addWeighted(image, number, gray, 1 - number, 0)


class GammaOptions(OperationOptions):
    gamma_range: Gammas = (0.7, 1.5)


class Gamma(ToneOperation[GammaOptions]):
    """255 * (value / 255) ^ gamma: over 1 darkens the middle, under 1 lights it up, black and white stay."""

    options_class = GammaOptions

    @property
    def range(self) -> tuple[float, float]:
        return self.options.gamma_range

    def tone(self, image: np.ndarray, number: float) -> np.ndarray:
        return _look_up(image, 255 * (_LEVELS / 255) ** number)


def _look_up(image: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """`levels[value]` for each value, rounded and cut to 0..255."""
    return cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def _gray(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
