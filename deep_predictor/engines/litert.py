"""LiteRT (once TensorFlow Lite): one interpreter a request, each used by one thread at a time."""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue
from typing import Any, ClassVar

import numpy as np

from deep_predictor.engines.base import Engine, NumberType, RunSettings
from deep_predictor.errors import BackendNotReady


class LitertEngine(Engine):
    """Runs picture by picture: a batch gains nothing here."""

    name: ClassVar[str] = "litert"
    package: ClassVar[str] = "ai_edge_litert"
    distributions: ClassVar[tuple[str, ...]] = ("ai-edge-litert",)
    file_name: ClassVar[str] = "model.tflite"

    def __init__(self, path: Path, settings: RunSettings) -> None:
        self.settings = settings
        self._interpreters: SimpleQueue[Any] | None = SimpleQueue()
        for _ in range(settings.requests):
            interpreter = _interpreter(path, settings.threads)
            (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
            _, height, width, channels = (int(size) for size in taken["shape_signature"])
            interpreter.resize_tensor_input(taken["index"], [1, height, width, channels], strict=True)
            interpreter.allocate_tensors()
            self._interpreters.put((interpreter, taken["index"], given["index"]))
        self.input_shape = (None, height, width, channels)
        self.output_shape = self.run(np.zeros((1, height, width, channels), np.float32)).shape[1:]

    @classmethod
    def _start(cls) -> None:
        import ai_edge_litert.interpreter  # noqa: F401

    @classmethod
    def convert(
        cls, frozen: Any, folder: Path, number_type: NumberType = "f32", probes: np.ndarray | None = None
    ) -> Path:
        """By TensorFlow's own converter, with its own operations only."""
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        path = folder / cls.file_name
        path.write_bytes(converter.convert())
        return path

    def run(self, batch: np.ndarray) -> np.ndarray:
        interpreters = self._interpreters
        if interpreters is None:
            raise BackendNotReady("the engine was closed")
        outputs = []
        for index in range(len(batch)):
            free = interpreters.get()
            try:
                interpreter, taken, given = free
                interpreter.set_tensor(taken, np.ascontiguousarray(batch[index : index + 1]))
                interpreter.invoke()
                outputs.append(interpreter.get_tensor(given))
            finally:
                interpreters.put(free)
        return np.concatenate(outputs)

    def close(self) -> None:
        self._interpreters = None


def _interpreter(path: Path, threads: int) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_path=str(path), num_threads=threads)
