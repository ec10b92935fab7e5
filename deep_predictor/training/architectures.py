"""What a network looks like. One function an architecture and one line in `ARCHITECTURES` (see docs/training.md).

A builder takes the input's (height, width, channels) and the number of classes, and returns an uncompiled `keras.Model`
whose output is (N, classes) probabilities. Only Keras' own layers: a model file that holds code is refused when served.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

InputShape = tuple[int, int, int]


def build_architecture(name: str, input_shape: InputShape, class_count: int) -> keras.Model:
    """Build the architecture `name` of the table below; `input_shape` is (height, width, channels)."""
    return ARCHITECTURES[name](input_shape, class_count)


def _convnet_small(input_shape: InputShape, class_count: int) -> keras.Model:
    """Three blocks of 3x3 convolution, batch normalisation, ReLU and 2x2 maximum; then one dense layer."""
    from keras import Input, Model, layers

    inputs = Input(input_shape)
    x = inputs
    for filters in (16, 32, 64):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        # Short runs have few steps: Keras' own momentum of 0.99 would still remember the first of them.
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D(padding="same")(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(x)
    outputs = layers.Dense(class_count, activation="softmax")(x)
    return Model(inputs, outputs, name="convnet_small")


#: Name in a training cfg -> what builds it.
ARCHITECTURES: dict[str, Callable[[InputShape, int], keras.Model]] = {
    "convnet_small": _convnet_small,
}
