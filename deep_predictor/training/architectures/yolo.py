"""Small detectors: one pass, no anchor boxes, a row of numbers for each cell of three grids.

Our own arrangement of published parts: residual blocks (He et al., 2015, https://arxiv.org/abs/1512.03385), features
brought from coarse to fine (Lin et al., "Feature Pyramid Networks", 2017, https://arxiv.org/abs/1612.03144), and heads
without anchors that tell box and class apart (Ge et al., "YOLOX", 2021, https://arxiv.org/abs/2107.08430). Layers are
few and wide: each costs a CPU its own time, and the first step of a training the more.

`tasks.box_cells` says what the numbers of a row mean.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from deep_predictor.training.architectures.architecture import Wanted

if TYPE_CHECKING:
    import keras

#: Pixels between two cells of a grid, finest grid first.
STRIDES: dict[str, tuple[int, ...]] = {"yolo_small": (8, 16, 32), "yolo_small_fine": (4, 8, 16)}
#: Channels at a stride of 2, 4 … : the finer network is wider early, since it has to tell classes apart there.
_WIDTHS: dict[str, tuple[int, ...]] = {"yolo_small": (16, 32, 64, 128, 192), "yolo_small_fine": (24, 48, 96, 128)}
#: Channels of the pyramid and of the heads.
_NECK_WIDTH = 64
#: What each score is before the first step: few cells show anything, and their many zeros would drown the rest.
_PRIOR = 0.01


def yolo_small(wanted: Wanted) -> keras.Model:
    """Cells of 8, 16 and 32 pixels: for things of about 16 pixels of the input and more."""
    return _detector(wanted, "yolo_small")


def yolo_small_fine(wanted: Wanted) -> keras.Model:
    """Cells of 4, 8 and 16 pixels: for things of under 20 pixels of the input."""
    return _detector(wanted, "yolo_small_fine")


def _detector(wanted: Wanted, name: str) -> keras.Model:
    """(N, height, width, channels) -> (N, cells, 4 + classes), line by line, the finest grid first."""
    from keras import Input, Model, layers

    *widths, neck = (_times(width, wanted.options.alpha or 1.0) for width in (*_WIDTHS[name], _NECK_WIDTH))
    inputs = Input(wanted.input_shape)
    stages = _body(inputs, widths)[-len(STRIDES[name]) :]
    rows = [_head(features, neck, wanted.class_count) for features in _pyramid(stages, neck)]
    last = layers.Concatenate(axis=1, dtype="float32", name="cells")
    # XLA needs a minute to compile the loss, and makes a step on a CPU no faster.
    last.supports_jit = False
    return Model(inputs, last(rows), name=name)


def _times(width: int, alpha: float) -> int:
    """A multiple of 8, at least 8."""
    return max(8, round(width * alpha / 8) * 8)


def _body(x: Any, widths: list[int]) -> list[Any]:
    """The features at a stride of 2, 4, 8 …"""
    stages = [_convolution(x, widths[0], 5, strides=2)]
    for width in widths[1:]:
        stages.append(_block(_convolution(stages[-1], width, 3, strides=2), width))
    return stages


def _pyramid(stages: list[Any], width: int) -> list[Any]:
    """Features of each stage (finest first), with those of the coarser ones laid over them."""
    from keras import layers

    coarse = _convolution(stages[-1], width, 1)
    merged = [coarse]
    for stage in reversed(stages[:-1]):
        upper = layers.UpSampling2D(2)(coarse)
        beside = layers.Concatenate()([_convolution(stage, width, 1), upper])
        coarse = _convolution(beside, width, 3)
        merged.append(coarse)
    return merged[::-1]


def _head(features: Any, width: int, class_count: int) -> Any:
    """(N, h, w, c) -> (N, h * w, 4 + classes)."""
    from keras import initializers, layers

    prior = initializers.Constant(-math.log((1 - _PRIOR) / _PRIOR))
    small = initializers.RandomNormal(stddev=0.01)
    of_box, of_class = _convolution(features, width // 2, 3), _convolution(features, width, 3)
    # 32 bits, also where the body computes with 16.
    parts = [
        layers.Conv2D(4, 1, kernel_initializer=small, dtype="float32")(of_box),
        layers.Conv2D(class_count, 1, kernel_initializer=small, bias_initializer=prior, dtype="float32")(of_class),
    ]
    lines, columns = features.shape[1:3]
    joined = layers.Concatenate(dtype="float32")(parts)
    return layers.Reshape((lines * columns, 4 + class_count), dtype="float32")(joined)


def _block(x: Any, width: int) -> Any:
    """Two 3x3 convolutions with their input added."""
    from keras import layers

    inner = _convolution(_convolution(x, width, 3), width, 3, is_active=False)
    return layers.ReLU()(layers.Add()([x, inner]))


def _convolution(x: Any, filters: int, size: int, strides: int = 1, is_active: bool = True) -> Any:
    from keras import layers

    x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x) if is_active else x
