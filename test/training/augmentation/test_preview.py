"""`augment-preview`: a few pictures and what is drawn of each, as small PNGs."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deep_predictor.training.__main__ import main
from test.training.datasets.pictures import png, write_files


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    write_files(tmp_path, {"1.png": png(1), "2.png": png(2), "broken.png": b"no picture"})
    Image.new("RGB", (600, 300), (200, 30, 30)).save(tmp_path / "wide.jpg")
    return [tmp_path / name for name in ("1.png", "2.png", "broken.png", "gone.png", "wide.jpg")]


def asked(
    files: list[Path], capsys: pytest.CaptureFixture[str], *operations: Any, draws: int = 2, status: int = 0
) -> Any:
    pictures = [{"file": str(file), "class_name": "a"} for file in files]
    path = files[0].parent / "order.json"
    path.write_text(json.dumps({"pictures": pictures, "operations": operations, "draws": draws, "seed": 3}))
    assert main(["augment-preview", str(path)]) == status
    return json.loads(capsys.readouterr().out)


def pixels(data: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(base64.b64decode(data))))


def test_preview_shows_pictures_that_can_be_read_small_and_drawn(
    files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    found = asked(files, capsys, {"name": "flip_vertical", "probability": 1})["pictures"]
    assert len(found) == 3
    assert pixels(found[2]["original"]).shape == (72, 144, 3)
    for one in found:
        assert len(one["drawn"]) == 2
        np.testing.assert_array_equal(pixels(one["drawn"][0]), pixels(one["original"])[::-1])


def test_preview_mixes_pictures_as_a_batch_does(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    mixed = {"name": "cutmix", "alpha": 1, "probability": 1}
    found = asked([files[0], files[4]], capsys, mixed, draws=6)["pictures"]
    drawn = [pixels(data) for data in found[0]["drawn"]]
    assert {image.shape for image in drawn} == {(144, 144, 3)}
    assert any((np.abs(image.astype(int) - (200, 30, 30)).max(axis=2) < 12).any() for image in drawn)


def test_preview_of_nothing_to_do_or_nothing_to_show(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    (same,) = asked(files[:1], capsys)["pictures"]
    assert set(same["drawn"]) == {same["original"]}
    assert asked(files[2:4], capsys, {"name": "mixup"}) == {"pictures": []}


def test_preview_of_wrong_operations_prints_the_problems(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    problems = asked(files, capsys, {"name": "gama"}, {"name": "gamma", "gama": 1}, status=2)["problems"]
    assert [problem["key"] for problem in problems] == ["0.name", "1.gama"]
