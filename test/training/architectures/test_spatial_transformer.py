"""The sampler against a slow, obvious version."""

from __future__ import annotations

import math

import numpy as np
import pytest

from deep_predictor.training.architectures.spatial_transformer import sampled, transformed


def slow(image: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(h, w, c) read under six numbers, pixel by pixel."""
    height, width, _ = image.shape
    result = np.zeros_like(image)
    a, b, c, d, e, f = numbers
    for row in range(height):
        for column in range(width):
            x, y = 2 * column / (width - 1) - 1, 2 * row / (height - 1) - 1
            from_x = min(max((a * x + b * y + c + 1) / 2 * (width - 1), 0), width - 1)
            from_y = min(max((d * x + e * y + f + 1) / 2 * (height - 1), 0), height - 1)
            left, top = math.floor(from_x), math.floor(from_y)
            right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
            above = image[top, left] * (1 - from_x + left) + image[top, right] * (from_x - left)
            below = image[bottom, left] * (1 - from_x + left) + image[bottom, right] * (from_x - left)
            result[row, column] = above * (1 - from_y + top) + below * (from_y - top)
    return result


def test_sampled_reads_as_the_slow_version_does() -> None:
    import keras

    random = np.random.default_rng(2)
    images = random.random((6, 5, 7, 3), np.float32)
    maps = (np.array([1, 0, 0, 0, 1, 0]) + random.normal(0, 0.5, (6, 6))).astype(np.float32)
    pictures, numbers = keras.Input((5, 7, 3)), keras.Input((6,))
    network = keras.Model([pictures, numbers], sampled(pictures, numbers))

    given = np.asarray(network([images, maps]))

    assert given == pytest.approx(
        np.stack([slow(image, map_) for image, map_ in zip(images, maps, strict=True)]), abs=1e-5
    )


def test_transformed_at_first_changes_nothing() -> None:
    import keras

    pictures = keras.Input((9, 6, 2))
    images = np.random.default_rng(2).random((3, 9, 6, 2), np.float32)

    assert np.asarray(keras.Model(pictures, transformed(pictures))(images)) == pytest.approx(images, abs=1e-5)


def test_transformed_learns_its_map() -> None:
    import keras
    import tensorflow as tf

    pictures = keras.Input((9, 8, 1))
    network = keras.Model(pictures, transformed(pictures))
    with tf.GradientTape() as tape:
        output = network(np.random.default_rng(2).random((3, 9, 8, 1), np.float32))
        loss = tf.reduce_sum(output**2)

    gradient = tape.gradient(loss, network.trainable_variables[-1].value)

    assert float(tf.reduce_min(tf.abs(gradient))) > 1e-4
