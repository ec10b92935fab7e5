"""A data set of masks of squares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX
from deep_predictor.training.dataset import MaskDataset
from deep_predictor.training.datasets.format import DatasetFormat
from test.training.squares import HEIGHT, WIDTH, Squares

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

CLASS_NAMES = ("background", "red", "green")


class MaskPictures(Squares, MaskDataset):
    """Pictures of 48 x 40 pixels; the last row of each mask is ignored."""

    class_names = CLASS_NAMES

    @staticmethod
    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        image, mask = rng.integers(60, 120, (HEIGHT, WIDTH, 3), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
        for label in (1, 2):
            top, left, side = rng.integers(0, 24), rng.integers(0, 32), rng.integers(8, 16)
            square = slice(top, top + side), slice(left, left + side)
            image[square] = 40
            image[(*square, label - 1)] = 230
            mask[square] = label
        mask[-1] = IGNORE_INDEX
        return image, mask

    def mask(self, index: int) -> np.ndarray:
        return self.truth(index)


class SquaresFormat(DatasetFormat):
    """For the table of formats, as `squares`."""

    needs_path = False

    @staticmethod
    def open(options: DatasetOptions, cache_folder: Path) -> MaskPictures:
        return MaskPictures()


FORMAT = "test.training.mask_pictures:SquaresFormat"
