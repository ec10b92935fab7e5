"""YOLO text: what is read, and each line that is none told by its number."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.annotations import yolo
from deep_predictor.training.annotations.picture_boxes import BoxSet, PictureBoxes
from deep_predictor.training.annotations.problems import ProblemLog
from test.training.annotations.sets import png, read_yolo_set, write_set, yolo_set

GOOD = "1 0.5 0.5 0.25 0.5\n"


def test_read_yolo_gives_boxes_classes_and_sizes(tmp_path: Path) -> None:
    folder = yolo_set(tmp_path, {"b/2": "", "a": "\ufeff0 .5 5e-1 0.25 +0.5\r\n\r\n" + GOOD})
    write_set(folder, {"images/c.png": png(7, 9), "images/.hidden.png": b"x", "images/notes.txt": "x"})
    pictures, problems = read_yolo_set(folder)

    assert problems == []
    assert [(one.name, one.width, one.height) for one in pictures] == [
        ("a.png", 40, 20),
        ("b/2.png", 40, 20),
        ("c.png", 7, 9),
    ]
    assert [one.classes.tolist() for one in pictures] == [[0, 1], [], []]
    assert pictures[0].boxes_norm.tolist() == [[0.5, 0.5, 0.25, 0.5]] * 2
    assert not pictures[0].is_crowd.any()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("cat 0.5 0.5 0.1 0.1", "the class must be a whole number (got 'cat')"),
        ("-1 0.5 0.5 0.1 0.1", "the class must be a whole number"),
        ("1.0 0.5 0.5 0.1 0.1", "the class must be a whole number"),
        ("٣ 0.5 0.5 0.1 0.1", "the class must be a whole number"),
        ("2 0.5 0.5 0.1 0.1", "there is no class 2: the names end at 1"),
        ("0 0.5 0.5 0.1", "5 numbers make a box: class cx cy w h (got 4 fields)"),
        ("0 0.5 0.5 0.1 0.1 0.9", "(got 6 fields)"),
        ("0 0.5 text 0.1 0.1", "'text' is no number"),
        ("0 0.5 nan 0.1 0.1", "'nan' is no number"),
        ("0 0.5 inf 0.1 0.1", "'inf' is no number"),
        ("0 0.5 1_0 0.1 0.1", "'1_0' is no number"),
        ("0 0.5 \x1b[2J 0.1 0.1", "'\\x1b[2J' is no number"),
        ("0 0.5 1e999 0.1 0.1", "not finite"),
        ("0 0.5 " + "0" * 10**5 + " 0.1 0.1", "is no number"),
        ("9" * 5000 + " 0.5 0.5 0.1 0.1", "the class must be a whole number"),
        ("0 0.5 0.5 -0.1 0.1", "a box must have a size above 0 (got -4 x 2 pixels)"),
        ("0 0.5 0.5 0.1 0", "a box must have a size above 0"),
        ("0 1.5 0.5 0.1 0.1", "the box lies outside of the picture"),
        ("0 120 80 30 20", "the box lies outside of the picture"),
    ],
)
def test_read_yolo_line_that_is_none_is_told_and_the_rest_goes_on(tmp_path: Path, line: str, reason: str) -> None:
    pictures, problems = read_yolo_set(yolo_set(tmp_path, {"a": f"{GOOD}{line}\n{GOOD}", "b": GOOD}))

    assert [len(one.classes) for one in pictures] == [2, 1]
    assert len(problems) == 1
    assert problems[0].startswith("labels/a.txt: line 2: left out: ")
    assert reason in problems[0]
    assert len(problems[0]) < 250
    assert "\x1b" not in problems[0]


def test_read_yolo_box_over_the_edge_is_cut_and_told(tmp_path: Path) -> None:
    pictures, problems = read_yolo_set(yolo_set(tmp_path, {"a": "0 0.0 0.5 0.5 0.5\n0 0.1 0.5 0.2000004 0.5"}))

    np.testing.assert_allclose(pictures[0].boxes_norm, [[0.125, 0.5, 0.25, 0.5], [0.1, 0.5, 0.2, 0.5]], atol=1e-6)
    assert problems == ["labels/a.txt: line 1: cut: the box reaches out of the picture (40 x 20 pixels)"]


def test_read_yolo_broken_files_are_told_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yolo, "MAX_LABEL_BYTES", 1000)
    folder = yolo_set(tmp_path, {"latin": b"0 \xff\xfe", "long": GOOD * 100, "good": GOOD, "twice": GOOD})
    write_set(folder, {"images/twice.jpg": png(), "images/broken.png": png()[:40], "labels/alone.txt": GOOD})
    os.mkfifo(folder / "images" / "pipe.png")
    (folder / "images" / "gone.png").symlink_to("nowhere.png")
    pictures, problems = read_yolo_set(folder)

    assert [one.name for one in pictures] == ["good.png", "twice.jpg"]
    assert [problem.split(": ", 1)[0] for problem in problems] == [
        "images/gone.png",
        "images/pipe.png",
        "images/broken.png",
        "labels/latin.txt",
        "labels/long.txt",
        "images/twice.png",
        "labels/alone.txt",
    ]
    told = "\n".join(problems)
    for part in ("not UTF-8 at byte 2", "over 1000 bytes", "no picture of this name", "share its labels", "cut short"):
        assert part in told


@pytest.mark.skipif(os.name != "posix", reason="names that are not UTF-8 need a POSIX file system")
def test_read_yolo_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    folder = yolo_set(tmp_path, {"a": GOOD})
    (Path(os.fsdecode(bytes(folder / "images") + b"/\xff.png"))).write_bytes(png())
    (folder / "images" / "new\nline.png").write_bytes(png())
    pictures, problems = read_yolo_set(folder)

    assert [one.name for one in pictures] == ["a.png"]
    assert len(problems) == 2
    for problem in problems:
        assert "control characters" in problem
        assert problem.isprintable()
        assert problem.encode()


@pytest.mark.parametrize(
    ("names", "message"),
    [("", "holds no name"), ("cat\ncat\n", "stands there twice"), (b"\xff", "UTF-8"), ("a\x1b\n", "control")],
)
def test_read_yolo_names_that_no_model_could_have_raise(tmp_path: Path, names: str | bytes, message: str) -> None:
    with pytest.raises(DatasetUnusable, match=message):
        yolo.read_yolo(yolo_set(tmp_path, {"a": GOOD}, names), ProblemLog())


def test_read_yolo_without_its_parts_raises(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnusable, match="cannot be read"):
        yolo.read_yolo(tmp_path, ProblemLog())
    write_set(tmp_path, {"names.txt": "cat"})
    with pytest.raises(DatasetUnusable, match="no such folder"):
        yolo.read_yolo(tmp_path, ProblemLog())


def test_read_yolo_sizes_are_those_of_upright_pictures(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("jpeg", "png", "webp", "gif", "bmp"):
        data = io.BytesIO()
        Image.new("RGB", (30, 10)).save(data, kind, **({} if kind in ("gif", "bmp") else {"exif": exif}))
        write_set(tmp_path, {f"images/{kind}.{kind}": data.getvalue(), "names.txt": "cat"})
    pictures, problems = read_yolo_set(tmp_path)

    assert problems == []
    assert {one.name: (one.width, one.height) for one in pictures} == {
        "jpeg.jpeg": (10, 30),
        "png.png": (10, 30),
        "webp.webp": (10, 30),
        "gif.gif": (30, 10),
        "bmp.bmp": (30, 10),
    }


def test_write_yolo_tells_what_the_format_cannot_say(tmp_path: Path) -> None:
    boxes = np.array([[0.5, 0.5, 0.25, 1e-5], [0.5, 0.5, 0.1, 0.1]])
    pictures = [
        PictureBoxes(name, 40, 20, boxes, np.array([1, 0]), np.array([False, True])) for name in ("a.png", "a.jpg")
    ]
    log = ProblemLog()

    assert yolo.write_yolo(tmp_path, BoxSet(("cat", "dög"), iter(pictures)), log) == 1
    assert (tmp_path / "labels/a.txt").read_text() == "1 0.5 0.5 0.25 1e-05\n"
    assert (tmp_path / "names.txt").read_text(encoding="utf-8") == "cat\ndög\n"
    assert [str(problem) for problem in log.first] == [
        "labels/a.txt: 1 regions of crowds are not written",
        "labels/a.txt: not written again for 'a.jpg'",
    ]
