"""How a network in an ONNX file takes its pictures: the order of the axes, the kind of numbers, the sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.engines.request import InputLayout, NetworkRequest
from deep_predictor.errors import BackendNotReady

#: ONNX Runtime's name of an element type -> NumPy's.
_NUMBER_TYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
#: How many channels a picture may have.
_CHANNELS = (1, 3)
#: Where (N, H, W, C) stand in a layout.
_AXES: dict[InputLayout, tuple[int, int, int, int]] = {"nhwc": (0, 1, 2, 3), "nchw": (0, 2, 3, 1)}


@dataclass(frozen=True)
class OnnxInput:
    """`shape`: (N, H, W, C), whatever the layout; None stands for any size."""

    name: str
    layout: InputLayout
    number_type: type[np.generic]
    shape: tuple[int | None, ...]

    def fed(self, batch: np.ndarray) -> np.ndarray:
        """(N, H, W, C) float32 -> what the network takes, C-contiguous."""
        if self.layout == "nchw":
            batch = batch.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(batch, self.number_type)

    def in_layout(self, shape: Sequence[int]) -> list[int]:
        """(N, H, W, C) in the order of the file."""
        given = dict(zip(_AXES[self.layout], shape, strict=True))
        return [given[axis] for axis in range(4)]


@dataclass(frozen=True)
class OnnxGraph:
    """A network that another engine converts: one input, and one of its outputs."""

    path: Path
    taken: OnnxInput
    #: (height, width, channels) of the pictures.
    picture_shape: tuple[int, int, int]
    output_name: str


def read_input(path: Path, inputs: Sequence[Any], request: NetworkRequest | None) -> OnnxInput:
    """`inputs`: as ONNX Runtime lists them; `request`: None for a file of our own conversion, which is NHWC.

    Raises BackendNotReady (input_mismatch) for what takes no pictures, or does not say where their channels are.
    """
    if len(inputs) != 1:
        raise _mismatch(path, f"has {len(inputs)} inputs, not one")
    (taken,) = inputs
    sizes = tuple(size if isinstance(size, int) and size > 0 else None for size in taken.shape)
    number_type = _NUMBER_TYPES.get(taken.type)
    if number_type is None or len(sizes) != 4:
        raise _mismatch(path, f"takes {taken.type} of the shape {list(taken.shape)}, not pictures")
    layout: InputLayout = "nhwc" if request is None else request.input_layout or _layout_of(path, taken.shape, sizes)
    if request and number_type is np.uint8 and not _keeps_bytes(request):
        raise _mismatch(path, "takes whole numbers 0..255, so scale must be 1, mean 0 and std 1")
    return OnnxInput(taken.name, layout, number_type, tuple(sizes[axis] for axis in _AXES[layout]))


def _layout_of(path: Path, shown: Sequence[object], sizes: tuple[int | None, ...]) -> InputLayout:
    """As the shape tells, where exactly one axis can be the channels."""
    is_first, is_last = sizes[1] in _CHANNELS, sizes[3] in _CHANNELS
    if is_first == is_last:
        message = f"takes {list(shown)}, which does not say where the channels are: set model_options.input_layout"
        raise _mismatch(path, f'{message} to "nchw" or "nhwc"')
    return "nchw" if is_first else "nhwc"


def _keeps_bytes(request: NetworkRequest) -> bool:
    spec = request.spec
    return bool(np.all(np.asarray(spec.scale) == 1) and not np.any(spec.mean) and np.all(np.asarray(spec.std) == 1))


def _mismatch(path: Path, what: str) -> BackendNotReady:
    return BackendNotReady(f"{path}: {what}", code="input_mismatch")
