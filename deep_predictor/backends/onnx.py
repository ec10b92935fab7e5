"""ONNX models of any task: each task's own backend, on what reads ONNX files."""

from __future__ import annotations

from typing import Any, Literal

from deep_predictor.backends.classification import ClassificationBackend, ClassificationOptions
from deep_predictor.backends.detection import DetectionBackend, DetectionOptions
from deep_predictor.backends.input_options import FileOptions
from deep_predictor.backends.segmentation import SegmentationBackend, SegmentationOptions


class OnnxOptions(FileOptions):
    """`input_layout` is None where only one axis of the input's shape can be the channels."""

    #: What can run an ONNX file.
    engine: Literal["auto", "openvino", "onnxruntime"] = "auto"

    def request_fields(self) -> dict[str, Any]:
        return {**super().request_fields(), "kind": "onnx"}


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
