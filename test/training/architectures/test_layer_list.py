"""Networks from a list of layers: what is built, and what is refused by index and key."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from deep_predictor.errors import ArchitectureUnusable
from deep_predictor.training.architectures.layer_list import ALLOWED_LAYERS
from test.training.architectures.networks import build, noise

SHAPE = (12, 10, 3)


def layer(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": config}


CONVOLUTION = layer("Conv2D", filters=4, kernel_size=3, activation="relu")


@pytest.mark.parametrize(
    "layers",
    [
        [CONVOLUTION],
        [CONVOLUTION, {"class_name": "Flatten"}, layer("Dense", units=6, activation="relu")],
        [CONVOLUTION, layer("GlobalMaxPooling2D"), layer("Dense", units=99, activation="softmax")],
        [layer("Rescaling", scale=2), layer("SeparableConv2D", filters=5, kernel_size=[3, 3]), layer("PReLU")],
    ],
)
def test_layer_list_always_ends_in_the_labels(layers: list[Any]) -> None:
    network = build("custom", SHAPE, 7, layers=layers)

    outputs = np.asarray(network(noise(SHAPE), training=False))
    assert outputs.shape == (2, 7)
    assert outputs.sum(axis=1) == pytest.approx(np.ones(2))


def test_layer_list_as_keras_writes_it_is_understood() -> None:
    import keras
    from keras import layers

    written = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, kernel_initializer="he_normal", kernel_regularizer=keras.regularizers.L2(0.1)),
            layers.BatchNormalization(),
            layers.Activation("gelu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    entries = json.loads(written.to_json())["config"]["layers"]

    network = build("custom", SHAPE, 5, layers=entries)

    assert network.layers[1].kernel_regularizer.l2 == pytest.approx(0.1)
    assert network.output_shape == (None, 5)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            layer("Conv2D", filtres=4, kernel_size=3),
            r"layers\[1\]\.config\.filtres: unknown key; did you mean 'filters'",
        ),
        ({"class_name": "Flatten", "confg": {}}, r"layers\[1\]\.confg: unknown key; did you mean 'config'"),
        ({"config": {}}, r"layers\[1\]\.class_name: must be the name of a Keras layer \(got None\)"),
        ({"class_name": "Flatten", "config": []}, r"layers\[1\]\.config: must be a JSON object"),
        (layer("Lambda", function="x"), r"layers\[1\]\.class_name: 'Lambda' is not allowed"),
        (layer("TFSMLayer", filepath="/x"), r"layers\[1\]\.class_name: 'TFSMLayer' is not allowed"),
        (layer("Conv2d"), r"layers\[1\]\.class_name: 'Conv2d' is not allowed; did you mean"),
        (layer("Conv2D", filters=4), r"layers\[1\]\.config\.kernel_size: is missing"),
        (layer("Conv2D", filters=-4, kernel_size=3), r"layers\[1\] \(Conv2D\): .*filters"),
        (layer("Conv2D", filters="many", kernel_size=3), r"layers\[1\] \(Conv2D\): "),
        (
            layer("Conv2D", filters=4, kernel_size=30),
            r"layers\[1\] \(Conv2D\): cannot be put on an input of \(10, 8, 4\)",
        ),
        (layer("Dense", units=10**9), r"layers\[1\]\.config\.units: must be at most 65536 \(got 1000000000\)"),
        (
            layer("Conv2D", filters=65536, kernel_size=99),
            r"layers\[1\] \(Conv2D\): would have about 2569 million weights",
        ),
        (layer("Activation", activation="no_such"), r"layers\[1\] \(Activation\): .*no_such"),
        (
            layer("Dense", units=3, kernel_initializer={"class_name": "Evil", "module": "os", "config": {}}),
            r"layers\[1\]: Evil, which is not one of Keras' own classes",
        ),
        (layer("GaussianNoise", stddev=float("inf")), r"layers\[1\]\.config\.stddev: must be a finite number"),
    ],
)
def test_wrong_layer_is_refused_by_index_and_key(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ArchitectureUnusable, match=message):
        build("custom", SHAPE, 3, layers=[CONVOLUTION, entry])


@pytest.mark.parametrize("name", ["twice", "predictions"])
def test_name_that_is_taken_is_refused_by_index(name: str) -> None:
    twice = [layer("ReLU", name="twice"), CONVOLUTION, layer("ReLU", name=name)]

    with pytest.raises(ArchitectureUnusable, match=rf"layers\[2\]\.config\.name: '{name}' is taken"):
        build("custom", SHAPE, 3, layers=twice)


def test_layers_with_and_without_names_stand_together() -> None:
    written = [layer("Dropout", rate=0.1, name="dropout"), layer("Dropout", rate=0.1), CONVOLUTION]

    assert build("custom", SHAPE, 3, layers=written).output_shape == (None, 3)


def test_layer_list_without_end_is_refused() -> None:
    with pytest.raises(ArchitectureUnusable, match="there are 501, up to 500 are built"):
        build("custom", SHAPE, 3, layers=[layer("ReLU")] * 501)


def test_layer_list_whose_outputs_are_no_probabilities_is_refused() -> None:
    head = layer("Dense", units=3, activation="softmax", kernel_initializer=layer("Constant", value=float(65536)))
    network = [layer("Rescaling", scale=1e38), layer("Rescaling", scale=1e38), layer("GlobalMaxPooling2D"), head]
    with pytest.raises(ArchitectureUnusable, match="its outputs are no probabilities"):
        build("custom", SHAPE, 3, layers=network)


def test_allowed_layers_exist_and_are_layers() -> None:
    import keras

    for name in ALLOWED_LAYERS:
        assert issubclass(getattr(keras.layers, name), keras.Layer)
