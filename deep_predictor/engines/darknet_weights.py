"""Darknet's `.weights`: a header, then the 32-bit floats of each convolution in the cfg's order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from deep_predictor.engines.darknet_plan import Convolution, Network

#: In the root with the variance, as darknet's GPU code and AlexeyAB's fork have it.
EPSILON = 1e-5
NUMBER_BYTES = 4


@dataclass(frozen=True)
class Weights:
    """Of one convolution, its batch normalisation worked in. kernel: (filters, channels of a group, size, size)."""

    kernel: np.ndarray
    bias: np.ndarray


def read_weights(path: Path, network: Network) -> Iterator[tuple[int, Weights]]:
    """(layer number, weights) in order. Raises ValueError when the file's length or a number in it is not right.

    The length is compared before anything is read: what is allocated is never more than the file holds.
    """
    with path.open("rb") as file:
        header = _header_bytes(file)
        held = (os.fstat(file.fileno()).st_size - header) / NUMBER_BYTES
        if held != network.number_count:
            raise ValueError(f"holds {held:.10g} numbers, and a network of this cfg has {network.number_count}")
        for number, layer in enumerate(network.layers):
            if isinstance(layer, Convolution):
                yield number, _read_convolution(file, layer, number)


def _header_bytes(file: BinaryIO) -> int:
    """major, minor, revision, and how many pictures were seen: 64 bits since version 0.2, 32 before."""
    start = file.read(12)
    if len(start) < 12:
        raise ValueError("is too short for a header")
    major, minor, _ = np.frombuffer(start, "<i4").tolist()
    if not (0 <= major < 1000 and 0 <= minor < 1000):
        raise ValueError(f"its header says version {major}.{minor}, which is none of darknet's")
    return 12 + len(file.read(8 if major * 10 + minor >= 2 else 4))


def _read_convolution(file: BinaryIO, layer: Convolution, number: int) -> Weights:
    filters = layer.shape.channels
    bias = _numbers(file, filters)
    scales, mean, variance = (_numbers(file, filters) for _ in range(3)) if layer.is_normalised else (None, None, None)
    kernel = _numbers(file, int(np.prod(layer.kernel_shape))).reshape(layer.kernel_shape)
    if scales is not None and mean is not None and variance is not None:
        # (conv - mean) / sqrt(variance + eps) * scale + bias, as one convolution
        with np.errstate(invalid="ignore", over="ignore"):
            factor = scales.astype(np.float64) / np.sqrt(variance.astype(np.float64) + EPSILON)
            kernel = (kernel * factor[:, np.newaxis, np.newaxis, np.newaxis]).astype(np.float32)
            bias = (bias - mean * factor).astype(np.float32)
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
        raise ValueError(f"holds numbers that are not finite, or a negative variance, in the layer {number}")
    return Weights(kernel, bias)


def _numbers(file: BinaryIO, count: int) -> np.ndarray:
    data = file.read(count * NUMBER_BYTES)
    if len(data) != count * NUMBER_BYTES:
        raise ValueError("became shorter while it was read")
    return np.frombuffer(data, "<f4")
