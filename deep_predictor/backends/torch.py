"""PyTorch models of any task: each task's own backend, on a process that reads TorchScript and torch.export files."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from deep_predictor.backends.classification import ClassificationBackend, ClassificationOptions
from deep_predictor.backends.detection import DetectionBackend, DetectionOptions
from deep_predictor.backends.input_options import FileOptions
from deep_predictor.backends.segmentation import SegmentationBackend, SegmentationOptions


class TorchOptions(FileOptions):
    """Such files can hold pickled code: without `trusted` and the file's own `sha256` it is refused unread.

    Without `input_layout` the channels come first, as PyTorch has them; `output_names` are keys, or places as "0".
    """

    #: Whether whoever wrote this cfg trusts the file as a program.
    trusted: bool = False
    #: Hexadecimal SHA-256 of the file; another file is refused.
    sha256: str | None = Field(None, pattern="^[0-9a-fA-F]{64}$")
    engine: Literal["auto"] = "auto"
    precision: Literal["exact"] = "exact"
    device: Literal["auto", "cpu"] = "auto"

    @model_validator(mode="after")
    def _names_what_it_trusts(self) -> Self:
        if self.trusted and self.sha256 is None:
            raise ValueError("trusted is 1, but sha256 does not say which file: `sha256sum FILE` gives it")
        return self

    def request_fields(self) -> dict[str, Any]:
        return {**super().request_fields(), "kind": "torch", "sha256": self.sha256 if self.trusted else None}


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
