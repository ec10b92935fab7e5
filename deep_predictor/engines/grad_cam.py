"""Grad-CAM: where in a picture a Keras classifier sees a class. Used in the child process only, see `explain_child.py`.

R. R. Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, ICCV 2017,
equations 1 and 2: the feature maps A_k of the last convolution are added up, each weighted by the mean over its places
of dy_c / dA_k, and what is negative becomes 0. y_c is the class's score before softmax.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.errors import NotExplainable


@dataclass(frozen=True)
class _Call:
    """One layer's work in one run: its first argument, and what it gave."""

    layer: Any
    given: Any
    output: Any


class GradCam:
    """One loaded Keras model."""

    def __init__(self, path: Path) -> None:
        """Raises NotExplainable for what is no file of Keras 3, UnsafeModel, BackendNotReady."""
        facts = inspect_model(path)
        if facts.kind == "saved_model":
            raise NotExplainable("a SavedModel has no layers to look into; a .keras or .h5 file has")
        keras = _import_keras()
        try:
            self._model = keras.saving.load_model(path, compile=False, safe_mode=True)
        except (TypeError, ValueError, KeyError, AttributeError, NotImplementedError, IndexError) as error:
            if not facts.is_keras_2:
                raise
            raise NotExplainable("Keras 3 cannot read the layers of this older file") from error

    def heat_map(self, picture: np.ndarray, class_index: int) -> np.ndarray:
        """float32 (h, w, c), as the network gets it -> float32 (height, width) of its last feature maps, 0 and more.

        Raises NotExplainable where no layer gives feature maps that the class's score depends on.
        """
        import tensorflow as tf

        batch = tf.repeat(tf.constant(picture[np.newaxis]), self._model.inputs[0].shape[0] or 1, axis=0)
        with tf.GradientTape(persistent=True) as tape:
            with _noted_calls(tape) as calls:
                output = _only(self._model(batch, training=False))
            scores = tf.reshape(_before_activation(calls, output), (len(batch), -1))
            score = tf.cast(scores[0, class_index], tf.float32)
        for call in reversed(calls):
            gradient = tape.gradient(score, call.output) if _is_feature_map(call.output) else None
            if gradient is not None:
                return _weighted(call.output[0], gradient[0])
        raise NotExplainable("no layer of this model gives feature maps, as convolutions do")


def _import_keras() -> Any:
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras

    return keras


@contextmanager
def _noted_calls(tape: Any) -> Iterator[list[_Call]]:
    """Note what every layer of a model gives while the block runs, in order; not what layers do inside themselves.

    Models inside a model are gone through, whatever built them: so the layers' own method is watched, and no graph.
    """
    keras = _import_keras()
    original = keras.layers.Layer.__call__
    calls: list[_Call] = []
    inside: list[Any] = []

    def noted(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if inside or isinstance(layer, keras.Model):
            return original(layer, *args, **kwargs)
        inside.append(layer)
        try:
            output = original(layer, *args, **kwargs)
        finally:
            inside.pop()
        if _is_float_tensor(output):
            tape.watch(output)
        calls.append(_Call(layer, args[0] if args else None, output))
        return output

    keras.layers.Layer.__call__ = noted
    try:
        yield calls
    finally:
        keras.layers.Layer.__call__ = original


def _before_activation(calls: Sequence[_Call], output: Any) -> Any:
    """The scores before the last softmax or sigmoid, where that can be had; else the output itself."""
    keras = _import_keras()
    closing = (keras.activations.softmax, keras.activations.sigmoid)
    wanted = output
    for call in reversed(calls):
        if call.output is not wanted:
            continue
        if isinstance(call.layer, keras.layers.Reshape | keras.layers.Flatten | keras.layers.Dropout):
            wanted = call.given
        elif isinstance(call.layer, keras.layers.Softmax):
            return call.given
        elif getattr(call.layer, "activation", None) in closing:
            return _without_activation(call)
        else:
            break
    return output


def _without_activation(call: _Call) -> Any:
    """What the layer would have given without its activation."""
    activation = call.layer.activation
    call.layer.activation = _import_keras().activations.linear
    try:
        return call.layer(call.given)
    finally:
        call.layer.activation = activation


def _is_float_tensor(output: Any) -> bool:
    import tensorflow as tf

    return isinstance(output, tf.Tensor) and output.dtype.is_floating


def _is_feature_map(output: Any) -> bool:
    """(N, height, width, channels) with more than one place: what is averaged over its places says nothing of them."""
    return _is_float_tensor(output) and len(output.shape) == 4 and output.shape[1] * output.shape[2] > 1


def _weighted(feature_map: Any, gradient: Any) -> np.ndarray:
    """(h, w, k) and the score's gradient by it -> (h, w), 0 and more."""
    import tensorflow as tf

    weights = tf.cast(gradient, tf.float32).numpy().mean(axis=(0, 1))
    heat: np.ndarray = np.maximum(tf.cast(feature_map, tf.float32).numpy() @ weights, 0.0)
    if not np.isfinite(heat).all():
        raise NotExplainable("the gradients of this model are not finite numbers")
    return heat


def _only(output: Any) -> Any:
    """Models with one output may still give a list or a dictionary of it."""
    if isinstance(output, dict):
        output = list(output.values())
    return output[0] if isinstance(output, list | tuple) else output
