"""A data set of boxes that a tiny network learns in seconds: bright squares, red or green, on gray noise."""

from __future__ import annotations

import numpy as np

from deep_predictor.training.annotations.picture_boxes import PictureBoxes
from deep_predictor.training.dataset import BoxDataset, Item, encode_png, pixel_hash

CLASS_NAMES = ("red", "green")
WIDTH, HEIGHT = 48, 40


class BoxPictures(BoxDataset):
    """Pictures of 48 x 40 pixels with a red and a green square each."""

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

    def boxes(self, index: int) -> PictureBoxes:
        corners = self._pictures[index][1] / np.array([WIDTH, HEIGHT] * 2)
        low, high = corners[:, :2], corners[:, 2:]
        return PictureBoxes(
            self.items[index].name,
            WIDTH,
            HEIGHT,
            np.concatenate([(low + high) / 2, high - low], axis=1),
            np.arange(len(corners), dtype=np.int32),
            np.zeros(len(corners), bool),
        )


def _picture(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """RGB uint8, and the corners of the red and the green square: one at the left, one at the right."""
    image = rng.integers(60, 120, (HEIGHT, WIDTH, 3), np.uint8)
    corners = []
    for label, left in enumerate(rng.permutation([1, 25])):
        left, top, side = left + rng.integers(0, 6), rng.integers(0, 24), rng.integers(8, 16)
        image[top : top + side, left : left + side] = 40
        image[top : top + side, left : left + side, label] = 230
        corners.append((left, top, left + side, top + side))
    return image, np.array(corners, np.float64)
