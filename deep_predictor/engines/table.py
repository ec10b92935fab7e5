"""The table of engines: name -> class, imported when it is used. One more engine is one more line here."""

from __future__ import annotations

from importlib import import_module

from deep_predictor.engines.base import Engine
from deep_predictor.errors import BackendNotReady

#: Runs every model as it is; the others run what was converted from it, and are measured against it.
REFERENCE = "tensorflow"

ENGINES: dict[str, str] = {
    "tensorflow": "deep_predictor.engines.tensorflow:TensorflowEngine",
    "litert": "deep_predictor.engines.litert:LitertEngine",
    "openvino": "deep_predictor.engines.openvino:OpenvinoEngine",
    "onnxruntime": "deep_predictor.engines.onnxruntime:OnnxruntimeEngine",
}


def get_engine_class(name: str) -> type[Engine]:
    """Raises BackendNotReady (code `engine_unknown`), which lists the known names."""
    location = ENGINES.get(name)
    if location is None:
        raise BackendNotReady(f"there is no engine {name!r}; known are: {', '.join(sorted(ENGINES))}", "engine_unknown")
    module_name, class_name = location.split(":")
    engine_class: type[Engine] = getattr(import_module(module_name), class_name)
    return engine_class
