"""Which stored Keras configs are refused, and that none of Keras' own classes was forgotten."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deep_predictor.engines.keras_classes import BASE_CLASSES, KNOWN_CLASSES, REFUSED_CLASSES, TF_FUNCTIONS
from deep_predictor.engines.keras_config_rules import MAX_DEPTH, config_findings


def layer(class_name: str, module: str | None = "keras.layers", **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": class_name, "config": {"name": "it", **config}, "registered_name": None}


def model_of(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "module": "keras", "config": {"name": "model", "layers": list(layers)}}


@pytest.mark.parametrize(
    ("part", "finding"),
    [
        (layer("Lambda"), "Lambda 'it', which runs stored Python code"),
        ({"class_name": "Lambda", "config": {"function": ["4wEAAA==", None, None]}}, "runs stored Python code"),
        (layer("Dense", activation={"class_name": "__lambda__", "config": {"value": "x"}}), "is stored Python code"),
        (layer("TimeDistributed", layer=layer("Lambda")), "Lambda 'it'"),
        (layer("Bidirectional", layer=layer("RNN", cell=layer("Evil", None))), "Evil 'it', which is not one of Keras'"),
        (model_of(model_of(layer("TFSMLayer", filepath="/x"))), "TFSMLayer 'it', which loads another SavedModel"),
        (layer("TorchModuleWrapper"), "unpickles a Torch module"),
        (layer("JaxLayer"), "runs stored code"),
        (layer("Custom>Lambda"), "Lambda"),
        (layer("Custom>Dense"), "Custom>Dense 'it', which is not one of Keras' own classes"),
        (layer("MyLayer", "my_package.layers"), "(module my_package.layers)"),
        (layer("Dense", "keras.layers", kernel_initializer=layer("system", "os")), "system 'it'"),
        (layer("Dense", "keras_hub.layers"), "(module keras_hub.layers)"),
        (layer("get_file", "keras.utils"), "get_file"),
        (layer("load_model", "keras.models"), "load_model"),
        (layer("load_model", "keras.saving"), "load_model"),
        (layer("Map", "keras.src.ops.core"), "Map"),
        (layer("Dense", "keras.layersevil"), "keras.layersevil"),
        ({**layer("Dense"), "registered_name": "Custom>Dense"}, "the custom class 'Custom>Dense'"),
        ({"class_name": "function", "config": "system", "module": "os"}, "the function os.system"),
        ({"class_name": "function", "config": "get_file", "module": "keras.utils"}, "keras.utils.get_file"),
        ({"class_name": "function", "config": "a.b", "module": "builtins"}, "builtins.a.b"),
        ({"class_name": "function", "config": ["code"], "module": "builtins"}, "the function"),
        ({"class_name": "__typespec__", "config": []}, "__typespec__"),
        ({"class_name": ["Dense"], "config": {}}, "no text"),
        ({"class_name": "Dense", "module": 3, "config": {}}, "no text"),
        (layer("Dense", function_type="lambda"), "a stored function of the type 'lambda'"),
        (layer("TFOpLambda", None, function="io.write_file"), "which calls tf.io.write_file"),
        (layer("TFOpLambda", None, function="py_function"), "which calls tf.py_function"),
        (layer("TFOpLambda", None), "which calls tf.None"),
        (layer("SlicingOpLambda", None, function="io.read_file"), "which calls tf.io.read_file"),
        (layer("TensorFlowOpLayer", None, node_def="x"), "holds a raw TensorFlow op"),
        (layer("ClassMethod", None), "calls a method"),
        (layer("StringLookup", vocabulary="/etc/passwd"), "reads the file '/etc/passwd'"),
    ],
)
def test_config_with_code_or_files_is_refused_by_name(part: dict[str, Any], finding: str) -> None:
    assert finding in "; ".join(config_findings(model_of(layer("Dense"), part)))


@pytest.mark.parametrize(
    "part",
    [
        layer("Dense", dtype=layer("DTypePolicy", "keras")),
        layer("Conv2D", kernel_initializer=layer("GlorotUniform", "keras.initializers"), kernel_constraint=None),
        layer("Activation", activation={"class_name": "function", "config": "gelu", "module": "keras.activations"}),
        layer("Activation", activation={"class_name": "function", "config": "relu", "module": "builtins"}),
        layer("Multiply", "keras.src.ops.numpy"),
        layer("Cast", "keras.src.ops.core"),
        layer("TFOpLambda", None, function="math.multiply"),
        layer("SlicingOpLambda", None, function="__operators__.getitem"),
        layer("StringLookup", vocabulary=["a", "b"]),
        {"class_name": "Dense", "config": {"units": 3}},
        {**layer("Functional", "keras.src.models.functional"), "registered_name": "Functional"},
        {**layer("Dense"), "compile_config": {"optimizer": layer("Adam", "keras.optimizers")}},
    ],
)
def test_config_of_keras_own_parts_is_fine(part: dict[str, Any]) -> None:
    assert config_findings(model_of(part)) == []


def test_config_of_training_is_not_looked_at_because_it_is_not_loaded() -> None:
    assert config_findings({**model_of(layer("Dense")), "compile_config": {"loss": layer("MyLoss", "mine")}}) == []


def test_config_nested_without_end_is_refused() -> None:
    config: Any = layer("Dense")
    for _ in range(MAX_DEPTH + 5):
        config = [config]
    assert config_findings(config) == [f"a config nested over {MAX_DEPTH} deep"]


@pytest.mark.parametrize(
    "module", ["layers", "models", "initializers", "regularizers", "constraints", "dtype_policies", "quantizers"]
)
def test_lists_of_classes_cover_the_installed_keras(module: str) -> None:
    import keras

    public = {name for name, value in vars(getattr(keras, module)).items() if isinstance(value, type)}
    assert public - KNOWN_CLASSES - BASE_CLASSES - set(REFUSED_CLASSES) - {"Identity"} == set()
    assert not KNOWN_CLASSES & set(REFUSED_CLASSES)


def test_list_of_tf_functions_holds_only_what_tensorflow_computes() -> None:
    assert not [
        name for name in TF_FUNCTIONS if any(word in name for word in ("io.", "py_", "file", "print", "raw_ops"))
    ]


def test_config_of_a_network_with_operators_and_compiled_parts_is_fine() -> None:
    import keras
    from keras import layers, ops

    inputs = keras.Input((8, 8, 3))
    hidden = layers.Conv2D(4, 3, kernel_regularizer="l2", kernel_constraint="max_norm", activation="gelu")(inputs)
    hidden = ops.reshape(hidden * 2 + ops.relu(hidden), (-1, 6, 6, 4))[:, 1:]
    hidden = layers.TimeDistributed(layers.Dense(3, dtype="mixed_float16"))(hidden)
    inner = keras.Sequential([layers.Flatten(), layers.Dense(2, activation=keras.activations.silu)])
    outputs = inner(ops.concatenate([hidden, ops.cast(hidden, "float16")]))
    inner.compile(keras.optimizers.Adam(1e-3), keras.losses.MeanSquaredError(), metrics=["accuracy"])
    assert config_findings(json.loads(keras.Model(inputs, outputs).to_json())) == []
