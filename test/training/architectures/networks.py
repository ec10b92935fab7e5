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
APPLICATIONS = {"mobilenet": (32, 32, 3)}
#: Forty seconds each: `make check-slow` has these; resnet18 and `efficient_twin` are made of the same kinds of layers.
LARGE_APPLICATIONS = {"resnet50": (32, 32, 3), "efficientnetb0": (32, 32, 3)}


def build(name: str, shape: tuple[int, int, int], class_count: int = 4, **options: Any) -> keras.Model:
    return build_architecture(name, shape, class_count, ArchitectureOptions.model_validate(options))


def noise(shape: tuple[int, int, int], count: int = 2) -> np.ndarray:
    return np.random.default_rng(3).random((count, *shape), np.float32)


def efficient_twin(shape: tuple[int, int, int], class_count: int = 4) -> keras.Model:
    """One block of an EfficientNet: its layers as keras.applications puts them together, with few channels."""
    from keras import Model, layers

    inputs = layers.Input(shape)
    hidden = layers.Normalization(mean=[0.4] * shape[2], variance=[0.05] * shape[2])(layers.Rescaling(0.5)(inputs))
    hidden = layers.ZeroPadding2D(((0, 1), (0, 1)))(hidden)
    hidden = layers.Conv2D(8, 3, strides=2, padding="valid", use_bias=False)(hidden)
    hidden = layers.Activation("swish")(layers.BatchNormalization()(hidden))
    expanded = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(hidden)
    expanded = layers.Activation("swish")(layers.BatchNormalization()(expanded))
    squeezed = layers.Reshape((1, 1, 8))(layers.GlobalAveragePooling2D()(expanded))
    squeezed = layers.Conv2D(2, 1, activation="swish")(squeezed)
    excited = layers.multiply([expanded, layers.Conv2D(8, 1, activation="sigmoid")(squeezed)])
    hidden = layers.add([layers.Dropout(0.2, noise_shape=(None, 1, 1, 1))(excited), hidden])
    pooled = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(hidden))
    return Model(inputs, layers.Dense(class_count, activation="softmax")(pooled))
