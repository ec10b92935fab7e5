"""A data set that a tiny network learns in a second: pictures that are dark at the left, or at the right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deep_predictor.training.dataset import ArrayDataset, Dataset
from deep_predictor.training.datasets.format import DatasetFormat

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

CLASS_NAMES = ("dark left", "dark right")


def tiny_dataset() -> ArrayDataset:
    rng = np.random.default_rng(3)
    images, labels = [], []
    for index in range(60):
        image = rng.integers(150, 255, (16, 24, 3), dtype=np.uint8)
        half = slice(0, 12) if index % 2 == 0 else slice(12, 24)
        image[:, half] //= 3
        images.append(image)
        labels.append(index % 2)
    return ArrayDataset(images, labels, CLASS_NAMES, name="tiny")


class TinyFormat(DatasetFormat):
    """For the table of formats, as `tiny`."""

    needs_path = False

    @staticmethod
    def open(options: DatasetOptions, cache_folder: Path) -> Dataset:
        return tiny_dataset()


FORMAT = "test.training.tiny_dataset:TinyFormat"
