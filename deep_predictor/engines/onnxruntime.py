"""ONNX Runtime: one session for all requests, whose runs each have threads of their own."""

from __future__ import annotations

from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, ClassVar

import numpy as np

from deep_predictor.engines.base import Engine, NumberType, RunSettings
from deep_predictor.errors import BackendNotReady

OPSET = 18


class OnnxruntimeEngine(Engine):
    """A session may be run by several threads at once; `requests` says how many do."""

    name: ClassVar[str] = "onnxruntime"
    package: ClassVar[str] = "onnxruntime"
    distributions: ClassVar[tuple[str, ...]] = ("onnxruntime-gpu", "onnxruntime")
    file_name: ClassVar[str] = "model.onnx"

    def __init__(self, path: Path, settings: RunSettings) -> None:
        import onnxruntime

        self.settings = settings
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin while they wait take the cores from decoding.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers: list[Any] = ["CPUExecutionProvider"]
        if settings.on_gpu:
            providers.insert(0, ("CUDAExecutionProvider", {"use_tf32": "0"}))
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=providers)
        self._free = BoundedSemaphore(settings.requests)
        (taken,) = self._session.get_inputs()
        self._input_name = taken.name
        _, height, width, channels = taken.shape
        self.input_shape = (None, height, width, channels)
        self.output_shape = self.run(np.zeros((1, height, width, channels), np.float32)).shape[1:]

    @classmethod
    def _start(cls) -> None:
        import onnxruntime

        onnxruntime.disable_telemetry_events()

    @classmethod
    def convert(
        cls, frozen: Any, folder: Path, number_type: NumberType = "f32", probes: np.ndarray | None = None
    ) -> Path:
        """By tf2onnx, where it is installed."""
        import tf2onnx

        path = folder / cls.file_name
        tf2onnx.convert.from_graph_def(
            frozen.graph.as_graph_def(),
            input_names=[tensor.name for tensor in frozen.inputs],
            output_names=[tensor.name for tensor in frozen.outputs],
            opset=OPSET,
            output_path=str(path),
        )
        return path

    @classmethod
    def sees_gpu(cls) -> bool:
        import onnxruntime

        return "CUDAExecutionProvider" in onnxruntime.get_available_providers()

    def run(self, batch: np.ndarray) -> np.ndarray:
        session = self._session
        if session is None:
            raise BackendNotReady("the engine was closed")
        with self._free:
            output: np.ndarray = session.run(None, {self._input_name: np.ascontiguousarray(batch)})[0]
        return output

    def close(self) -> None:
        self._session = None
