"""Plain stacks of convolutions: the small, medium and large network, and the one that KerasUI starts with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deep_predictor.training.architectures.architecture import Wanted
from deep_predictor.training.architectures.heads import classify

if TYPE_CHECKING:
    import keras


def convnet_small(wanted: Wanted) -> keras.Model:
    """Three blocks of 3x3 convolution, batch normalisation, ReLU and 2x2 maximum; then one dense layer."""
    from keras import Input, Model, layers

    inputs = Input(wanted.input_shape)
    x = inputs
    for filters in (16, 32, 64):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        # Short runs have few steps: Keras' own momentum of 0.99 would still remember the first of them.
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D(padding="same")(x)
    return Model(inputs, classify(layers.Flatten()(x), wanted, dropout=0.3), name="convnet_small")


def convnet_medium(wanted: Wanted) -> keras.Model:
    """Four blocks of two 3x3 convolutions, averaged over the picture."""
    return _pairs(wanted, (32, 64, 128, 256), "convnet_medium")


def convnet_large(wanted: Wanted) -> keras.Model:
    """Five blocks of two 3x3 convolutions, averaged over the picture."""
    return _pairs(wanted, (64, 128, 256, 512, 512), "convnet_large")


def five_blocks(wanted: Wanted) -> keras.Model:
    """What KerasUI offers as its first network: five blocks of convolution and maximum, three dense layers."""
    from keras import Input, Model, layers

    inputs = Input(wanted.input_shape)
    x = inputs
    for filters in (32, 64, 128, 128, 64):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Flatten()(layers.Dropout(wanted.dropout(0.2))(x))
    x = layers.Dropout(wanted.dropout(0.2))(layers.Dense(256, activation="relu")(x))
    x = layers.Dense(64, activation="relu")(x)
    outputs = layers.Dense(wanted.class_count, activation="softmax", dtype="float32", name="predictions")(x)
    return Model(inputs, outputs, name="five_blocks")


def _pairs(wanted: Wanted, widths: tuple[int, ...], name: str) -> keras.Model:
    from keras import Input, Model, layers

    inputs = Input(wanted.input_shape)
    x = inputs
    for filters in widths:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.MaxPooling2D(padding="same")(x)
    return Model(inputs, classify(x, wanted, dropout=0.4), name=name)
