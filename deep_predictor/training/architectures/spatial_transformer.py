"""Networks that first turn, scale and shift each picture as they find best.

Jaderberg et al., "Spatial Transformer Networks" (2015), https://arxiv.org/abs/1506.02025, built of Keras' own layers
and operations: a stored model holds no code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.training.architectures.architecture import Wanted
from deep_predictor.training.architectures.classic import alexnet_body, lenet5_body
from deep_predictor.training.architectures.heads import classify

if TYPE_CHECKING:
    import keras

#: x' = x, y' = y.
_IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def stn_lenet5(wanted: Wanted) -> keras.Model:
    """A spatial transformer before LeNet-5."""
    from keras import Input, Model

    inputs = Input(wanted.input_shape)
    features = lenet5_body(transformed(inputs))
    return Model(inputs, classify(features, wanted, dropout=0), name="stn_lenet5")


def stn_alexnet(wanted: Wanted) -> keras.Model:
    """A spatial transformer before AlexNet."""
    from keras import Input, Model

    inputs = Input(wanted.input_shape)
    features = alexnet_body(transformed(inputs), wanted)
    return Model(inputs, classify(features, wanted, dropout=0.5), name="stn_alexnet")


def transformed(images: Any) -> Any:
    """(N, h, w, c) -> the same shape: each picture under the affine map that a small network chooses for it.

    Output pixel (x, y), in -1..1, is read at (a x + b y + c, d x + e y + f) of the picture. At first the map changes
    nothing.
    """
    from keras import layers

    x = images
    for filters in (8, 16):
        x = layers.Conv2D(filters, 5, strides=2, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(padding="same")(x)
    x = layers.Dense(32, activation="relu")(layers.Flatten()(x))
    x = layers.Dense(6, kernel_initializer="zeros", dtype="float32")(x)
    return sampled(images, layers.Rescaling(1.0, offset=_IDENTITY, dtype="float32")(x))


def sampled(images: Any, maps: Any) -> Any:
    """(N, h, w, c) pictures read under (N, 6) maps, bilinearly; outside of a picture its border goes on."""
    from keras import layers, ops

    height, width, channels = images.shape[1:]
    across = np.linspace(-1, 1, width, dtype=np.float32).reshape(1, 1, width)
    down = np.linspace(-1, 1, height, dtype=np.float32).reshape(1, height, 1)
    cells = layers.Reshape((6, 1, 1), dtype="float32")(maps)
    a, b, c, d, e, f = (cells[:, index] for index in range(6))
    x, right = _places(a * across + b * down + c, width)
    y, lower = _places(d * across + e * down + f, height)
    left, upper = ops.floor(x), ops.floor(y)
    flat = layers.Reshape((height * width, channels), dtype="float32")(images)

    def read(row: Any, column: Any) -> Any:
        """The pixels at whole rows and columns (N, h, w)."""
        places = ops.cast(row * float(width) + column, "int32")
        return ops.take_along_axis(flat, ops.reshape(places, (-1, height * width, 1)), axis=1)

    def share(value: Any) -> Any:
        return ops.reshape(value, (-1, height * width, 1))

    to_right, to_lower = share(x - left), share(y - upper)
    above = read(upper, left) * (1.0 - to_right) + read(upper, right) * to_right
    below = read(lower, left) * (1.0 - to_right) + read(lower, right) * to_right
    return layers.Reshape((height, width, channels))(above * (1.0 - to_lower) + below * to_lower)


def _places(coordinates: Any, size: int) -> tuple[Any, Any]:
    """-1..1 -> pixels, kept inside; and the next whole pixel after each, or the last one."""
    from keras import ops

    pixels = ops.clip((coordinates + 1.0) * (0.5 * (size - 1)), 0.0, float(size - 1))
    return pixels, ops.minimum(ops.floor(pixels) + 1.0, float(size - 1))
