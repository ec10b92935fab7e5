"""Heat maps against values by hand, and against the formula written out in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.engines.grad_cam import GradCam
from deep_predictor.errors import NotExplainable, UnsafeModel
from test.model_factory import lambda_h5

#: Channel weights of the classes: the first is bright, the second dark, the third nothing.
HEAD = np.array([[64.0, -64.0, 0.0]], np.float32)


def corner_picture() -> np.ndarray:
    """8 x 8, one channel: only the upper left 2 x 2 is lit."""
    picture = np.zeros((8, 8, 1), np.float32)
    picture[:2, :2] = 3.0
    return picture


def saved(path: Path, model: Any) -> GradCam:
    model.save(path)
    return GradCam(path)


def bright_features(inputs: Any) -> Any:
    """A convolution that passes the picture on."""
    import keras

    return keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones")(inputs)


def with_dense(inputs: Any, activation: str | None) -> Any:
    import keras

    pooled = keras.layers.GlobalAveragePooling2D()(bright_features(inputs))
    head = keras.initializers.Constant(HEAD.tolist())
    return keras.layers.Dense(3, activation=activation, use_bias=False, kernel_initializer=head)(pooled)


def dense_softmax(inputs: Any) -> Any:
    return with_dense(inputs, "softmax")


def dense_sigmoid(inputs: Any) -> Any:
    return with_dense(inputs, "sigmoid")


def logits(inputs: Any) -> Any:
    return with_dense(inputs, None)


def softmax_layer(inputs: Any) -> Any:
    import keras

    return keras.layers.Softmax()(with_dense(inputs, None))


def activation_layer(inputs: Any) -> Any:
    import keras

    return keras.layers.Activation("softmax")(with_dense(inputs, None))


def convolution_head(inputs: Any) -> Any:
    """As MobileNet ends: the scores are a 1 x 1 picture, which says nothing of places."""
    import keras

    pooled = keras.layers.GlobalAveragePooling2D(keepdims=True)(bright_features(inputs))
    head = keras.initializers.Constant(HEAD.reshape(1, 1, 1, 3).tolist())
    scores = keras.layers.Conv2D(3, 1, use_bias=False, kernel_initializer=head, activation="softmax")(pooled)
    return keras.layers.Reshape((3,))(scores)


def model_in_model(inputs: Any) -> Any:
    import keras

    inner_inputs = keras.Input((8, 8, 1))
    return keras.Sequential([keras.Model(inner_inputs, dense_softmax(inner_inputs))])(inputs)


HEADS = (dense_softmax, dense_sigmoid, logits, softmax_layer, activation_layer, convolution_head, model_in_model)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("batch_size", [None, 2])
def test_heat_map_of_a_lit_corner_is_hot_there_for_the_bright_class_only(
    tmp_path: Path, ending: str, batch_size: int | None
) -> None:
    import keras

    inputs = keras.Input((8, 8, 1), batch_size=batch_size)
    explainer = saved(tmp_path / f"corner{ending}", keras.Model(inputs, dense_softmax(inputs)))
    wanted = np.zeros((8, 8), np.float32)
    wanted[:2, :2] = 3.0  # the weight is 64 / (8 * 8), so the map is the picture itself
    np.testing.assert_allclose(explainer.heat_map(corner_picture(), 0), wanted, atol=1e-6)
    assert not explainer.heat_map(corner_picture(), 1).any()
    assert not explainer.heat_map(corner_picture(), 2).any()


@pytest.mark.parametrize("head", HEADS)
def test_heat_map_is_of_the_score_before_its_activation_however_the_network_ends(
    tmp_path: Path, head: Callable[[Any], Any]
) -> None:
    import keras

    inputs = keras.Input((8, 8, 1))
    explainer = saved(tmp_path / "model.keras", keras.Model(inputs, head(inputs)))
    np.testing.assert_allclose(explainer.heat_map(corner_picture(), 0), corner_picture()[:, :, 0], atol=1e-6)
    np.testing.assert_allclose(explainer.heat_map(corner_picture(), 0).max(), 3.0, atol=1e-6)


def test_heat_map_of_a_random_network_agrees_with_the_formula_in_numpy(tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(5)
    layers = [
        keras.Input((7, 6, 3)),
        keras.layers.Conv2D(4, 3, activation="relu", bias_initializer="random_normal"),
        keras.layers.Flatten(),
        keras.layers.Dense(9, activation="relu"),
        keras.layers.Dense(3, activation="softmax"),
    ]
    explainer = saved(tmp_path / "random.keras", model := keras.Sequential(layers))
    picture = np.random.default_rng(5).normal(size=(7, 6, 3)).astype(np.float32)
    for class_index in range(3):
        wanted = slow_heat_map(picture, model.get_weights(), class_index)
        np.testing.assert_allclose(explainer.heat_map(picture, class_index), wanted, rtol=1e-4, atol=1e-5)
        assert wanted.any()


def slow_heat_map(picture: np.ndarray, weights: list[np.ndarray], class_index: int) -> np.ndarray:
    """Forward, then backward to the feature maps, place by place."""
    kernel, bias, first, first_bias, last, _ = (weight.astype(np.float64) for weight in weights)
    maps = np.zeros((5, 4, 4))
    for row in range(5):
        for column in range(4):
            part = picture[row : row + 3, column : column + 3]
            maps[row, column] = np.maximum(np.tensordot(part, kernel, 3) + bias, 0)
    hidden = maps.reshape(-1) @ first + first_bias
    gradient = (first @ (last[:, class_index] * (hidden > 0))).reshape(maps.shape)
    heat = np.zeros((5, 4))
    for channel in range(4):
        heat += gradient[:, :, channel].mean() * maps[:, :, channel]
    return np.maximum(heat, 0)


def test_heat_map_of_a_network_without_feature_maps_is_not_explainable(tmp_path: Path) -> None:
    import keras

    layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    explainer = saved(tmp_path / "flat.keras", keras.Sequential(layers))
    with pytest.raises(NotExplainable, match="feature maps"):
        explainer.heat_map(corner_picture(), 0)


def test_heat_map_of_gradients_that_are_not_finite_is_not_explainable(tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((8, 8, 1))
    explainer = saved(tmp_path / "model.keras", keras.Model(inputs, dense_softmax(inputs)))
    with pytest.raises(NotExplainable, match="finite"):
        explainer.heat_map(np.full((8, 8, 1), np.inf, np.float32), 0)


def test_grad_cam_of_a_saved_model_is_not_explainable(tmp_path: Path) -> None:
    import tensorflow as tf

    class Doubler(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 1), tf.float32)])
        def __call__(self, batch: Any) -> Any:
            return batch * 2

    tf.saved_model.save(Doubler(), str(tmp_path / "saved"))
    with pytest.raises(NotExplainable, match="SavedModel"):
        GradCam(tmp_path / "saved")


def test_grad_cam_of_a_file_that_holds_code_loads_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnsafeModel):
        GradCam(lambda_h5(tmp_path / "lambda.h5"))
