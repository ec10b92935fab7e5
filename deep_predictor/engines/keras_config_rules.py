"""Which parts of a stored Keras config are plain layers, and which would run code or reach for files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from deep_predictor.engines.keras_classes import KNOWN_CLASSES, REFUSED_CLASSES, TF_FUNCTIONS

#: Where the listed classes live: Keras 3 by its public and its own names, Keras 2 by its own.
_CLASS_MODULES = re.compile(
    r"(tf_)?keras(\.src)?(\.engine)?(\.(activations|applications|constraints|dtype_policies|initializers|layers|mixed_precision|models"
    r"|quantizers|random|regularizers|functional|sequential|training|input_layer|base_layer)(\.\w+)*)?|builtins"
)
#: Here every class only computes, so no list of names is kept; `core` holds the operations that call functions.
_OPERATION_MODULES = re.compile(
    r"keras(\.src)?\.(ops(\.(?!core\b)\w+)?|losses(\.\w+)*|metrics(\.\w+)*|optimizers(\.\w+)*)"
)
_CORE_OPERATIONS = frozenset(
    {
        "Cast",
        "ConvertToTensor",
        "SaturateCast",
        "Scatter",
        "ScatterUpdate",
        "Slice",
        "SliceUpdate",
        "StopGradient",
        "Unstack",
    }
)
_CORE_MODULE = "keras.src.ops.core"
#: Functions stand in a config by name: relu, softmax, …
_FUNCTION_MODULES = re.compile(
    r"builtins|keras(\.src)?\.(activations|constraints|initializers|losses|metrics|ops|regularizers)(\.\w+)*"
)
_NAME = re.compile(r"[A-Za-z_]\w*")
#: Lookup layers take a vocabulary as a list, or as the path of a file.
_LOOKUP_CLASSES = frozenset({"StringLookup", "IntegerLookup", "TextVectorization"})
MAX_DEPTH = 200


def config_findings(config: Any) -> list[str]:
    """Everything in a model config that is refused, each once, in the order of the file.

    The outermost `compile_config` is not looked at: models are loaded without it.
    """
    if isinstance(config, dict):
        config = {key: value for key, value in config.items() if key != "compile_config"}
    return list(dict.fromkeys(_walk(config, 0)))


def _walk(value: Any, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        yield f"a config nested over {MAX_DEPTH} deep"
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, depth + 1)
    elif isinstance(value, dict):
        if value.get("class_name") is not None:
            yield from _class_findings(value)
        if value.get("function_type", "function") != "function":
            yield f"a stored function of the type {value['function_type']!r}"
        for item in value.values():
            yield from _walk(item, depth + 1)


def _class_findings(value: dict[str, Any]) -> Iterator[str]:
    class_name, config, module = value["class_name"], value.get("config"), value.get("module")
    shown = _shown(class_name, config)
    bare_name = str(class_name).rsplit(">", 1)[-1]
    if not isinstance(class_name, str) or not isinstance(module, str | None):
        yield f"a class whose name or module is no text: {shown}"
    elif bare_name in REFUSED_CLASSES:
        yield f"{shown}, which {REFUSED_CLASSES[bare_name]}"
    elif class_name == "function":
        if not _is_known_function(config, module):
            yield f"the function {module}.{config}, which is not one of Keras"
    elif not _is_known_class(class_name, module):
        yield f"{shown}, which is not one of Keras' own classes" + (f" (module {module})" if module else "")
    elif value.get("registered_name") not in (None, class_name, f"keras>{class_name}"):
        yield f"{shown}, which stands for the custom class {value['registered_name']!r}"
    else:
        yield from _argument_findings(class_name, config, shown)


def _argument_findings(class_name: str, config: Any, shown: str) -> Iterator[str]:
    if not isinstance(config, dict):
        return
    if class_name in ("TFOpLambda", "SlicingOpLambda") and config.get("function") not in TF_FUNCTIONS:
        yield f"{shown}, which calls tf.{config.get('function')}"
    if class_name in _LOOKUP_CLASSES and isinstance(config.get("vocabulary"), str):
        yield f"{shown}, which reads the file {config['vocabulary']!r}"


def _is_known_class(class_name: str, module: str | None) -> bool:
    if module is None or _CLASS_MODULES.fullmatch(module):
        return class_name in KNOWN_CLASSES
    if module == _CORE_MODULE:
        return class_name in _CORE_OPERATIONS
    return _OPERATION_MODULES.fullmatch(module) is not None and _NAME.fullmatch(class_name) is not None


def _is_known_function(name: Any, module: str | None) -> bool:
    return (
        isinstance(name, str)
        and _NAME.fullmatch(name) is not None
        and (module is None or _FUNCTION_MODULES.fullmatch(module) is not None)
    )


def _shown(class_name: Any, config: Any) -> str:
    name = config.get("name") if isinstance(config, dict) else None
    return f"{class_name} {name!r}" if isinstance(name, str) else str(class_name)
