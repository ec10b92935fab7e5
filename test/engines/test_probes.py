"""The pictures that engines are compared on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deep_predictor.engines.probes import MADE_PROBES, made_inputs, real_inputs, real_pictures
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.images.preprocessing import InputSpec


@pytest.mark.parametrize(
    "spec",
    [
        InputSpec(24, 20),
        InputSpec(3, 5, "grayscale"),
        InputSpec(1, 1),
        InputSpec(300, 200, "rgb", resize_mode="letterbox"),
    ],
    ids=str,
)
def test_made_inputs_fit_the_network_and_are_the_same_every_time(spec: InputSpec) -> None:
    inputs = made_inputs(spec)
    assert inputs.shape == (MADE_PROBES, *spec.input_shape)
    assert inputs.dtype == np.float32
    np.testing.assert_array_equal(inputs, made_inputs(spec))


def test_made_inputs_use_the_range_of_the_preprocessing_and_differ() -> None:
    inputs = made_inputs(InputSpec(32, 32, "rgb", scale=1 / 127.5, mean=1.0))
    assert inputs.min() < -0.95
    assert inputs.max() > 0.95
    assert len({row.tobytes() for row in inputs}) == MADE_PROBES


def test_real_pictures_come_from_the_cfgs_folder_else_from_the_golden_set(tmp_path: Path) -> None:
    request = NetworkRequest(tmp_path / "model.keras", InputSpec(6, 4))
    assert real_pictures(request) == []
    assert real_inputs(request).shape == (0, 4, 6, 3)
    for folder, name in (("golden", "b.png"), ("golden/deep", "a.PNG"), ("chosen", "c.jpg")):
        (tmp_path / folder).mkdir(exist_ok=True, parents=True)
        Image.new("RGB", (9, 9), (10, 20, 30)).save(tmp_path / folder / name)
    (tmp_path / "golden" / "notes.txt").write_text("no picture")
    (tmp_path / "golden" / "broken.jpg").write_bytes(b"\xff\xd8\xff no jpeg")
    assert [path.name for path in real_pictures(request)] == ["b.png", "broken.jpg", "a.PNG"]
    assert real_inputs(request).shape == (2, 4, 6, 3)
    chosen = NetworkRequest(tmp_path / "model.keras", InputSpec(6, 4), probe_folder=tmp_path / "chosen")
    assert [path.name for path in real_pictures(chosen)] == ["c.jpg"]
