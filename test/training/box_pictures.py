"""A data set of boxes around squares."""

from __future__ import annotations

import numpy as np

from deep_predictor.training.annotations.picture_boxes import PictureBoxes
from deep_predictor.training.dataset import BoxDataset
from test.training.squares import HEIGHT, WIDTH, Squares

CLASS_NAMES = ("red", "green")


class BoxPictures(Squares, BoxDataset):
    """Pictures of 48 x 40 pixels with a red and a green square each."""

    class_names = CLASS_NAMES

    @staticmethod
    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """RGB uint8, and the corners of the red and the green square: one at the left, one at the right."""
        image = rng.integers(60, 120, (HEIGHT, WIDTH, 3), np.uint8)
        corners = []
        for label, left in enumerate(rng.permutation([1, 25])):
            left, top, side = left + rng.integers(0, 6), rng.integers(0, 24), rng.integers(8, 16)
            image[top : top + side, left : left + side] = 40
            image[top : top + side, left : left + side, label] = 230
            corners.append((left, top, left + side, top + side))
        return image, np.array(corners, np.float64)

    def boxes(self, index: int) -> PictureBoxes:
        corners = self.truth(index) / np.array([WIDTH, HEIGHT] * 2)
        low, high = corners[:, :2], corners[:, 2:]
        return PictureBoxes(
            self.items[index].name,
            WIDTH,
            HEIGHT,
            np.concatenate([(low + high) / 2, high - low], axis=1),
            np.arange(len(corners), dtype=np.int32),
            np.zeros(len(corners), bool),
        )
