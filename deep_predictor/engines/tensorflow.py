"""TensorFlow: Keras files and SavedModels as compiled functions of one fixed signature. Never `model.predict`."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from deep_predictor.engines.base import Engine, RunSettings, first_line
from deep_predictor.engines.legacy_conversion import convert_to_saved_model
from deep_predictor.engines.model_inspection import ModelFacts, inspect_model
from deep_predictor.errors import BackendNotReady

logger = logging.getLogger(__name__)

#: (width, height) of the warm-up picture where neither the model nor the cfg says one.
FALLBACK_SIZE = (224, 224)


@dataclass(frozen=True)
class _Network:
    """`call`: tensor in, tensor out; `kept` holds the variables alive."""

    call: Callable[[Any], Any]
    input_shape: tuple[int | None, ...]
    input_type: np.dtype[Any]
    kept: object


class TensorflowEngine(Engine):
    """`run` may be called from several threads: a concrete function holds no state of a call."""

    name: ClassVar[str] = "tensorflow"
    package: ClassVar[str] = "tensorflow"
    distributions: ClassVar[tuple[str, ...]] = ("tensorflow-cpu", "tensorflow")

    def __init__(self, network: _Network) -> None:
        self._network: _Network | None = network
        self.input_shape = network.input_shape
        self.output_shape = ()

    @classmethod
    def _start(cls) -> None:
        tf, _ = _import_libraries()
        for gpu in tf.config.list_physical_devices("GPU"):
            _let_grow(tf, gpu)
        tf.config.experimental.enable_tensor_float_32_execution(False)  # 32-bit floats are 32-bit floats on GPUs too
        tf.config.optimizer.set_jit(False)
        one = tf.ones((1, 1))
        tf.function(lambda x: tf.matmul(x, x)).get_concrete_function(one)(one).numpy()

    @classmethod
    def _open(cls, path: Path, settings: RunSettings) -> Self:
        engine = cls(_open(inspect_model(path)))
        engine.settings = settings
        engine._warm_up(path, settings.input_size)
        return engine

    @classmethod
    def sees_gpu(cls) -> bool:
        tf, _ = _import_libraries()
        return bool(tf.config.list_physical_devices("GPU"))

    def freeze(self, input_shape: tuple[int, int, int]) -> Any:
        """The network as one function of constants, float32 (N, height, width, channels) in: what converters read."""
        import tensorflow as tf
        from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

        network = self._network
        if network is None:
            raise BackendNotReady("the engine was closed")
        shape = (network.input_shape[0], *input_shape)
        function = tf.function(lambda picture: network.call(tf.cast(picture, network.input_type)), autograph=False)
        picture = tf.TensorSpec(shape, tf.float32, name="picture")
        return convert_variables_to_constants_v2(function.get_concrete_function(picture))

    def with_settings(self, settings: RunSettings) -> Self:
        """TensorFlow shares the cores by itself."""
        self.settings = settings
        return self

    def run(self, batch: np.ndarray) -> np.ndarray:
        network = self._network
        if network is None:
            raise BackendNotReady("the engine was closed")
        size = network.input_shape[0]
        if size is None or size == len(batch):
            return self._call(network, batch)
        parts = [self._call_filled(network, batch[i : i + size], size) for i in range(0, len(batch), size)]
        return np.concatenate(parts)

    def close(self) -> None:
        self._network = None

    def _call(self, network: _Network, batch: np.ndarray) -> np.ndarray:
        import tensorflow as tf

        with tf.device("/GPU:0" if self.settings.on_gpu else "/CPU:0"):
            output: np.ndarray = network.call(tf.constant(batch.astype(network.input_type, copy=False))).numpy()
        # bfloat16 and float16 come out of networks of mixed precision.
        return output if output.dtype == np.float32 else output.astype(np.float32)

    def _call_filled(self, network: _Network, part: np.ndarray, size: int) -> np.ndarray:
        """A network of a fixed batch size gets zeros for the pictures that are not there."""
        filled = np.zeros((size, *part.shape[1:]), part.dtype)
        filled[: len(part)] = part
        return self._call(network, filled)[: len(part)]

    def _warm_up(self, model_path: Path, input_size: tuple[int, int] | None) -> None:
        """One run on zeros: compiles, and shows the true output shape."""
        if len(self.input_shape) != 4:
            raise BackendNotReady(f"{model_path}: takes {self.input_shape}, not a batch of pictures", "input_mismatch")
        width, height = input_size or FALLBACK_SIZE
        shape = [
            size if size is not None else other
            for size, other in zip(self.input_shape, (1, height, width, 3), strict=True)
        ]
        try:
            output = self.run(np.zeros(shape, np.float32))
        except Exception as error:  # as at load: a network that cannot run on zeros cannot be used
            raise BackendNotReady(f"{model_path}: its first run raised {first_line(error)}", "model_broken") from error
        if output.ndim < 2 or output.shape[0] != shape[0]:
            raise BackendNotReady(f"{model_path}: gives {output.shape} for a batch of {shape[0]}", "output_mismatch")
        self.output_shape = tuple(int(size) for size in output.shape[1:])


def _import_libraries() -> tuple[Any, Any]:
    """(tensorflow, keras). Raises ImportError, also where Keras runs on something else."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        raise ImportError(f"Keras already runs on {keras.backend.backend()}")
    return tf, keras


def _let_grow(tf: Any, gpu: Any) -> None:
    """Take a GPU's memory as it is needed, not all of it at once."""
    try:
        tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError as error:
        logger.warning("%s was in use before: %s", gpu.name, error)


def _open(facts: ModelFacts) -> _Network:
    _import_libraries()
    if facts.kind == "saved_model":
        return _open_saved_model(facts.path)
    return _open_keras_file(facts)


def _open_keras_file(facts: ModelFacts) -> _Network:
    tf, keras = _import_libraries()
    try:
        model = keras.saving.load_model(facts.path, compile=False, safe_mode=True)
    except (TypeError, ValueError, KeyError, AttributeError, NotImplementedError, IndexError) as error:
        if not facts.is_keras_2:
            raise
        logger.info(
            "%s: Keras 3 refuses this file of Keras %s (%s)", facts.path, facts.keras_version, first_line(error)
        )
        converted = convert_to_saved_model(facts.path)
        inspect_model(converted)
        return _open_saved_model(converted)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        counts = f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        raise BackendNotReady(f"{facts.path}: has {counts}, not one of each", code="input_mismatch")
    shape = tuple(model.inputs[0].shape)
    function = tf.function(lambda batch: _only(model(batch, training=False)), autograph=False, jit_compile=False)
    network = function.get_concrete_function(tf.TensorSpec(shape, tf.float32))
    return _Network(network, shape, np.dtype(np.float32), model)


def _open_saved_model(folder: Path) -> _Network:
    tf, _ = _import_libraries()
    loaded = tf.saved_model.load(str(folder))
    if "serving_default" not in loaded.signatures:
        names = ", ".join(loaded.signatures) or "none"
        raise BackendNotReady(f"{folder}: has no signature serving_default (there are: {names})", "input_mismatch")
    function = loaded.signatures["serving_default"]
    inputs, outputs = function.structured_input_signature[1], function.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        message = f"{folder}: serving_default takes {sorted(inputs)} and gives {sorted(outputs)}, not one of each"
        raise BackendNotReady(message, code="input_mismatch")
    (input_name, spec), output_name = next(iter(inputs.items())), next(iter(outputs))
    if spec.shape.rank is None or not (spec.dtype.is_floating or spec.dtype.is_integer):
        message = f"{folder}: serving_default takes {spec.dtype.name} of the shape {spec.shape}, not pictures"
        raise BackendNotReady(message, code="input_mismatch")

    def call(batch: Any) -> Any:
        return function(**{input_name: batch})[output_name]

    return _Network(call, tuple(spec.shape.as_list()), np.dtype(spec.dtype.as_numpy_dtype), loaded)


def _only(output: Any) -> Any:
    """Models with one output may still give a list or a dictionary of it."""
    if isinstance(output, dict):
        output = list(output.values())
    return output[0] if isinstance(output, list | tuple) else output
