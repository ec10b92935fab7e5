"""Weights files: both headers, and every way that a length or a number can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deep_predictor.engines.darknet_cfg import parse_cfg
from deep_predictor.engines.darknet_layers import plan_network
from deep_predictor.engines.darknet_weights import Weights, read_weights
from test.engines import slow_darknet

ONE_LAYER = """
[net]
width=8
height=8
channels=1
[convolutional]
batch_normalize=1
filters=7
size=1
activation=linear
[yolo]
anchors=4,2
classes=2
num=1
"""
NETWORK = plan_network(parse_cfg(ONE_LAYER))
NUMBERS = 7 * 5


def read(path: Path) -> list[tuple[int, Weights]]:
    return list(read_weights(path, NETWORK))


@pytest.mark.parametrize("version", [(0, 1), (0, 2), (1, 0)])
def test_read_weights_either_header_gives_the_same_numbers(tmp_path: Path, version: tuple[int, int]) -> None:
    path = tmp_path / "x.weights"
    numbers = slow_darknet.write_weights(path, ONE_LAYER, version=version)
    assert len(numbers) == NETWORK.number_count == NUMBERS
    bias, scale, mean, variance, kernel = np.split(numbers.astype(np.float64), 5)
    ((number, weights),) = read(path)
    factor = scale / np.sqrt(variance + 1e-5)
    assert number == 0
    np.testing.assert_allclose(weights.kernel.ravel(), kernel * factor, rtol=1e-6)
    np.testing.assert_allclose(weights.bias, bias - mean * factor, rtol=1e-6)


@pytest.mark.parametrize("change", [-4, -1, 1, 4, 4000])
def test_read_weights_of_another_length_names_both_counts(tmp_path: Path, change: int) -> None:
    path = tmp_path / "x.weights"
    slow_darknet.write_weights(path, ONE_LAYER)
    data = path.read_bytes()
    path.write_bytes(data[:change] if change < 0 else data + bytes(change))
    with pytest.raises(ValueError, match=rf"holds \S+ numbers, and a network of this cfg has {NUMBERS}"):
        read(path)


@pytest.mark.parametrize("data", [b"", b"\0" * 11])
def test_read_weights_without_a_header_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.weights"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="too short for a header"):
        read(path)


def test_read_weights_of_no_known_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.weights"
    path.write_bytes(b"PK\x03\x04" + bytes(16 + 4 * NUMBERS))
    with pytest.raises(ValueError, match="which is none of darknet's"):
        read(path)


@pytest.mark.parametrize(("place", "number"), [(0, np.nan), (34, np.inf), (21, -3.0)])
def test_read_weights_number_that_cannot_be_used_is_refused(tmp_path: Path, place: int, number: float) -> None:
    path = tmp_path / "x.weights"
    slow_darknet.write_weights(path, ONE_LAYER)
    data = bytearray(path.read_bytes())
    data[20 + 4 * place : 24 + 4 * place] = np.array(number, "<f4").tobytes()
    path.write_bytes(data)
    with pytest.raises(ValueError, match="not finite, or a negative variance, in the layer 0"):
        read(path)
