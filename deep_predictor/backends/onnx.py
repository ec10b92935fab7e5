"""ONNX models of any task: each task's own backend, on what reads ONNX files."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from deep_predictor.backends.base import Task
from deep_predictor.backends.classification import ClassificationBackend, ClassificationOptions
from deep_predictor.backends.detection import DetectionBackend, DetectionOptions
from deep_predictor.backends.input_options import EngineOptions
from deep_predictor.backends.segmentation import SegmentationBackend, SegmentationOptions
from deep_predictor.engines.request import InputLayout


class OnnxOptions(EngineOptions):
    """What an ONNX file leaves open."""

    task: Task
    #: What can run an ONNX file.
    engine: Literal["auto", "openvino", "onnxruntime"] = "auto"
    #: Order of the input's axes. None: as its shape tells, where only one axis can be the channels.
    input_layout: InputLayout | None = None
    #: The outputs that count; several are joined along the last axis, in this order. (): the only one.
    output_names: tuple[str, ...] = Field((), max_length=16)

    def request_fields(self) -> dict[str, Any]:
        return {"kind": "onnx", "input_layout": self.input_layout, "output_names": self.output_names}


class OnnxClassificationOptions(OnnxOptions, ClassificationOptions):
    """Networks of PyTorch mostly end in logits: then `activation` is softmax."""


class OnnxDetectionOptions(OnnxOptions, DetectionOptions):
    pass


class OnnxSegmentationOptions(OnnxOptions, SegmentationOptions):
    pass


class OnnxClassifier(ClassificationBackend):
    Options = OnnxClassificationOptions


class OnnxDetector(DetectionBackend):
    Options = OnnxDetectionOptions


class OnnxSegmenter(SegmentationBackend):
    Options = OnnxSegmentationOptions
