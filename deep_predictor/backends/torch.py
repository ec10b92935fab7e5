"""PyTorch models of any task: each task's own backend, on a process that reads TorchScript and torch.export files."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from deep_predictor.backends.base import Task
from deep_predictor.backends.classification import ClassificationBackend, ClassificationOptions
from deep_predictor.backends.detection import DetectionBackend, DetectionOptions
from deep_predictor.backends.input_options import EngineOptions
from deep_predictor.backends.segmentation import SegmentationBackend, SegmentationOptions
from deep_predictor.engines.request import InputLayout


class TorchOptions(EngineOptions):
    """Such files can hold pickled code: without `trusted` and the file's own `sha256` it is refused unread."""

    task: Task
    #: Whether whoever wrote this cfg trusts the file as a program.
    trusted: bool = False
    #: Hexadecimal SHA-256 of the file; another file is refused.
    sha256: str | None = Field(None, pattern="^[0-9a-fA-F]{64}$")
    engine: Literal["auto"] = "auto"
    precision: Literal["exact"] = "exact"
    device: Literal["auto", "cpu"] = "auto"
    #: Order of the input's axes. None: channels first, as PyTorch has them.
    input_layout: InputLayout | None = None
    #: The outputs that count, by key, or by place as "0"; several are joined along the last axis, in this order.
    output_names: tuple[str, ...] = Field((), max_length=16)

    @model_validator(mode="after")
    def _names_what_it_trusts(self) -> Self:
        if self.trusted and self.sha256 is None:
            raise ValueError("trusted is 1, but sha256 does not say which file: `sha256sum FILE` gives it")
        return self

    def request_fields(self) -> dict[str, Any]:
        return {
            "kind": "torch",
            "input_layout": self.input_layout,
            "output_names": self.output_names,
            "sha256": self.sha256 if self.trusted else None,
        }


class TorchClassificationOptions(TorchOptions, ClassificationOptions):
    """Most of these networks end in logits: then `activation` is softmax."""


class TorchDetectionOptions(TorchOptions, DetectionOptions):
    pass


class TorchSegmentationOptions(TorchOptions, SegmentationOptions):
    pass


class TorchClassifier(ClassificationBackend):
    Options = TorchClassificationOptions


class TorchDetector(DetectionBackend):
    Options = TorchDetectionOptions


class TorchSegmenter(SegmentationBackend):
    Options = TorchSegmentationOptions
