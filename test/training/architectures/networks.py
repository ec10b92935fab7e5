"""The architectures that tests build, each at a small size, and how one is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.training.architectures.options import ArchitectureOptions
from deep_predictor.training.architectures.table import build_architecture

if TYPE_CHECKING:
    import keras

#: Name -> (height, width, channels).
OWN = {
    "lenet5": (16, 18, 1),
    "alexnet": (57, 60, 3),
    "stn_lenet5": (18, 16, 3),
    "stn_alexnet": (60, 57, 1),
    "capsnet": (17, 20, 1),
    "convnet_small": (5, 9, 3),
    "convnet_medium": (9, 8, 1),
    "convnet_large": (16, 16, 3),
    "resnet18": (8, 10, 3),
    "five_blocks": (94, 96, 1),
}
APPLICATIONS = {"mobilenet": (32, 32, 3), "resnet50": (32, 32, 3), "efficientnetb0": (32, 32, 3)}


def build(name: str, shape: tuple[int, int, int], class_count: int = 4, **options: Any) -> keras.Model:
    return build_architecture(name, shape, class_count, ArchitectureOptions.model_validate(options))


def noise(shape: tuple[int, int, int], count: int = 2) -> np.ndarray:
    return np.random.default_rng(3).random((count, *shape), np.float32)
