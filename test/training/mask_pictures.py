"""A data set of masks that a tiny network learns in seconds: bright squares, red or green, on gray noise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX
from deep_predictor.training.dataset import Item, MaskDataset, encode_png, pixel_hash
from deep_predictor.training.datasets.format import DatasetFormat

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

CLASS_NAMES = ("background", "red", "green")


class MaskPictures(MaskDataset):
    """Pictures of 48 x 40 pixels; the last row of each mask is ignored."""

    name = "squares"
    class_names = CLASS_NAMES

    def __init__(self, count: int = 48, seed: int = 5) -> None:
        self.items = tuple(Item(f"{index:03d}") for index in range(count))
        self._pictures = [_picture(np.random.default_rng([seed, index])) for index in range(count)]

    def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
        return self._pictures[index][0]

    def read_file(self, index: int) -> tuple[bytes, str]:
        return encode_png(self.read(index)), "png"

    def content_hash(self, index: int) -> str:
        return pixel_hash(self.read(index))

    def mask(self, index: int) -> np.ndarray:
        return self._pictures[index][1]


def _picture(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    image, mask = rng.integers(60, 120, (40, 48, 3), np.uint8), np.zeros((40, 48), np.uint8)
    for label in (1, 2):
        top, left, side = rng.integers(0, 24), rng.integers(0, 32), rng.integers(8, 16)
        square = slice(top, top + side), slice(left, left + side)
        image[square] = 40
        image[(*square, label - 1)] = 230
        mask[square] = label
    mask[-1] = IGNORE_INDEX
    return image, mask


class SquaresFormat(DatasetFormat):
    """For the table of formats, as `squares`."""

    needs_path = False

    @staticmethod
    def open(options: DatasetOptions, cache_folder: Path) -> MaskPictures:
        return MaskPictures()


FORMAT = "test.training.mask_pictures:SquaresFormat"
