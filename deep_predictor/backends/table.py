"""The table of backends: `predictor_backend` of a cfg -> its class, imported when used."""

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
    """Make the backend that a cfg names; nothing is loaded yet.

    Raises UnknownBackend, ConfigError with all problems, UnsupportedTensorflowVersion.
    """
    if config.backend_name not in BACKENDS:
        raise UnknownBackend(config.backend_name, list(BACKENDS))
    module_name, class_name = BACKENDS[config.backend_name].split(":")
    backend_class: type[Backend] = getattr(import_module(module_name), class_name)
    options, paths = parse_sections(config, backend_class.Options, backend_class.Paths)
    if str(options.tensorflow_version) not in ("1", "2"):
        raise UnsupportedTensorflowVersion(options.tensorflow_version)
    return backend_class(options, paths)
