"""OpenVINO: one stream a request, 32-bit floats unless said otherwise, nothing sent to anybody."""

from __future__ import annotations

import sys
from pathlib import Path
from queue import SimpleQueue
from typing import Any, ClassVar

import numpy as np

from deep_predictor.engines.base import Engine, NumberType, RunSettings, split_sizes
from deep_predictor.engines.onnx_input import OnnxGraph
from deep_predictor.errors import BackendNotReady

FROZEN_NAME = "frozen.pb"


class OpenvinoEngine(Engine):
    """A compiled model for each batch size, and as many infer requests of it as may run at a time."""

    name: ClassVar[str] = "openvino"
    package: ClassVar[str] = "openvino"
    distributions: ClassVar[tuple[str, ...]] = ("openvino",)
    file_name: ClassVar[str] = "model.xml"

    def __init__(self, path: Path, settings: RunSettings) -> None:
        core = import_openvino().Core()
        self.settings = settings
        self._sizes = (settings.batch_size, 1) if settings.batch_size > 1 else (1,)
        self._requests: dict[int, SimpleQueue[Any]] = {}
        for size in self._sizes:
            model = core.read_model(path)
            shape = model.inputs[0].partial_shape
            height, width, channels = (shape[axis].get_length() for axis in (1, 2, 3))
            model.reshape([size, height, width, channels])
            compiled = core.compile_model(model, "GPU" if settings.on_gpu else "CPU", _properties(settings))
            self._requests[size] = SimpleQueue()
            for _ in range(settings.requests):
                self._requests[size].put(compiled.create_infer_request())
        self.input_shape = (None, height, width, channels)
        self.output_shape = self.run(np.zeros((1, height, width, channels), np.float32)).shape[1:]

    @classmethod
    def _start(cls) -> None:
        ov = import_openvino()
        picture = ov.opset13.parameter([1, 2], np.float32)
        compiled = ov.Core().compile_model(ov.Model([ov.opset13.relu(picture)], [picture]), "CPU")
        compiled.create_infer_request().infer([np.ones((1, 2), np.float32)])

    @classmethod
    def convert(
        cls, frozen: Any, folder: Path, number_type: NumberType = "f32", probes: np.ndarray | None = None
    ) -> Path:
        """By OpenVINO's own readers of TensorFlow graphs and ONNX files; `int8` by NNCF, calibrated with the probes."""
        graph_path = folder / FROZEN_NAME
        try:
            model = _read_onnx(frozen) if isinstance(frozen, OnnxGraph) else _read_tensorflow(frozen, graph_path)
            if number_type == "int8":
                model = _quantised(model, probes)
            path = folder / cls.file_name
            import_openvino().save_model(model, path, compress_to_fp16=False)
        finally:
            graph_path.unlink(missing_ok=True)
        return path

    @classmethod
    def fast_number_types(cls) -> tuple[NumberType, ...]:
        from importlib.util import find_spec

        can_bf16 = "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return (*(("bf16",) if can_bf16 else ()), *(("int8",) if find_spec("nncf") else ()))

    @classmethod
    def sees_gpu(cls) -> bool:
        return any(device.startswith("GPU") for device in import_openvino().Core().available_devices)

    def run(self, batch: np.ndarray) -> np.ndarray:
        if len(batch) == 1:
            return self._run_fixed(batch)
        outputs, start = [], 0
        for size in split_sizes(len(batch), self._sizes):
            outputs.append(self._run_fixed(batch[start : start + size]))
            start += size
        return np.concatenate(outputs)

    def close(self) -> None:
        self._requests = {}

    def _run_fixed(self, part: np.ndarray) -> np.ndarray:
        free = self._requests.get(len(part))
        if free is None:
            raise BackendNotReady("the engine was closed")
        request = free.get()
        try:
            request.infer([np.ascontiguousarray(part)], share_inputs=True)
            output: np.ndarray = request.get_output_tensor(0).data
            return np.array(output, np.float32)
        finally:
            free.put(request)


def import_openvino() -> Any:
    """The library, without the package that would report its use to its makers."""
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # its import fails, and OpenVINO goes on
    import openvino

    return openvino


def _read_tensorflow(frozen: Any, graph_path: Path) -> Any:
    """`graph_path`: where the graph is written for the reader; it may be deleted once the model is saved."""
    graph_path.write_bytes(frozen.graph.as_graph_def().SerializeToString())
    model = import_openvino().Core().read_model(graph_path)
    model.reshape([-1 if size is None else size for size in frozen.inputs[0].shape])
    return model


def _read_onnx(graph: OnnxGraph) -> Any:
    """What takes (N, H, W, C) float32 and gives float32, whatever the file's own layout and number types are."""
    ov = import_openvino()
    model = ov.Core().read_model(graph.path)
    model = ov.Model([model.output(graph.output_name)], model.get_parameters())
    model.reshape(graph.taken.in_layout([graph.taken.shape[0] or -1, *graph.picture_shape]))
    steps = ov.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.f32).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout(graph.taken.layout.upper()))
    steps.output().tensor().set_element_type(ov.Type.f32)
    return steps.build()


def _properties(settings: RunSettings) -> dict[str, Any]:
    if settings.on_gpu:
        return {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"}
    return {
        "NUM_STREAMS": settings.requests,
        "INFERENCE_NUM_THREADS": settings.requests * settings.threads,
        # Several models share the cores: none may nail its threads to some of them.
        "ENABLE_CPU_PINNING": False,
        # Said even for f32: the default would be bf16 on processors that have it.
        "INFERENCE_PRECISION_HINT": "bf16" if settings.number_type == "bf16" else "f32",
    }


def _quantised(model: Any, probes: np.ndarray | None) -> Any:
    import nncf

    if probes is None:
        raise ValueError("int8 needs pictures to be calibrated with")
    samples = [probes[index : index + 1] for index in range(len(probes))]
    return nncf.quantize(model, nncf.Dataset(samples), subset_size=len(samples))
