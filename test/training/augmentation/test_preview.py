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


def test_preview_draws_boxes_and_masks_as_they_are_carried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (144, 144)).save(tmp_path / "black.png")
    mask = Image.new("P", (144, 144))
    mask.putpalette([0, 0, 0, 9, 9, 9])
    mask.paste(1, (0, 0, 50, 144))
    mask.save(tmp_path / "mask.png")
    box = {"class_name": "cat", "cx": 0.25, "cy": 0.5, "w": 0.25, "h": 0.5}

    for truth, columns in (({"boxes": [box]}, (18, 53)), ({"mask": str(tmp_path / "mask.png")}, (0, 49))):
        (found,) = told(tmp_path, capsys, {"file": str(tmp_path / "black.png"), **truth}, {"name": "flip_horizontal"})
        for data, expected in ((found["original"], columns), (found["drawn"][0], [143 - side for side in columns])):
            seen = np.flatnonzero(pixels(data).any(axis=(0, 2)))
            assert {int(seen[0]), int(seen[-1])} == set(expected)


def test_preview_leaves_out_a_mask_that_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "black.png")
    Image.new("P", (10, 20)).save(tmp_path / "mask.png")

    picture = {"file": str(tmp_path / "black.png"), "mask": str(tmp_path / "mask.png")}

    assert told(tmp_path, capsys, picture, {"name": "gamma"}) == []


def test_preview_of_boxes_refuses_what_mixes_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = {"file": str(tmp_path / "gone.png"), "boxes": []}

    (problem,) = told(tmp_path, capsys, picture, {"name": "gamma"}, {"name": "mixup"}, status=2)

    assert problem["key"] == "1.name"


def told(folder: Path, capsys: pytest.CaptureFixture[str], picture: Any, *operations: Any, status: int = 0) -> Any:
    always = [{"probability": 1, **operation} for operation in operations]
    order = {"pictures": [picture], "operations": always, "draws": 1, "seed": 1}
    (folder / "order.json").write_text(json.dumps(order))
    assert main(["augment-preview", str(folder / "order.json")]) == status
    return json.loads(capsys.readouterr().out)["problems" if status else "pictures"]
