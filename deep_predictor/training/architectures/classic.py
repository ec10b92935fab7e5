"""The first convolutional networks: LeNet-5 and AlexNet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deep_predictor.training.architectures.architecture import Wanted
from deep_predictor.training.architectures.heads import classify

if TYPE_CHECKING:
    import keras


def lenet5(wanted: Wanted) -> keras.Model:
    """LeCun et al., "Gradient-Based Learning Applied to Document Recognition" (1998); the last layer is a softmax."""
    from keras import Input, Model

    inputs = Input(wanted.input_shape)
    return Model(inputs, classify(lenet5_body(inputs), wanted, dropout=0), name="lenet5")


def lenet5_body(x: Any) -> Any:
    """Pictures (N, h, w, c) -> (N, 84)."""
    from keras import layers

    for filters in (6, 16):
        x = layers.Conv2D(filters, 5, activation="tanh")(x)
        x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    for units in (120, 84):
        x = layers.Dense(units, activation="tanh")(x)
    return x


def alexnet(wanted: Wanted) -> keras.Model:
    """Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks" (2012).

    Batch normalisation stands where the original normalises over neighbouring channels: it learns faster.
    """
    from keras import Input, Model

    inputs = Input(wanted.input_shape)
    return Model(inputs, classify(alexnet_body(inputs, wanted), wanted, dropout=0.5), name="alexnet")


def alexnet_body(x: Any, wanted: Wanted) -> Any:
    """Pictures (N, h, w, c) -> (N, 4096)."""
    from keras import layers

    def convolution(x: Any, filters: int, size: int, strides: int = 1) -> Any:
        x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    x = layers.MaxPooling2D(3, 2)(convolution(x, 96, 11, strides=4))
    x = layers.MaxPooling2D(3, 2)(convolution(x, 256, 5))
    for filters in (384, 384, 256):
        x = convolution(x, filters, 3)
    x = layers.Flatten()(layers.MaxPooling2D(3, 2)(x))
    x = layers.Dense(4096, activation="relu")(x)
    x = layers.Dropout(wanted.dropout(0.5))(x)
    return layers.Dense(4096, activation="relu")(x)
