"""Masks: by numbers and by colours, and what is wrong with one told while the rest goes on."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from deep_predictor.errors import DatasetUnusable
from deep_predictor.images.masks import read_mask
from deep_predictor.training.annotations import mask_files
from deep_predictor.training.annotations.colour_table import read_colour_table
from deep_predictor.training.annotations.masks import read_masks, write_masks
from deep_predictor.training.annotations.picture_masks import MaskSet, PictureMask
from deep_predictor.training.annotations.problems import ProblemLog
from deep_predictor.training.annotations.set_files import SetFiles
from test.training.annotations.sets import png, write_set

NAMES = "background\nroad\ncar\n"
TABLE = "name,r,g,b\nbackground,0,0,0\nroad,128,64,128\n\ncar, 0, 0, 142\n,224,224,192\n"
COLOURS = np.array([[0, 0, 0], [128, 64, 128], [0, 0, 142]] + [[9, 9, 9]] * 252 + [[224, 224, 192]], np.uint8)
MASK = np.zeros((20, 40), np.uint8)
MASK[2:9, 3:30], MASK[9:15, 20:], MASK[19] = 1, 2, 255


def saved(picture: Image.Image, **options: int) -> bytes:
    data = io.BytesIO()
    picture.save(data, "png", **options)
    return data.getvalue()


def indexed(mask: np.ndarray, bits: int = 8) -> bytes:
    picture = Image.fromarray(mask)
    picture.putpalette(COLOURS.tobytes())
    return saved(picture, bits=bits)


def mask_set(folder: Path, masks: dict[str, bytes], table: str = "") -> Path:
    """A picture of 40 x 20 for each mask."""
    write_set(folder, {"names.txt": NAMES, **({"colours.csv": table} if table else {})})
    write_set(folder, {f"images/{name}.jpg": png() for name in masks})
    return write_set(folder, {f"masks/{name}.png": data for name, data in masks.items()})


def read_all(folder: Path) -> tuple[list[PictureMask], list[str]]:
    log = ProblemLog()
    masks = list(read_masks(folder, log).masks)
    return masks, [str(problem) for problem in log.first]


def test_read_masks_gives_the_numbers_of_indexed_and_gray_pngs(tmp_path: Path) -> None:
    small = MASK % 3  # 255 -> 0
    masks = {"a/p8": indexed(MASK), "p2": indexed(small, 2), "gray": saved(Image.fromarray(MASK))}
    masks["bits"] = saved(Image.fromarray(small == 1))
    found, problems = read_all(mask_set(tmp_path, masks))

    assert problems == []
    of = {one.name: one.mask for one in found}
    assert list(of) == ["a/p8.jpg", "bits.jpg", "gray.jpg", "p2.jpg"]
    for name, wanted in (("a/p8", MASK), ("p2", small), ("gray", MASK), ("bits", small == 1)):
        np.testing.assert_array_equal(of[f"{name}.jpg"], wanted)
        assert of[f"{name}.jpg"].dtype == np.uint8


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_read_masks_gray_of_few_bits_keeps_its_numbers(tmp_path: Path, bits: int) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    # One row of 40 pixels, all of number 1, twenty times.
    row = b"\0" + bytes([{1: 0xFF, 2: 0x55, 4: 0x11}[bits]]) * (40 * bits // 8)
    header = struct.pack(">IIBBBBB", 40, 20, bits, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * 20)) + chunk(b"IEND", b"")
    found, problems = read_all(mask_set(tmp_path, {"a": b"\x89PNG\r\n\x1a\n" + body}))

    assert problems == []
    assert np.unique(found[0].mask).tolist() == [1]


def test_read_masks_gives_the_classes_of_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_files, "_BAND_PIXELS", 100)
    rgb = Image.fromarray(COLOURS[MASK])
    masks = {"rgb": saved(rgb), "rgba": saved(rgb.convert("RGBA")), "indexed": indexed(MASK)}
    folder = mask_set(tmp_path, masks, TABLE)
    found, problems = read_all(folder)

    assert problems == []
    assert len(found) == 3
    for one in found:
        np.testing.assert_array_equal(one.mask, MASK)
    assert read_masks(folder, ProblemLog()).class_names == ("background", "road", "car")


def test_read_masks_broken_ones_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    wrong = MASK.copy()
    wrong[0, :5], wrong[1, 0], wrong[1, 1], wrong[1, 2] = 3, 200, 201, 202
    masks = {
        "good": indexed(MASK),
        "index": indexed(wrong),
        "size": indexed(MASK[:, :-1].copy()),
        "colours": saved(Image.fromarray(COLOURS[MASK])),
        "deep": saved(Image.fromarray(MASK.astype(np.uint16))),
        "cut": indexed(MASK)[:-30],
        "jpeg": cv2.imencode(".jpg", MASK)[1].tobytes(),
        "text": b"no mask",
    }
    folder = mask_set(tmp_path, masks)
    write_set(folder, {"images/maskless.jpg": png(), "images/good.png": png(), "masks/alone.png": indexed(MASK)})
    write_set(folder, {"images/broken.jpg": b"\xff\xd8\xff", "masks/broken.png": indexed(MASK)})
    found, problems = read_all(folder)

    assert [one.name for one in found] == ["good.jpg"]
    told = {problem.split(": ")[0]: problem for problem in problems}
    for file, reason in (
        ("masks/index.png", "indices of no class: 3 (5 pixels), 200 (1 pixels), 201 (1 pixels) and 1 more"),
        ("masks/size.png", "the mask has 39 x 20 pixels, the upright picture 40 x 20"),
        ("masks/colours.png", "give a table of colours"),
        ("masks/deep.png", "8 bits a sample or fewer"),
        ("masks/cut.png", "cut short"),
        ("masks/jpeg.png", "must be a PNG"),
        ("masks/text.png", "must be a PNG"),
        ("images/maskless.jpg", "there is no masks/maskless.png"),
        ("images/good.png", "would share its mask with good.jpg"),
        ("images/broken.jpg", "cannot be read"),
        ("masks/alone.png", "no picture of this name"),
    ):
        assert reason in told.pop(file)
    assert told == {}


def test_read_masks_unknown_colours_are_named(tmp_path: Path) -> None:
    coloured = COLOURS[MASK]
    coloured[0, :7] = (255, 0, 1)
    clear = Image.fromarray(COLOURS[MASK]).convert("RGBA")
    clear.putpixel((0, 0), (0, 0, 0, 9))
    masks = {"a": saved(Image.fromarray(coloured)), "b": saved(clear), "c": saved(clear.convert("LA"))}
    found, problems = read_all(mask_set(tmp_path, masks, TABLE))

    assert found == []
    assert "colours of no class: #ff0001 (7 pixels)" in problems[0]
    assert "transparent in places" in problems[1]
    assert "of the kind" in problems[2]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("a,0,0,0\na,1,1,1\n", "'a' stands there twice"),
        ("a,0,0,0\nb,0,0,0\n", r"line 2: the colour \(0, 0, 0\) stands there twice"),
        ("a,0,0\n", "line 1: name,r,g,b make a colour"),
        ("a,0,0,256\n", "line 1: '256' is no number of 0..255"),
        ("a,0,0,-1\n", "is no number"),
        ("a,0,0,x\n", "is no number"),
        ("a,0,0,٣\n", "is no number"),
        (",0,0,0\n", "names 0 classes"),
        ("", "names 0 classes"),
        ("a\x1b,0,0,0\n", "control characters"),
        ("\n" * 3000 + "a,0,0,0", "names 0 classes"),
        ("".join(f"c{n},{n},0,0\n" for n in range(255)), "up to 254"),
    ],
)
def test_read_colour_table_that_is_none_raises(tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "colours.csv").write_text(table, encoding="utf-8")
    with pytest.raises(DatasetUnusable, match=message):
        read_colour_table(SetFiles.of(tmp_path), "colours.csv")


def test_read_colour_table_that_is_not_utf8_or_absent_raises(tmp_path: Path) -> None:
    (tmp_path / "colours.csv").write_bytes(b"\xff")
    with pytest.raises(DatasetUnusable, match="not UTF-8"):
        read_colour_table(SetFiles.of(tmp_path), "colours.csv")
    with pytest.raises(DatasetUnusable, match=r"absent\.csv cannot be read: there is no such file"):
        read_colour_table(SetFiles.of(tmp_path), "absent.csv")


def test_read_masks_more_classes_than_a_mask_has_raise(tmp_path: Path) -> None:
    write_set(tmp_path, {"names.txt": "".join(f"{number}\n" for number in range(255))})
    with pytest.raises(DatasetUnusable, match="up to 254"):
        read_masks(tmp_path, ProblemLog())


def test_write_masks_are_read_again_unchanged(tmp_path: Path) -> None:
    masks = [PictureMask(f"x/{number}.jpg", np.roll(MASK, number, axis=1)) for number in range(3)]
    masks.append(PictureMask("x/2.png", MASK))
    log = ProblemLog()

    assert write_masks(tmp_path, MaskSet(("background", "road", "car"), iter(masks)), log) == 3
    assert [str(problem) for problem in log.first] == ["masks/x/2.png: not written again for 'x/2.png'"]
    write_set(tmp_path, {f"images/x/{number}.jpg": png() for number in range(3)})
    found, problems = read_all(tmp_path)
    assert problems == []
    for one, made in zip(found, masks, strict=False):
        np.testing.assert_array_equal(one.mask, made.mask)
    colours = read_mask(tmp_path / "masks/x/0.png")[1]
    assert colours[[0, 255]].tolist() == [[0, 0, 0], [224, 224, 192]]
    assert len({tuple(colour) for colour in colours[:3].tolist()}) == 3
