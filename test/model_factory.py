"""Tiny models made for tests: good ones, and ones that must be refused. Each function writes one file or folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

#: A network of Keras 2 that Keras 3 refuses: `groups` in DepthwiseConv2D's config, and a Sequential inside another.
LEGACY_SCRIPT = """
import sys, tf_keras as keras
inner = keras.Sequential([keras.layers.Conv2D(4, 3, activation="relu", input_shape=(8, 8, 3))])
model = keras.Sequential([inner, keras.layers.DepthwiseConv2D(3), keras.layers.GlobalAveragePooling2D(),
                          keras.layers.Dense(3, activation="softmax")])
model.build((None, 8, 8, 3))
model.save(sys.argv[1])
"""


def write_names(path: Path, count: int) -> Path:
    path.write_text("\n".join(f"class {index}" for index in range(count)) + "\n", encoding="utf-8")
    return path


def brightness_classifier(path: Path) -> Path:
    """Takes 8 x 6 (height x width) RGB 0..255: class 0 is dark, 1 is bright, 2 never wins. `.keras` or `.h5`."""
    import keras

    inputs = keras.Input((8, 6, 3))
    mean = keras.layers.GlobalAveragePooling2D()(inputs)
    dense = keras.layers.Dense(3, activation="softmax", name="scores")
    model = keras.Model(inputs, dense(mean))
    dense.set_weights([np.array([[-0.02, 0.02, 0]] * 3, np.float32), np.array([7.65, -7.65, -9], np.float32)])
    model.save(path)
    return path


def small_convolution(path: Path, size: tuple[int, int] = (24, 20)) -> Path:
    """Takes pictures of (width, height), RGB 0..255, gives five classes; with layers that engines write anew."""
    import keras

    keras.utils.set_random_seed(7)
    width, height = size
    inputs = keras.Input((height, width, 3))
    hidden = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    hidden = keras.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(hidden)
    hidden = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(hidden))
    hidden = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu")(hidden)
    hidden = keras.layers.GlobalAveragePooling2D()(hidden)
    keras.Model(inputs, keras.layers.Dense(5, activation="softmax", kernel_initializer="orthogonal")(hidden)).save(path)
    return path


def lambda_h5(path: Path) -> Path:
    """An `.h5` whose Lambda layer would run Python code when it is loaded."""
    import keras

    inputs = keras.Input((8, 6, 3))
    hidden = keras.layers.Lambda(lambda x: x * 2)(inputs)
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(hidden))
    keras.Model(inputs, outputs).save(path)
    return path


def writing_saved_model(folder: Path, target: Path) -> Path:
    """A SavedModel whose signature writes `target` at each run."""
    import tensorflow as tf

    class Writer(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 8, 6, 3), tf.float32)])
        def __call__(self, batch: Any) -> Any:
            with tf.control_dependencies([tf.io.write_file(str(target), "was here")]):
                return tf.reduce_mean(batch, axis=[1, 2])

    module = Writer()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.__call__})
    return folder


def yolo_saved_model(folder: Path, size: int = 32) -> Path:
    """A detector in the layout of hunglc007/tensorflow-yolov4-tflite: three fixed boxes, two classes.

    The first class is found where the picture is red, the second where it is blue; a second, worse box of the first
    class overlaps its first one and is suppressed.
    """
    import tensorflow as tf

    boxes = tf.constant([[0.1, 0.2, 0.5, 0.6], [0.1, 0.21, 0.5, 0.6], [0.6, 0.5, 0.9, 1.0]], tf.float32)

    class Detector(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, size, size, 3), tf.float32, name="input_1")])
        def __call__(self, batch: Any) -> Any:
            mean = tf.reduce_mean(batch, axis=[1, 2])
            red, blue = mean[:, 0:1], mean[:, 2:3]
            none = tf.zeros_like(red)
            scores = tf.stack(
                [tf.concat([0.9 * red, none], 1), tf.concat([0.8 * red, none], 1), tf.concat([none, 0.7 * blue], 1)], 1
            )
            return tf.concat([tf.tile(boxes[tf.newaxis], [tf.shape(batch)[0], 1, 1]), scores], axis=2)

    module = Detector()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.__call__})
    return folder


def square_finder(folder: Path, size: int) -> Path:
    """As above, with one box: around what is bright, at the middle of the bright pixels and as large as they are."""
    import tensorflow as tf

    places = (np.arange(size, dtype=np.float32) + 0.5) / size

    def extent(bright: Any) -> tuple[Any, Any]:
        """(N, size) shares of bright pixels -> middle - half, middle + half: an even spread is 12 variances wide."""
        total = tf.reduce_sum(bright, axis=1, keepdims=True) + 1e-6
        middle = tf.reduce_sum(bright * places, axis=1, keepdims=True) / total
        spread = tf.reduce_sum(bright * tf.square(places - middle), axis=1, keepdims=True) / total
        half = tf.sqrt(3.0 * spread)
        return middle - half, middle + half

    class Finder(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, size, size, 3), tf.float32, name="input_1")])
        def __call__(self, batch: Any) -> Any:
            bright = tf.reduce_mean(batch, axis=3)
            y1, y2 = extent(tf.reduce_sum(bright, axis=2))
            x1, x2 = extent(tf.reduce_sum(bright, axis=1))
            score = tf.reduce_max(bright, axis=[1, 2])[:, tf.newaxis] * 0.9
            return tf.concat([y1, x1, y2, x2, score], axis=1)[:, tf.newaxis]

    module = Finder()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.__call__})
    return folder


def colour_segmenter(path: Path, size: tuple[int, int] = (32, 24)) -> Path:
    """Takes pictures of (width, height), RGB 0..255, gives logits of three classes: dark, red, blue."""
    import keras

    width, height = size
    inputs = keras.Input((height, width, 3))
    convolution = keras.layers.Conv2D(3, 1)
    model = keras.Model(inputs, convolution(inputs))
    weights = np.array([[0, 0.05, -0.05], [0, -0.1, -0.1], [0, -0.05, 0.05]], np.float32)
    convolution.set_weights([weights[np.newaxis, np.newaxis], np.array([5, 0, 0], np.float32)])
    model.save(path)
    return path


def legacy_h5(path: Path) -> Path:
    """An `.h5` as Keras 2 writes it, made in a process of its own; takes 8 x 8 RGB, gives three classes."""
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(
        [sys.executable, "-c", LEGACY_SCRIPT, str(path)], env=environment, check=True, capture_output=True, timeout=120
    )
    return path
