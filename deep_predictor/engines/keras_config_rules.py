"""Which parts of a stored Keras config are plain layers, and which would run code or reach for files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Modules whose classes and functions compute and nothing else. Everything else of Keras, and all else, is refused.
SAFE_MODULES = (
    "keras",
    "keras.activations",
    "keras.constraints",
    "keras.dtype_policies",
    "keras.initializers",
    "keras.layers",
    "keras.losses",
    "keras.metrics",
    "keras.models",
    "keras.ops",
    "keras.optimizers",
    "keras.optimizers.schedules",
    "keras.random",
    "keras.regularizers",
)
_SAFE_SOURCES = tuple(f"keras.src.{module.removeprefix('keras.')}" for module in SAFE_MODULES if module != "keras")

#: Layers that hold or load code, or read what their config names.
UNSAFE_CLASSES = {
    "Lambda": "runs stored Python code",
    "TFSMLayer": "loads another SavedModel",
    "TorchModuleWrapper": "unpickles a Torch module",
    "JaxLayer": "runs stored code",
    "FlaxLayer": "runs stored code",
    "__lambda__": "is stored Python code",
    "FeatureSpace": "builds itself from stored functions",
}
#: Keras 2 wraps any function of `tf.…` into a layer; these prefixes only compute.
SAFE_TF_FUNCTIONS = ("math.", "nn.", "__operators__.", "image.resize", "linalg.")
SAFE_TF_NAMES = {
    "cast", "clip_by_value", "compat.v1.transpose", "concat", "convert_to_tensor", "exp", "expand_dims", "gather",
    "identity", "maximum", "minimum", "multiply", "ones_like", "pad", "reshape", "shape", "slice", "split", "sqrt",
    "square", "squeeze", "stack", "strided_slice", "subtract", "tile", "transpose", "where", "zeros_like",
}  # fmt: skip
#: Lookup layers take a vocabulary as a list, or as the path of a file.
LOOKUP_CLASSES = {"StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup"}
MAX_DEPTH = 200


def config_findings(config: Any) -> list[str]:
    """Everything in a model config that is refused, each once, in the order of the file."""
    return list(dict.fromkeys(_walk(config, 0)))


def _walk(value: Any, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        yield f"a config nested over {MAX_DEPTH} deep"
        return
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, depth + 1)
    elif isinstance(value, dict):
        yield from _object_findings(value)
        for item in value.values():
            yield from _walk(item, depth + 1)


def _object_findings(value: dict[str, Any]) -> Iterator[str]:
    class_name = value.get("class_name")
    if class_name is not None:
        yield from _class_findings(value, class_name)
    if "function_type" in value and value["function_type"] != "function":
        yield f"a stored function ({value['function_type']})"
    module = value.get("module")
    if module is not None and not _is_safe_module(module, class_name):
        yield f"{class_name or 'an object'} of the module {module!r}"


def _class_findings(value: dict[str, Any], class_name: Any) -> Iterator[str]:
    if not isinstance(class_name, str):
        yield f"a class name that is no text: {class_name!r}"
        return
    config = value.get("config")
    shown = config.get("name", "") if isinstance(config, dict) else ""
    layer = f"{class_name} {shown!r}" if shown else class_name
    bare_name = class_name.rsplit(">", 1)[-1]
    if bare_name in UNSAFE_CLASSES:
        yield f"the layer {layer}, which {UNSAFE_CLASSES[bare_name]}"
    elif ">" in class_name or _is_custom(value.get("registered_name")):
        yield f"the custom class {layer}"
    if class_name == "TFOpLambda" and not _is_safe_tf_function(config):
        function = config.get("function") if isinstance(config, dict) else None
        yield f"the layer {layer}, which calls tf.{function}"
    if bare_name in LOOKUP_CLASSES and isinstance(config, dict) and isinstance(config.get("vocabulary"), str):
        yield f"the layer {layer}, which reads the file {config['vocabulary']!r}"


def _is_safe_module(module: Any, class_name: Any) -> bool:
    if not isinstance(module, str):
        return False
    if module == "builtins":  # how Keras writes functions of its own, by name: relu, softmax, slice objects…
        return class_name in ("function", "slice", "tuple", "dict", "list")
    return module in SAFE_MODULES or any(
        module == source or module.startswith(source + ".") for source in _SAFE_SOURCES
    )


def _is_custom(registered_name: Any) -> bool:
    return isinstance(registered_name, str) and ">" in registered_name and not registered_name.startswith("keras>")


def _is_safe_tf_function(config: Any) -> bool:
    function = config.get("function") if isinstance(config, dict) else None
    return isinstance(function, str) and (function in SAFE_TF_NAMES or function.startswith(SAFE_TF_FUNCTIONS))
