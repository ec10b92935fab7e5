"""The table of engines: name -> class, imported when it is used. One more engine is one more line here."""

from __future__ import annotations

from importlib import import_module

from deep_predictor.engines.base import Engine
from deep_predictor.engines.request import NetworkKind, NetworkRequest
from deep_predictor.errors import BackendNotReady

#: What reads Keras files and SavedModels, those of our training among them.
REFERENCE = "tensorflow"

ENGINES: dict[str, str] = {
    "tensorflow": "deep_predictor.engines.tensorflow:TensorflowEngine",
    "litert": "deep_predictor.engines.litert:LitertEngine",
    "openvino": "deep_predictor.engines.openvino:OpenvinoEngine",
    "onnxruntime": "deep_predictor.engines.onnxruntime:OnnxruntimeEngine",
    "torch": "deep_predictor.engines.torch:TorchEngine",
}

#: Kind of model file -> what runs it as it is; others run what was converted from it, and are measured against it.
REFERENCES: dict[NetworkKind, str] = {"tensorflow": REFERENCE, "onnx": "onnxruntime", "torch": "torch"}
#: Kind of model file -> what it can be converted for.
CANDIDATES: dict[NetworkKind, tuple[str, ...]] = {
    "tensorflow": ("litert", "openvino", "onnxruntime"),
    "onnx": ("openvino",),
}
#: Kinds whose files a child process looks into before this process opens them, also where the cfg names the reference.
LOOKED_INTO_BY_A_CHILD: frozenset[NetworkKind] = frozenset({"onnx"})


def get_engine_class(name: str) -> type[Engine]:
    """Raises BackendNotReady (code `engine_unknown`), which lists the known names."""
    location = ENGINES.get(name)
    if location is None:
        raise BackendNotReady(f"there is no engine {name!r}; known are: {', '.join(sorted(ENGINES))}", "engine_unknown")
    module_name, class_name = location.split(":")
    engine_class: type[Engine] = getattr(import_module(module_name), class_name)
    return engine_class


def reference_of(request: NetworkRequest) -> str:
    """The engine that reads this model's file."""
    return REFERENCES[request.kind]


def candidates_of(request: NetworkRequest) -> tuple[str, ...]:
    """The engines beside the reference that the cfg admits."""
    return tuple(name for name in CANDIDATES.get(request.kind, ()) if request.engine in ("auto", name))


def is_judged(request: NetworkRequest) -> bool:
    """Whether a child process looks at the model, and measures what may run it, before it is opened here."""
    return request.kind in LOOKED_INTO_BY_A_CHILD or bool(candidates_of(request))
