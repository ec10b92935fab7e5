"""`cutout`: what a box holds comes out, of pictures of any size and with boxes at their border."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from deep_predictor.errors import ConfigError, CutoutFailed, ImageUnreadable, OutputUnwritable
from deep_predictor.training import cutout
from deep_predictor.training.augmentation.shelves import decode_cutout
from deep_predictor.training.cutout import Box, cut_out
from test.training.augmentation.pictures import noise, write_jpg, write_png

RED, GREEN = (200, 30, 20), (20, 150, 60)


def scene(height: int = 60, width: int = 80, box: Box | None = None) -> np.ndarray:
    """A red disk in `box` (default: the middle) on green, both a little noisy."""
    rng = np.random.default_rng(1)
    image = np.full((height, width, 3), GREEN, np.uint8)
    box = box or Box(width // 4, height // 4, 3 * width // 4, 3 * height // 4)
    center = ((box.left + box.right - 1) // 2, (box.top + box.bottom - 1) // 2)
    axes = ((box.right - box.left) // 2, (box.bottom - box.top) // 2)
    cv2.ellipse(image, center, axes, 0, 0, 360, RED, -1)
    return np.clip(image.astype(int) + rng.integers(-12, 13, image.shape), 0, 255).astype(np.uint8)


def is_red(pixels: np.ndarray) -> np.ndarray:
    return pixels[:, :, 0] > 110


def test_cut_out_finds_the_thing_and_makes_the_rest_transparent() -> None:
    image = scene()

    found = cut_out(image, Box(15, 10, 65, 50))

    opaque = found[:, :, 3] == 255
    assert set(np.unique(found[:, :, 3])) == {0, 255}
    assert is_red(found)[opaque].mean() > 0.99
    assert opaque.sum() == pytest.approx(is_red(image).sum(), rel=0.05)
    assert not found[~opaque].any()
    # no margin, and the pixels are the picture's
    assert opaque.any(axis=1)[[0, -1]].all()
    assert opaque.any(axis=0)[[0, -1]].all()
    rows, columns = np.nonzero(is_red(image))
    top, left = rows.min(), columns.min()
    part = image[top : top + found.shape[0], left : left + found.shape[1]]
    assert (found[:, :, :3][opaque] == part[opaque]).mean() > 0.9


@pytest.mark.parametrize("thing", [Box(0, 0, 30, 30), Box(50, 30, 80, 60), Box(0, 20, 40, 60)])
def test_cut_out_with_a_box_at_the_border(thing: Box) -> None:
    image = scene(box=thing)

    found = cut_out(image, thing)

    opaque = found[:, :, 3] > 0
    assert is_red(found)[opaque].mean() > 0.98
    assert opaque.sum() > 0.9 * is_red(image).sum()


def test_cut_out_with_the_whole_picture_as_box_guesses_that_the_rim_is_background() -> None:
    found = cut_out(scene(), Box(0, 0, 80, 60))

    opaque = found[:, :, 3] > 0
    assert is_red(found)[opaque].mean() > 0.95


def test_cut_out_of_a_big_picture_is_sharp_and_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutout, "_LONGEST_SIDE", 100)
    image = scene(360, 480)

    found = cut_out(image, Box(100, 70, 380, 290))

    opaque = found[:, :, 3] > 127
    assert opaque.sum() == pytest.approx(is_red(image).sum(), rel=0.05)
    assert opaque.any(axis=1).sum() == pytest.approx(180, abs=8)
    assert is_red(found)[opaque].mean() > 0.95


def test_cut_out_repeats() -> None:
    image = (scene() // 2 + noise(60, 80) // 2).astype(np.uint8)

    found = []
    for seed in (1, 99):
        cv2.setRNGSeed(seed)  # what others drew before does not count
        found.append(cut_out(image, Box(15, 10, 65, 50)).tobytes())

    assert found[0] == found[1]


def test_cut_out_leaves_its_input() -> None:
    image = scene()
    image.flags.writeable = False
    before = image.tobytes()

    cut_out(image, Box(15, 10, 65, 50))

    assert image.tobytes() == before


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 3), (4, 7), (1, 3000), (3000, 2)], ids=str)
def test_cut_out_of_any_size_gives_something_of_the_box_or_says_that_there_is_nothing(size: tuple[int, int]) -> None:
    height, width = size
    boxes = {Box(0, 0, width, height), Box(0, 0, 1, 1), Box(width - 1, height - 1, width, height)}
    for image in (noise(height, width), np.full((height, width, 3), 7, np.uint8)):
        for box in boxes:
            try:
                found = cut_out(image, box)
            except CutoutFailed:
                continue
            assert found.shape[2] == 4
            assert found.shape[0] <= box.bottom - box.top
            assert found.shape[1] <= box.right - box.left
            assert found[:, :, 3].any()


def test_cut_out_of_a_tiny_box_is_the_box() -> None:
    assert cut_out(noise(5, 5), Box(1, 2, 3, 4))[:, :, 3].tolist() == [[255, 255], [255, 255]]


def test_cut_out_where_nothing_stands_out_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_background(image: Any, mask: np.ndarray, *others: Any) -> None:
        mask[:] = cv2.GC_BGD

    monkeypatch.setattr(cutout.cv2, "grabCut", all_background)

    with pytest.raises(CutoutFailed, match="nothing in the box stands out"):
        cut_out(scene(), Box(15, 10, 65, 50))


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        (Box(10, 10, 10, 20), "is empty"),
        (Box(10, 20, 20, 10), "is empty"),
        (Box(0, 0, 0, 0), "is empty"),
        (Box(-1, 0, 10, 10), "leaves the picture of 80 x 60 pixels"),
        (Box(0, 0, 81, 60), "leaves the picture"),
        (Box(0, 0, 80, 61), "leaves the picture"),
        (Box(100, 100, 120, 120), "must lie within 0,0,80,60"),
    ],
)
def test_cut_out_with_a_wrong_box_is_refused(box: Box, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        cut_out(scene(), box)


def args_of(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cutout.add_arguments(parser)
    return parser.parse_args(list(words))


def test_run_writes_a_png_that_knows_its_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = write_jpg(tmp_path / "photo.jpg", scene())
    output = tmp_path / "thing.png"

    assert cutout.run(args_of(str(photo), "15,10,65,50", "--output", str(output), "--json")) == 0

    told = json.loads(capsys.readouterr().out)
    with Image.open(output) as image:
        assert image.mode == "RGBA"
        assert (image.width, image.height) == (told["width"], told["height"])
    pixels, origin = decode_cutout(output.read_bytes())
    assert origin == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert pixels.shape[:2] == (told["height"], told["width"])
    first = output.read_bytes()
    cutout.run(args_of(str(photo), "15 10 65 50", "--output", str(output), "--replace"))
    assert output.read_bytes() == first


def test_run_without_an_output_writes_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    photo = write_png(tmp_path / "photo.png", scene())

    assert cutout.run(args_of(str(photo), "15,10,65,50")) == 0
    assert capsys.readouterr().out.startswith("photo_cutout.png: ")
    with pytest.raises(OutputUnwritable, match="is there already"):
        cutout.run(args_of(str(photo), "15,10,65,50"))


def test_run_turns_a_picture_by_its_exif_before_the_box_counts(tmp_path: Path) -> None:
    image = scene(60, 80, Box(0, 0, 30, 30))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    Image.fromarray(image).save(tmp_path / "turned.png", exif=exif)

    cutout.run(args_of(str(tmp_path / "turned.png"), "30,0,60,30", "--output", str(tmp_path / "x.png")))

    pixels, _ = decode_cutout((tmp_path / "x.png").read_bytes())
    assert is_red(pixels)[pixels[:, :, 3] > 0].mean() > 0.98


@pytest.mark.parametrize("box", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1.5,2,3,4"])
def test_run_with_a_box_that_is_none_is_refused(box: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        args_of("photo.jpg", box)

    assert ended.value.code == 2
    assert "must be left,top,right,bottom in whole pixels" in capsys.readouterr().err


def test_run_with_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_text("text")
    for name, reason in (("x.jpg", "no known picture format"), ("absent.jpg", "absent.jpg: No such file")):
        with pytest.raises(ImageUnreadable, match=reason):
            cutout.run(args_of(str(tmp_path / name), "0,0,1,1", "--output", str(tmp_path / "o.png")))
    assert not (tmp_path / "o.png").exists()
