"""The 1,797 handwritten digits that scikit-learn carries, drawn as dark ink on white paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deep_predictor.training.dataset import ArrayDataset, Dataset
from deep_predictor.training.datasets.format import DatasetFormat

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

#: Side of a rendered digit in pixels, and the white border around it in cells of the 8x8 grid.
_DIGIT_SIDE = 64
_DIGIT_BORDER_CELLS = 1
#: Ink share that counts as blank paper, and as full ink: cubic enlargement alone leaves a blur between the two.
_BLANK_INK, _FULL_INK = 0.15, 0.85
#: Gray of full ink on paper of 255; a pen is not quite black.
_INK_GRAY = 30


class SklearnDigitsFormat(DatasetFormat):
    """Nothing is read from a path or downloaded."""

    needs_path = False

    @staticmethod
    def open(options: DatasetOptions, cache_folder: Path) -> Dataset:
        from sklearn.datasets import load_digits

        digits = load_digits()
        return ArrayDataset(
            images=[render_digit(grid) for grid in digits.images],
            labels=digits.target.astype(np.int64),
            class_names=[str(name) for name in digits.target_names],
            name="sklearn_digits",
        )


def render_digit(grid: np.ndarray) -> np.ndarray:
    """(8, 8) grid of ink, 0..16 -> RGB uint8 (64, 64, 3) picture of it, as a scan of the paper would look."""
    ink = np.pad(grid.astype(np.float32) / 16, _DIGIT_BORDER_CELLS)
    ink = cv2.resize(ink, (_DIGIT_SIDE, _DIGIT_SIDE), interpolation=cv2.INTER_CUBIC)
    edge = np.clip((ink - _BLANK_INK) / (_FULL_INK - _BLANK_INK), 0, 1)
    crisp = edge * edge * (3 - 2 * edge)
    gray = np.rint(255 - crisp * (255 - _INK_GRAY)).astype(np.uint8)
    return np.repeat(gray[:, :, np.newaxis], 3, axis=2)
