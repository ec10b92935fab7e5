"""The table of engines: name -> its class, imported when used."""

from __future__ import annotations

from importlib import import_module

from deep_predictor.engines.base import Engine
from deep_predictor.errors import BackendNotReady

ENGINES: dict[str, str] = {"tensorflow": "deep_predictor.engines.tensorflow:TensorflowEngine"}


def get_engine_class(name: str) -> type[Engine]:
    """Raises BackendNotReady (code unknown_engine), listing the known ones."""
    if name not in ENGINES:
        raise BackendNotReady(f"engine {name!r} is unknown; known are: {', '.join(ENGINES)}", code="unknown_engine")
    module_name, class_name = ENGINES[name].split(":")
    engine_class: type[Engine] = getattr(import_module(module_name), class_name)
    return engine_class
