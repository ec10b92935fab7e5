"""The table: every name, its input, its options, and what is refused."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.engines.keras_config_rules import config_findings
from deep_predictor.errors import ArchitectureUnusable
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.architectures.applications import FUNCTIONS
from deep_predictor.training.architectures.options import ArchitectureOptions
from deep_predictor.training.architectures.table import ALIASES, ARCHITECTURES, build_architecture
from test.training.architectures.networks import OWN, build, noise


@pytest.mark.parametrize(("name", "shape"), OWN.items())
def test_own_architecture_at_its_smallest_gives_a_number_for_each_class(name: str, shape: Any) -> None:
    network = build(name, shape, 7)
    outputs = np.asarray(network(noise(shape), training=False))

    assert outputs.shape == (2, 7)
    assert outputs.dtype == np.float32
    assert outputs.min() >= 0
    assert outputs.max() <= 1
    if ARCHITECTURES[name].loss == "cross_entropy":
        assert outputs.sum(axis=1) == pytest.approx(np.ones(2))
    assert network.layers[-1].name == "predictions"


@pytest.mark.parametrize("name", OWN)
def test_own_architecture_holds_no_code_that_the_server_would_refuse(name: str) -> None:
    import json

    assert config_findings(json.loads(build(name, OWN[name]).to_json())) == []


@pytest.mark.parametrize("name", ["convnet_small", "stn_lenet5", "capsnet"])
def test_own_architecture_of_mixed_precision_answers_in_32_bits(name: str) -> None:
    import keras

    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        network = build(name, OWN[name])
    finally:
        keras.mixed_precision.set_global_policy("float32")

    outputs = np.asarray(network(noise(OWN[name]), training=False))

    assert network.layers[1].compute_dtype == "float16"
    assert outputs.dtype == np.float32
    assert np.isfinite(outputs).all()


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if ARCHITECTURES[name].smallest_side > 1])
def test_build_architecture_of_too_small_pictures_is_refused_with_the_size(name: str) -> None:
    side = ARCHITECTURES[name].smallest_side

    with pytest.raises(ArchitectureUnusable, match=rf"at least {side} x {side} pixels \(got {side - 1} x {side}\)"):
        build_architecture(name, (side, side - 1, 3), 3)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_input_spec_of_each_architecture_makes_sense(name: str) -> None:
    architecture = ARCHITECTURES[name]

    spec = InputSpec(**architecture.input_spec)

    assert min(spec.width, spec.height) >= architecture.smallest_side
    assert architecture.summary.endswith(".")


def test_table_has_every_classifier_of_keras_applications() -> None:
    import keras

    public = {name for name, value in vars(keras.applications).items() if callable(value) and name[0].isupper()}

    assert set(FUNCTIONS.values()) == public


@pytest.mark.parametrize("name", FUNCTIONS)
def test_preprocessing_of_an_application_is_what_its_own_function_does(name: str) -> None:
    import keras

    module = import_module(getattr(keras.applications, FUNCTIONS[name]).__module__)
    picture = np.random.default_rng(5).integers(0, 256, (8, 8, 3), np.uint8)
    spec = InputSpec(**{**ARCHITECTURES[name].input_spec, "width": 8, "height": 8})

    wanted = module.preprocess_input(picture.astype(np.float32)[None].copy())[0]

    assert spec.apply(picture) == pytest.approx(np.asarray(wanted), abs=2e-3 if spec.color_mode == "bgr" else 1e-5)


@pytest.mark.parametrize("letter", "abcdefghijklmn")
def test_aliases_of_older_tools_name_a_convnet(letter: str) -> None:
    assert ALIASES[f"convnet{letter}"] in ("convnet_small", "convnet_medium", "convnet_large")
    assert ARCHITECTURES[f"convnet{letter}"] is ARCHITECTURES[ALIASES[f"convnet{letter}"]]


def test_build_architecture_of_an_alias_gives_what_it_stands_for() -> None:
    assert build("stn-lenet5", (16, 16, 1)).name == "stn_lenet5"


def test_convnet_small_is_the_network_that_the_demo_was_measured_with() -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((12, 10, 1))
    for filters in (16, 32, 64):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D(padding="same")(x)
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    wanted = keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
    keras.utils.set_random_seed(1)
    given = build("convnet_small", (12, 10, 1), 5)

    assert [type(layer) for layer in given.layers] == [type(layer) for layer in wanted.layers]
    for one, other in zip(given.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lenet6", {}, "it is unknown; known are: alexnet, capsnet"),
        ("lenet5", {"alpha": 0.5}, r"takes no architecture_options\.alpha; it takes: dropout, weights_file"),
        ("resnet50", {"alpha": 0.5}, r"takes no architecture_options\.alpha"),
        ("capsnet", {"dropout": 0.5}, r"takes no architecture_options\.dropout"),
        ("mobilenet", {"python_file": "a.py"}, r"takes no architecture_options\.python_file"),
        ("custom", {}, r"needs architecture_options\.layers or python_file, one of them"),
        ("custom", {"layers": [{}], "python_file": "a.py"}, "one of them"),
        ("pretrained", {}, r"needs architecture_options\.weights_file"),
    ],
)
def test_build_architecture_with_wrong_options_names_them(name: str, options: Any, message: str) -> None:
    with pytest.raises(ArchitectureUnusable, match=message):
        build(name, (64, 64, 3), **options)


@pytest.mark.parametrize(
    ("shape", "classes", "message"),
    [((32, 32, 2), 3, r"1 or 3 channels \(got 2\)"), ((32, 32, 3), 1, r"at least two classes are needed \(got 1\)")],
)
def test_build_architecture_for_impossible_data_is_refused(shape: Any, classes: int, message: str) -> None:
    with pytest.raises(ArchitectureUnusable, match=message):
        build("lenet5", shape, classes)


def test_capsnet_of_large_pictures_is_refused_with_the_number_of_weights() -> None:
    with pytest.raises(ArchitectureUnusable, match=r"200 x 200 and 10 classes would need \d+ million"):
        build("capsnet", (200, 200, 1), 10)


def test_dropout_and_width_are_what_the_options_say() -> None:
    network = build("mobilenet", (32, 32, 3), alpha=0.25, dropout=0.6)

    assert network.get_layer("head_dropout").rate == 0.6
    assert network.get_layer("conv1").filters == 8


def test_options_of_unknown_key_are_refused() -> None:
    with pytest.raises(ValueError, match="weight_file"):
        ArchitectureOptions.model_validate({"weight_file": "a"})


def test_docs_have_a_line_for_each_architecture(project_root: Path) -> None:
    text = (project_root / "docs/training/architectures.md").read_text(encoding="utf-8")

    for name in {*ARCHITECTURES} - {*ALIASES}:
        assert f"\n| `{name}` |" in text, name
    for name in ALIASES:
        assert f"`{name}`" in text, name
