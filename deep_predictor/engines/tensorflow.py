"""TensorFlow: Keras files and SavedModels as compiled functions of one fixed signature. Never `model.predict`."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from deep_predictor.engines.base import Engine
from deep_predictor.engines.legacy_conversion import convert_legacy_h5, is_legacy_failure
from deep_predictor.engines.model_inspection import ModelFacts, inspect_model
from deep_predictor.errors import BackendNotReady

logger = logging.getLogger(__name__)

#: Size of the warm-up picture where neither the model nor the cfg says one.
FALLBACK_SIZE = (224, 224)

Network = Callable[[Any], Any]


class TensorflowEngine(Engine):
    """`run` may be called from several threads: a concrete function holds no state of a call."""

    name: ClassVar[str] = "tensorflow"

    def __init__(self, network: Network, input_shape: tuple[int | None, ...], keep: object) -> None:
        self._network: Network | None = network
        self._keep: object = keep
        self.input_shape = input_shape
        self.output_shape = ()

    @classmethod
    def start_in_main_thread(cls) -> None:
        try:
            tf = _tensorflow()
        except ImportError as error:
            message = f"TensorFlow cannot be imported ({error}); install requirements.txt"
            raise BackendNotReady(message, code="library_missing") from error
        one = tf.constant(np.ones((1, 1), np.float32))
        np.asarray(tf.function(lambda x: tf.matmul(x, x)).get_concrete_function(one)(one))

    @classmethod
    def load(cls, model_path: Path, input_size: tuple[int, int] | None = None) -> Self:
        facts = inspect_model(model_path)
        try:
            network, input_shape, keep = _open(facts, input_size)
        except BackendNotReady:
            raise
        except Exception as error:
            message = f"{model_path}: cannot be loaded: {type(error).__name__}: {error}"
            raise BackendNotReady(message, code="model_broken") from error
        engine = cls(network, input_shape, keep)
        engine._warm_up(model_path, input_size)
        return engine

    def run(self, batch: np.ndarray) -> np.ndarray:
        if self._network is None:
            raise BackendNotReady("the engine was closed")
        return np.asarray(self._network(_tensorflow().constant(batch, dtype=np.float32)))

    def close(self) -> None:
        self._network = self._keep = None

    def _warm_up(self, model_path: Path, input_size: tuple[int, int] | None) -> None:
        """One run on zeros: compiles, and shows the true output shape."""
        if len(self.input_shape) != 4:
            raise BackendNotReady(f"{model_path}: takes {self.input_shape}, not a batch of pictures", "input_mismatch")
        width, height = input_size or FALLBACK_SIZE
        wanted = (1, height, width, 3)
        shape = tuple(size if size is not None else want for size, want in zip(self.input_shape, wanted, strict=True))
        try:
            output = self.run(np.zeros(shape, np.float32))
        except Exception as error:
            message = f"{model_path}: its first run raised {type(error).__name__}: {error}"
            raise BackendNotReady(message, code="model_broken") from error
        if output.ndim < 1 or output.shape[0] != shape[0]:
            raise BackendNotReady(f"{model_path}: gives {output.shape} for a batch of {shape[0]}", "output_mismatch")
        self.output_shape = tuple(int(size) for size in output.shape[1:])


def _tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import tensorflow

    return tensorflow


def _open(facts: ModelFacts, input_size: tuple[int, int] | None) -> tuple[Network, tuple[int | None, ...], object]:
    if facts.kind == "saved_model":
        return _open_saved_model(facts.path)
    tf = _tensorflow()
    import keras

    try:
        model = keras.saving.load_model(facts.path, compile=False, safe_mode=True)
    except Exception as error:
        if facts.kind != "h5" or not is_legacy_failure(error):
            raise
        logger.info("%s: Keras 3 refuses it (%s), it is converted", facts.path, type(error).__name__)
        return _open_saved_model(convert_legacy_h5(facts.path))
    shape = model.input_shape
    if isinstance(shape, list | dict) or len(model.outputs) != 1:
        raise BackendNotReady(f"{facts.path}: has several inputs or outputs", code="input_mismatch")
    signature = tf.TensorSpec((None, *shape[1:]), tf.float32)
    function = tf.function(lambda batch: model(batch, training=False), autograph=False)
    return function.get_concrete_function(signature), (None, *shape[1:]), model


def _open_saved_model(path: Path) -> tuple[Network, tuple[int | None, ...], object]:
    tf = _tensorflow()
    loaded = tf.saved_model.load(str(path))
    signatures = loaded.signatures
    if "serving_default" not in signatures:
        names = ", ".join(signatures) or "none"
        raise BackendNotReady(f"{path}: has no signature serving_default (there are: {names})", code="input_mismatch")
    function = signatures["serving_default"]
    inputs = function.structured_input_signature[1]
    outputs = function.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        message = f"{path}: serving_default has {len(inputs)} inputs and {len(outputs)} outputs, not one of each"
        raise BackendNotReady(message, code="input_mismatch")
    (input_name, spec), output_name = next(iter(inputs.items())), next(iter(outputs))
    if spec.shape.rank is None:
        raise BackendNotReady(f"{path}: the shape of its input is not known", code="input_mismatch")
    shape = tuple(spec.shape.as_list())

    def network(batch: Any) -> Any:
        return function(**{input_name: tf.cast(batch, spec.dtype)})[output_name]

    return network, shape, loaded
