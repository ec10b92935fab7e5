"""The table of backends: name in a cfg -> class, imported when it is used. One more backend is one more line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from deep_predictor.backends.base import Backend
from deep_predictor.config.predictor_config import PredictorConfig, parse_sections
from deep_predictor.errors import ConfigError, ConfigProblem, UnknownBackend, UnsupportedTensorflowVersion

#: Where one name serves several tasks, the cfg's `model_options.task` says which.
BACKENDS: dict[str, str | Mapping[str, str]] = {
    "keras": "deep_predictor.backends.classification:ClassificationBackend",
    "tf_yolo": "deep_predictor.backends.tf_yolo:TfYoloBackend",
    "onnx": {
        "classification": "deep_predictor.backends.onnx:OnnxClassifier",
        "detection": "deep_predictor.backends.onnx:OnnxDetector",
        "segmentation": "deep_predictor.backends.onnx:OnnxSegmenter",
    },
    "segmentation": "deep_predictor.backends.segmentation:SegmentationBackend",
    "torch": {
        "classification": "deep_predictor.backends.torch:TorchClassifier",
        "detection": "deep_predictor.backends.torch:TorchDetector",
        "segmentation": "deep_predictor.backends.torch:TorchSegmenter",
    },
    "darknet": "deep_predictor.backends.darknet:DarknetBackend",
    "dummy": "deep_predictor.backends.dummy:DummyBackend",
}


def create_backend(config: PredictorConfig) -> Backend:
    """Make a backend, not yet loaded, from a predictor's cfg.

    Raises UnknownBackend, ConfigError with every problem of `model_options` and `model_paths`, or
    UnsupportedTensorflowVersion.
    """
    backend_class = find_backend_class(config)
    options, paths = parse_sections(config, backend_class.Options, backend_class.Paths)
    if not _is_supported(options.tensorflow_version):
        raise UnsupportedTensorflowVersion(options.tensorflow_version)
    return backend_class(options, paths)


def find_backend_class(config: PredictorConfig) -> type[Backend]:
    """Raises UnknownBackend, which lists the known names, or ConfigError where the task is missing or unknown."""
    location = BACKENDS.get(config.backend_name)
    if location is None:
        raise UnknownBackend(config.backend_name, sorted(BACKENDS))
    if isinstance(location, str):
        return _import_class(location)
    task = config.model_options.get("task")
    if not isinstance(task, str) or task not in location:
        message = f"must be one of {', '.join(location)} (got {str(task)[:40] if task else 'nothing'})"
        raise ConfigError([ConfigProblem(config.file, "model_options.task", message)])
    return _import_class(location[task])


def backend_classes() -> Iterator[tuple[str, type[Backend]]]:
    """Every name with its class; a name that serves several tasks comes once for each."""
    for name, location in BACKENDS.items():
        for one in [location] if isinstance(location, str) else location.values():
            yield name, _import_class(one)


def _import_class(location: str) -> type[Backend]:
    module_name, class_name = location.split(":")
    backend_class: type[Backend] = getattr(import_module(module_name), class_name)
    return backend_class


def _is_supported(tensorflow_version: object) -> bool:
    """1 and 2 load alike. `true` is not 1 here, and neither is "2" a number."""
    return type(tensorflow_version) in (int, float) and tensorflow_version in (1, 2)
