"""The table of backends: name in a cfg -> class, imported when it is used. One more backend is one more line here."""

from __future__ import annotations

from importlib import import_module

from deep_predictor.backends.base import Backend
from deep_predictor.config.predictor_config import PredictorConfig, parse_sections
from deep_predictor.errors import UnknownBackend, UnsupportedTensorflowVersion

BACKENDS: dict[str, str] = {
    "keras": "deep_predictor.backends.keras:KerasBackend",
    "tf_yolo": "deep_predictor.backends.tf_yolo:TfYoloBackend",
    "dummy": "deep_predictor.backends.dummy:DummyBackend",
}


def create_backend(config: PredictorConfig) -> Backend:
    """Make a backend, not yet loaded, from a predictor's cfg.

    Raises UnknownBackend, ConfigError with every problem of `model_options` and `model_paths`, or
    UnsupportedTensorflowVersion.
    """
    backend_class = get_backend_class(config.backend_name)
    options, paths = parse_sections(config, backend_class.Options, backend_class.Paths)
    if not _is_supported(options.tensorflow_version):
        raise UnsupportedTensorflowVersion(options.tensorflow_version)
    return backend_class(options, paths)


def get_backend_class(name: str) -> type[Backend]:
    """Raises UnknownBackend, which lists the known names."""
    location = BACKENDS.get(name)
    if location is None:
        raise UnknownBackend(name, sorted(BACKENDS))
    module_name, class_name = location.split(":")
    backend_class: type[Backend] = getattr(import_module(module_name), class_name)
    return backend_class


def _is_supported(tensorflow_version: object) -> bool:
    """1 and 2 load alike. `true` is not 1 here, and neither is "2" a number."""
    return type(tensorflow_version) in (int, float) and tensorflow_version in (1, 2)
