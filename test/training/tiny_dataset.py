"""A data set that a tiny network learns in a second: pictures that are dark at the left, or at the right."""

from __future__ import annotations

import numpy as np

from deep_predictor.training.datasets import LabelledImages

CLASS_NAMES = ("dark left", "dark right")


def tiny_dataset() -> LabelledImages:
    rng = np.random.default_rng(3)
    images, labels = [], []
    for index in range(60):
        image = rng.integers(150, 255, (16, 24, 3), dtype=np.uint8)
        half = slice(0, 12) if index % 2 == 0 else slice(12, 24)
        image[:, half] //= 3
        images.append(image)
        labels.append(index % 2)
    return LabelledImages(tuple(images), np.array(labels), CLASS_NAMES)
