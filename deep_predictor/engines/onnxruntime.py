"""ONNX Runtime: one session for all requests, whose runs each have threads of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, ClassVar, Self

import numpy as np

from deep_predictor.engines.base import Engine, NumberType, RunSettings, first_line, loading, split_sizes
from deep_predictor.engines.fingerprint import read_unchanged
from deep_predictor.engines.joining import join_outputs, lacks_batch_axis, stack_rows
from deep_predictor.engines.onnx_input import OnnxGraph, read_input
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.errors import BackendNotReady

OPSET = 18


class OnnxruntimeEngine(Engine):
    """A session may be run by several threads at once; `requests` says how many do.

    It runs what tf2onnx made, and, as the reference of ONNX models, files of any layout, number type and batch size.
    Who opens a foreign file has had it inspected: this class does not look.
    """

    name: ClassVar[str] = "onnxruntime"
    package: ClassVar[str] = "onnxruntime"
    distributions: ClassVar[tuple[str, ...]] = ("onnxruntime-gpu", "onnxruntime")
    file_name: ClassVar[str] = "model.onnx"

    def __init__(self, path: Path, settings: RunSettings, request: NetworkRequest | None = None) -> None:
        self.settings = settings
        self._path = path
        self._session: Any = _session(path, settings, request.sha256 if request else None)
        self._free = BoundedSemaphore(settings.requests)
        self._input = read_input(path, self._session.get_inputs(), request)
        self._output_names = _output_names(path, self._session.get_outputs(), request)
        self.input_shape = self._input.shape
        if request:
            request.check_input(self.input_shape)
        self._lacks_batch_axis = False
        self._sizes = _batch_sizes(self.input_shape[0], settings.batch_size)
        self._warm_up(request)

    @classmethod
    def _start(cls) -> None:
        import onnxruntime

        onnxruntime.disable_telemetry_events()

    @classmethod
    def load_model(cls, request: NetworkRequest, settings: RunSettings | None = None) -> Self:
        with loading(request.model_path):
            return cls(request.model_path, settings or RunSettings(), request)

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

    def freeze(self, input_shape: tuple[int, int, int]) -> OnnxGraph:
        """What other engines convert: the file itself."""
        return OnnxGraph(self._path, self._input, input_shape, self._output_names[0])

    def run(self, batch: np.ndarray) -> np.ndarray:
        outputs, start = [], 0
        for size in self._parts(len(batch)):
            outputs.append(self._run_part(batch[start : start + size]))
            start += size
        return outputs[0] if len(outputs) == 1 else stack_rows(outputs)

    def close(self) -> None:
        self._session = None

    def _parts(self, count: int) -> list[int]:
        """So many pictures a run; where only runs of one fixed size are possible, the last one is filled up."""
        size = self._sizes[-1]
        if size == 1:
            return split_sizes(count, self._sizes)
        return [min(size, count - start) for start in range(0, count, size)]

    def _run_part(self, part: np.ndarray) -> np.ndarray:
        """At most as many pictures as a run takes -> (n, …) float32."""
        count, size = len(part), self.input_shape[0]
        if size is not None and count < size:
            part = np.concatenate([part, np.zeros((size - count, *part.shape[1:]), part.dtype)])
        outputs = self._outputs_of(part)
        joined = join_outputs([output[np.newaxis] for output in outputs] if self._lacks_batch_axis else outputs)
        if len(joined) != len(part):
            raise ValueError(f"the network gives {joined.shape} for a batch of {len(part)}")
        return joined[:count]

    def _outputs_of(self, part: np.ndarray) -> list[np.ndarray]:
        session = self._session
        if session is None:
            raise BackendNotReady("the engine was closed")
        with self._free:
            outputs: list[np.ndarray] = session.run(self._output_names, {self._input.name: self._input.fed(part)})
        return outputs

    def _warm_up(self, request: NetworkRequest | None) -> None:
        """One run on zeros, which shows the true output shape, and whether it has a batch axis."""
        picture_shape = request.spec.input_shape if request else tuple(size or 1 for size in self.input_shape[1:])
        shape = (self._sizes[-1], *picture_shape)
        try:
            outputs = self._outputs_of(np.zeros(shape, np.float32))
        except Exception as error:  # as at load: a network that cannot run on zeros cannot be used
            message = f"{self._path}: its first run raised {first_line(error)}"
            raise BackendNotReady(message, code="model_broken") from error
        if any(not isinstance(output, np.ndarray) or output.dtype.kind not in "fiub" for output in outputs):
            raise BackendNotReady(f"{self._path}: gives no numbers", code="output_mismatch")
        self._lacks_batch_axis = lacks_batch_axis(outputs, bool(request and request.numbers_before_scores))
        if self._lacks_batch_axis and self.input_shape[0] not in (None, 1):
            message = f"takes {self.input_shape[0]} pictures at a time, but its outputs do not say which is whose"
            raise BackendNotReady(f"{self._path}: {message}", code="output_mismatch")
        if self._lacks_batch_axis:
            self._sizes = (1,)
        try:
            self.output_shape = self._run_part(np.zeros(shape, np.float32)).shape[1:]
        except ValueError as error:
            raise BackendNotReady(f"{self._path}: {error}", code="output_mismatch") from error


def _session(path: Path, settings: RunSettings, sha256: str | None) -> Any:
    """Of the very bytes that were looked into, where their SHA-256 is known."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin while they wait take the cores from decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # What was looked into was looked into as ONNX.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    providers: list[Any] = ["CPUExecutionProvider"]
    if settings.on_gpu:
        providers.insert(0, ("CUDAExecutionProvider", {"use_tf32": "0"}))
    source = read_unchanged(path, sha256) if sha256 else str(path)
    session = onnxruntime.InferenceSession(source, options, providers=providers)
    session._model_bytes = None  # it would keep them beside the network for as long as it lives
    return session


def _output_names(path: Path, outputs: Sequence[Any], request: NetworkRequest | None) -> list[str]:
    """Raises BackendNotReady (output_mismatch) where the cfg does not say which of several, or names none of them."""
    given = [output.name for output in outputs]
    wanted = list(request.output_names) if request else []
    shown = ", ".join(f"{output.name} {list(output.shape)}" for output in outputs)[:1000]
    if not wanted and len(given) > 1:
        message = f"{path}: has the outputs {shown}: name those that count in model_options.output_names"
        raise BackendNotReady(message, code="output_mismatch")
    if unknown := [name for name in wanted if name not in given]:
        message = f"{path}: has no output {', '.join(map(repr, unknown))}; there are: {shown}"
        raise BackendNotReady(message, code="output_mismatch")
    return wanted or given


def _batch_sizes(fixed: int | None, largest: int) -> tuple[int, ...]:
    """How many pictures a run takes, as split_sizes wants it; a network of a fixed batch size takes that many."""
    if fixed is not None:
        return (fixed,)
    return (largest, 1) if largest > 1 else (1,)
