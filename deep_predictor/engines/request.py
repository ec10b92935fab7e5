"""What a backend asks of the engine room: this model, for pictures of this shape, run in this way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from deep_predictor.errors import BackendNotReady
from deep_predictor.images.preprocessing import InputSpec

EngineChoice = Literal["auto", "tensorflow", "litert", "openvino", "onnxruntime"]
#: `exact`: 32-bit floats. `fast` also admits bf16 and int8, where they answer as the reference does.
Precision = Literal["exact", "fast"]
Device = Literal["auto", "cpu", "gpu"]
#: What reads the model file; it is also the reference that other engines are measured against.
NetworkKind = Literal["tensorflow", "onnx", "torch"]
#: Order of the axes of a network's input in its file. Engines take (N, H, W, C) in any case.
InputLayout = Literal["nhwc", "nchw"]


@dataclass(frozen=True)
class NetworkRequest:
    """Equal requests are served by one engine. `spec` says what pictures the network sees."""

    model_path: Path
    spec: InputSpec
    engine: EngineChoice = "auto"
    precision: Precision = "exact"
    device: Device = "auto"
    #: The largest batch; None leaves it to what was measured.
    max_batch_size: int | None = None
    #: Real pictures that decide whether a lower precision is good enough.
    probe_folder: Path | None = None
    #: How many numbers stand before the scores on an axis of the output (a box has four), and which axis that is.
    numbers_before_scores: int = 0
    scores_axis: Literal[-1, -2] = -1
    kind: NetworkKind = "tensorflow"
    #: None: as the input's own shape tells, where only one of its axes can be the channels.
    input_layout: InputLayout | None = None
    #: The outputs that are wanted, by name; several are joined along the last axis. (): the only one.
    output_names: tuple[str, ...] = ()
    #: Hexadecimal SHA-256 that the file must have before anything of it is read: for files that may hold code, and for
    #: those that a child process looks into, once their content is known.
    sha256: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Only JSON types; `from_dict` reads it back."""
        return {
            **vars(self),
            "model_path": str(self.model_path),
            "spec": self.spec.to_dict(),
            "probe_folder": str(self.probe_folder) if self.probe_folder else None,
            "output_names": list(self.output_names),
        }

    def check_input(self, input_shape: tuple[int | None, ...]) -> None:
        """Raises BackendNotReady (input_mismatch), when a network of (N, H, W, C) takes other pictures than the cfg."""
        taken, given = input_shape[1:], self.spec.input_shape
        fits = len(taken) == len(given) and all(
            size in (None, wanted) for size, wanted in zip(taken, given, strict=True)
        )
        if not fits:
            shapes = f"takes {_shown(taken)} (height x width x channels), but the cfg says {_shown(given)}"
            raise BackendNotReady(f"{self.model_path}: {shapes}", code="input_mismatch")

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        folder = fields["probe_folder"]
        return cls(
            **{
                **fields,
                "model_path": Path(fields["model_path"]),
                "spec": InputSpec.from_dict(fields["spec"]),
                "output_names": tuple(fields["output_names"]),
                "probe_folder": Path(folder) if folder else None,
            }
        )


def _shown(shape: tuple[int | None, ...]) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape)
