"""Pictures that a tiny network learns in seconds: bright squares, red or green, on gray noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from deep_predictor.training.dataset import Dataset, Item, encode_png, pixel_hash

WIDTH, HEIGHT = 48, 40


class Squares(Dataset):
    """Pictures of 48 x 40 pixels, each with its truth. `draw`: from a rng to both."""

    name = "squares"
    draw: ClassVar[Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]]

    def __init__(self, count: int = 48, seed: int = 5) -> None:
        self.items = tuple(Item(f"{index:03d}") for index in range(count))
        self._pictures = [type(self).draw(np.random.default_rng([seed, index])) for index in range(count)]

    def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
        return self._pictures[index][0]

    def read_file(self, index: int) -> tuple[bytes, str]:
        return encode_png(self.read(index)), "png"

    def content_hash(self, index: int) -> str:
        return pixel_hash(self.read(index))

    def truth(self, index: int) -> np.ndarray:
        return self._pictures[index][1]
