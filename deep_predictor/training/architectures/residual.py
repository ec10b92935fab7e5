"""ResNet-18, which keras.applications does not have.

He et al., "Deep Residual Learning for Image Recognition" (2015), https://arxiv.org/abs/1512.03385
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deep_predictor.training.architectures.architecture import Wanted
from deep_predictor.training.architectures.heads import classify

if TYPE_CHECKING:
    import keras

#: Pictures with a shorter side get the paper's beginning for CIFAR: one 3x3 convolution that keeps their size.
SMALL_SIDE = 64


def resnet18(wanted: Wanted) -> keras.Model:
    """Four stages of two blocks of two 3x3 convolutions, each block with its input added."""
    from keras import Input, Model, layers

    inputs = Input(wanted.input_shape)
    if min(wanted.input_shape[:2]) < SMALL_SIDE:
        x = _convolution(inputs, 64, 3)
    else:
        x = _convolution(inputs, 64, 7, strides=2)
        x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for stage, filters in enumerate((64, 128, 256, 512)):
        x = _block(x, filters, strides=1 if stage == 0 else 2)
        x = _block(x, filters)
    return Model(inputs, classify(x, wanted, dropout=0), name="resnet18")


def _block(x: Any, filters: int, strides: int = 1) -> Any:
    from keras import layers

    y = _convolution(_convolution(x, filters, 3, strides), filters, 3, is_active=False)
    if strides > 1:
        x = _convolution(x, filters, 1, strides, is_active=False)
    return layers.ReLU()(layers.Add()([x, y]))


def _convolution(x: Any, filters: int, size: int, strides: int = 1, is_active: bool = True) -> Any:
    from keras import layers

    x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x) if is_active else x
