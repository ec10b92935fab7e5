"""A planned darknet network and its weights as a TensorFlow graph: pictures in, boxes and scores out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.engines.darknet_plan import (
    PICTURE,
    Activation,
    Convolution,
    GlobalAverage,
    Head,
    Layer,
    MaxPool,
    Network,
    Pass,
    Reorg,
    Route,
    ScaleChannels,
    Shortcut,
    Upsample,
)
from deep_predictor.engines.darknet_weights import Weights

LEAKY_SLOPE = 0.1
#: Stands around a picture where the largest number is looked for.
LOWEST = float(np.finfo(np.float32).min)


def write_saved_model(network: Network, weights: Mapping[int, Weights], folder: Path) -> None:
    """serving_default: (N, height, width, channels), 0..1 -> (N, boxes, 4 + classes): y1, x1, y2, x2 in shares of the
    input, then objectness times the class's score, 0..1. Boxes stand in the order of the heads, cells and anchors.
    """
    import tensorflow as tf

    module = tf.Module()
    module.kept = {
        str(number): [tf.Variable(_tensorflow_kernel(network.layers[number], one)), tf.Variable(one.bias)]
        for number, one in weights.items()
    }
    picture = tf.TensorSpec((None, *network.input_shape), tf.float32, name="picture")

    @tf.function(input_signature=[picture], autograph=False)
    def serve(batch: Any) -> dict[str, Any]:
        return {"boxes": _run(network, module.kept, batch)}

    tf.saved_model.save(module, str(folder), signatures=serve)


def _tensorflow_kernel(layer: Layer, weights: Weights) -> np.ndarray:
    """(filters, channels, h, w) -> (h, w, channels, filters); where each channel has filters of its own, as TensorFlow
    has it for those: (h, w, channels, filters of a channel)."""
    assert isinstance(layer, Convolution)
    kernel = weights.kernel
    if _is_depthwise(layer):
        kernel = kernel.reshape(layer.input_channels, -1, layer.size, layer.size)
        return np.ascontiguousarray(kernel.transpose(2, 3, 0, 1))
    return np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))


def _is_depthwise(layer: Convolution) -> bool:
    return layer.groups == layer.input_channels > 1


def _run(network: Network, kept: Mapping[str, Any], batch: Any) -> Any:
    import tensorflow as tf

    given: list[Any] = []
    boxes = []
    for number, layer in enumerate(network.layers):
        inputs = [batch if source == PICTURE else given[source] for source in layer.sources]
        if isinstance(layer, Head):
            boxes.append(_decode(layer, inputs[0]))
            given.append(None)
        elif isinstance(layer, Convolution):
            given.append(_convolve(layer, inputs[0], *kept[str(number)]))
        else:
            given.append(_apply(layer, inputs))
    return tf.concat(boxes, axis=1)


def _convolve(layer: Convolution, x: Any, kernel: Any, bias: Any) -> Any:
    import tensorflow as tf

    padding = "VALID"
    if layer.stride == 1 and 2 * layer.padding == (layer.size - 1) * layer.dilation:
        padding = "SAME"
    elif layer.padding:
        around = [layer.padding] * 2
        x = tf.pad(x, [[0, 0], around, around, [0, 0]])
    if _is_depthwise(layer):
        strides = [1, layer.stride, layer.stride, 1]
        x = tf.nn.depthwise_conv2d(x, kernel, strides, padding, dilations=[layer.dilation] * 2)
    else:
        # One convolution a group: not every engine has grouped ones.
        parts = zip(tf.split(x, layer.groups, axis=3), tf.split(kernel, layer.groups, axis=3), strict=True)
        done = [tf.nn.conv2d(part, own, layer.stride, padding, dilations=layer.dilation) for part, own in parts]
        x = done[0] if len(done) == 1 else tf.concat(done, axis=3)
    return _activate(layer.activation, tf.nn.bias_add(x, bias))


def _activate(name: Activation, x: Any) -> Any:
    import tensorflow as tf

    match name:
        case "linear":
            return x
        case "leaky":
            return tf.nn.leaky_relu(x, LEAKY_SLOPE)
        case "relu":
            return tf.nn.relu(x)
        case "relu6":
            return tf.nn.relu6(x)
        case "mish":
            return x * tf.tanh(tf.nn.softplus(x))
        case "swish":
            return x * tf.sigmoid(x)
        case "logistic":
            return tf.sigmoid(x)
        case "tanh":
            return tf.tanh(x)


@singledispatch
def _apply(layer: Layer, inputs: list[Any]) -> Any:
    """What a layer without weights gives."""
    raise NotImplementedError(type(layer).__name__)


@_apply.register
def _(layer: Pass, inputs: list[Any]) -> Any:
    return inputs[0]


@_apply.register
def _(layer: MaxPool, inputs: list[Any]) -> Any:
    """Before the first row stand padding // 2 rows, after the last as many as the windows reach over."""
    import tensorflow as tf

    (x,) = inputs
    before, taken, given = layer.padding // 2, x.shape[1:3], layer.shape[:2]
    after = [
        max(0, (count - 1) * layer.stride + layer.size - before - size)
        for count, size in zip(given, taken, strict=True)
    ]
    # TensorFlow's own padding, where it comes to the same: engines are quicker with it.
    is_same = all(before == (before + end) // 2 for end in after) and all(
        count == -(-size // layer.stride) for count, size in zip(given, taken, strict=True)
    )
    if not is_same:
        x = tf.pad(x, [[0, 0], [before, after[0]], [before, after[1]], [0, 0]], constant_values=LOWEST)
    return tf.nn.max_pool2d(x, layer.size, layer.stride, "SAME" if is_same else "VALID")


@_apply.register
def _(layer: GlobalAverage, inputs: list[Any]) -> Any:
    import tensorflow as tf

    return tf.reduce_mean(inputs[0], axis=[1, 2], keepdims=True)


@_apply.register
def _(layer: Route, inputs: list[Any]) -> Any:
    import tensorflow as tf

    parts = [x if layer.groups == 1 else tf.split(x, layer.groups, axis=3)[layer.group] for x in inputs]
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=3)


@_apply.register
def _(layer: Shortcut, inputs: list[Any]) -> Any:
    total = inputs[0]
    for other in inputs[1:]:
        total = total + other
    return _activate(layer.activation, total)


@_apply.register
def _(layer: Upsample, inputs: list[Any]) -> Any:
    import tensorflow as tf

    larger = tf.image.resize(inputs[0], layer.shape[:2], method="nearest")
    return larger if layer.scale == 1 else larger * layer.scale


@_apply.register
def _(layer: Reorg, inputs: list[Any]) -> Any:
    """darknet's reorg_cpu takes the numbers for a larger picture of fewer channels, and that apart; weights know it so.

    With s the stride and c' = channels / s², out[(oy s + ox) c' + c][j][i] = seen[c][j s + oy][i s + ox], where
    `seen` is the input, its axes in the order channel, row, column, taken as (c', rows s, columns s).
    """
    import tensorflow as tf

    (x,) = inputs
    _, height, width, channels = x.shape
    s = layer.stride
    seen = tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [-1, channels // s**2, height, s, width, s])
    apart = tf.reshape(tf.transpose(seen, [0, 3, 5, 1, 2, 4]), [-1, layer.shape.channels, *layer.shape[:2]])
    return tf.transpose(apart, [0, 2, 3, 1])


@_apply.register
def _(layer: ScaleChannels, inputs: list[Any]) -> Any:
    return _activate(layer.activation, inputs[0] * inputs[1])


def _decode(head: Head, x: Any) -> Any:
    """(N, rows, columns, anchors x (5 + classes)) -> (N, rows x columns x anchors, 4 + classes).

    get_yolo_box and get_region_box of darknet: the centre is the cell plus a sigmoid, the size an anchor times e to the
    number; with new_coords the numbers come activated, and the size is the anchor times four times the square.
    """
    import tensorflow as tf

    rows, columns, _ = head.shape
    count = len(head.anchors)
    x = tf.reshape(x, [-1, rows * columns * count, 5 + head.classes])
    xy, wh, objectness, scores = tf.split(x, [2, 2, 1, head.classes], axis=2)
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 1, 2)
    cells = np.broadcast_to(cells, (rows * columns, count, 2)).reshape(1, -1, 2).astype(np.float32)
    anchors = np.tile(np.array(head.anchors, np.float32), (rows * columns, 1))[np.newaxis]
    if not head.has_new_coordinates:
        xy, objectness = tf.sigmoid(xy), tf.sigmoid(objectness)
    if head.class_activation != "none":
        scores = tf.sigmoid(scores) if head.class_activation == "sigmoid" else tf.nn.softmax(scores)
    centre = (xy * head.scale_xy - 0.5 * (head.scale_xy - 1) + cells) / np.array([columns, rows], np.float32)
    half = 0.5 * anchors * (4 * wh * wh if head.has_new_coordinates else tf.exp(wh))
    corners = [tf.reverse(centre - half, [2]), tf.reverse(centre + half, [2])]
    return tf.concat([*corners, objectness * scores], axis=2)
