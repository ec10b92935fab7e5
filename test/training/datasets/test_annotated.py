"""YOLO, COCO and mask sets as training sees them: in folders and zips, with parts, and with faults."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.dataset import BoxDataset, Dataset, MaskDataset
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.datasets.table import open_dataset, open_path
from deep_predictor.training.fingerprints import fingerprint_all
from deep_predictor.training.splitting import split_dataset
from test.training.datasets.annotated_sets import (
    BOX,
    below,
    coco_files,
    gray_png,
    mask_files,
    mask_of,
    yolo_files,
)
from test.training.datasets.pictures import SIDE, picture, png, write_files, write_zip

BOXES = [[BOX], [], [BOX, (1, 0.25, 0.25, 0.25, 0.125)]]
MASKS = [mask_of(0, 1), mask_of(0, 2, 255), mask_of(0)]


def opened(tmp_path: Path, files: dict[str, bytes]) -> Dataset:
    """As a folder is."""
    return open_path(write_files(tmp_path / "pets", files), tmp_path / "cache")


def told(dataset: Dataset) -> list[str]:
    return [str(problem) for problem in dataset.problems]


@pytest.mark.parametrize("make", [yolo_files, coco_files])
@pytest.mark.parametrize("is_zip", [False, True])
def test_boxes_come_with_their_pictures(tmp_path: Path, make: type, is_zip: bool) -> None:
    files = below("around", make(BOXES))
    path = write_zip(tmp_path / "pets.zip", files) if is_zip else write_files(tmp_path / "pets", files)
    dataset = open_path(path, tmp_path / "cache")

    assert isinstance(dataset, BoxDataset)
    assert (dataset.name, dataset.task, dataset.class_names) == ("pets", "detection", ("cat", "dog"))
    assert [item.name for item in dataset.items] == ["images/0.png", "images/1.png", "images/2.png"]
    assert [dataset.classes_of(index) for index in range(3)] == [(0,), (), (0, 1)]
    np.testing.assert_array_equal(dataset.read(2), picture(2))
    sample = dataset.sample(2)
    assert sample.boxes is not None
    np.testing.assert_allclose(sample.boxes, np.array([[6, 9, 18, 15], [3, 4.5, 9, 7.5]]) * SIDE / 24)
    assert (dataset.read_file(0), dataset.problem_count, dataset.skipped) == ((png(0), "png"), 0, ())


@pytest.mark.parametrize("is_zip", [False, True])
def test_masks_come_with_their_pictures(tmp_path: Path, is_zip: bool) -> None:
    files = mask_files(MASKS)
    path = write_zip(tmp_path / "pets.zip", files) if is_zip else write_files(tmp_path / "pets", files)
    dataset = open_path(path, tmp_path / "cache")

    assert isinstance(dataset, MaskDataset)
    assert (dataset.task, dataset.class_names) == ("segmentation", ("background", "cat", "dog"))
    assert [dataset.classes_of(index) for index in range(3)] == [(0, 1), (0, 2), (0,)]
    np.testing.assert_array_equal(dataset.sample(1).mask, MASKS[1])


@pytest.mark.parametrize(
    ("name", "files"), [("yolo", yolo_files(BOXES)), ("coco", coco_files(BOXES)), ("masks", mask_files(MASKS))]
)
def test_format_that_is_named_opens_folders_and_zips(tmp_path: Path, name: str, files: dict[str, bytes]) -> None:
    for path in (write_files(tmp_path / "pets", files), write_zip(tmp_path / "pets.zip", files)):
        assert len(open_dataset(DatasetOptions(name=name, path=path), tmp_path / "cache").items) == 3
    wrong = "coco" if name != "coco" else "masks"
    with pytest.raises(DatasetUnusable, match="does not hold what is expected: the folder"):
        open_dataset(DatasetOptions(name=wrong, path=tmp_path / "pets"), tmp_path / "cache")


def test_yolo_without_names_says_so(tmp_path: Path) -> None:
    files = yolo_files(BOXES)
    del files["names.txt"]

    with pytest.raises(DatasetUnusable, match=r"names\.txt cannot be read: there is no such file"):
        opened(tmp_path, files)


def test_parts_of_folders_are_kept_and_classes_matched_by_name(tmp_path: Path) -> None:
    train = below("train", coco_files([[BOX], [BOX]]))
    val = below("valid", coco_files([[BOX]], names=("dog", "cow"), first=7))
    dataset = opened(tmp_path, train | val)

    assert dataset.class_names == ("cat", "dog", "cow")
    assert {item.name: item.part for item in dataset.items} == {
        "train/images/0.png": "train",
        "train/images/1.png": "train",
        "valid/images/7.png": "val",
    }
    assert [dataset.classes_of(index) for index in range(3)] == [(0,), (0,), (1,)]


def test_parts_below_images_are_kept_and_what_lies_outside_is_told(tmp_path: Path) -> None:
    files = {}
    for number, folder in enumerate(("train/", "train/", "test/", "")):
        files[f"images/{folder}{number}.png"] = png(number)
        files[f"labels/{folder}{number}.txt"] = b"0 0.5 0.5 0.5 0.25"
    sources = {"sources.json": json.dumps({"images/train/1.png": "images/train/0.png"}).encode()}
    dataset = opened(tmp_path, {"names.txt": b"cat", **files, **sources})

    assert [(item.name, item.part, item.source) for item in dataset.items] == [
        ("images/test/2.png", "test", ""),
        ("images/train/0.png", "train", ""),
        ("images/train/1.png", "train", "images/train/0.png"),
    ]
    assert [(file.name, file.reason) for file in dataset.skipped] == [("images/3.png", "lies outside of test, train")]
    assert [dataset.boxes(index).name for index in range(3)] == [item.name for item in dataset.items]  # type: ignore[attr-defined]


def test_masks_of_parts_share_the_names_at_the_top_or_are_refused(tmp_path: Path) -> None:
    train, test = mask_files(MASKS, prefix="train/"), mask_files(MASKS[:1], prefix="test/", first=5)
    names = train.pop("train/names.txt")
    del test["test/names.txt"]
    dataset = opened(tmp_path / "1", {"names.txt": names, **train, **test})
    assert sorted({item.part or "" for item in dataset.items}) == ["test", "train"]

    with pytest.raises(DatasetUnusable, match="train names other classes than test"):
        opened(tmp_path / "2", {"train/names.txt": b"a\nb\nc", "test/names.txt": b"c\nb\na", **train, **test})
    with pytest.raises(DatasetUnusable, match=r"test/names\.txt cannot be read"):
        opened(tmp_path / "3", {"train/names.txt": b"a\nb\nc", **train, **test})


def test_broken_yolo_lines_are_told_by_file_and_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    files = yolo_files(BOXES, prefix="train/")
    files["train/labels/0.txt"] = b"0 0.5 0.5 0.5 0.25\na cat in the corner\n0 0.5 0.5 -0.1 0.1\n1 1.0 0.5 0.5 0.5\n"
    files["train/images/9.png"] = b"not a picture"
    dataset = opened(tmp_path, files)

    assert len(dataset.items) == 3
    assert dataset.classes_of(0) == (0, 1)
    assert [problem.split(" (")[0] for problem in told(dataset)[:3]] == [
        "train/labels/0.txt: line 2: left out: the class must be a whole number",
        "train/labels/0.txt: line 3: left out: a box must have a size above 0",
        "train/labels/0.txt: line 4: cut: the box reaches out of the picture",
    ]
    assert [problem.split(": ")[:2] for problem in told(dataset)[3:]] == [["train/images/9.png", "left out"]]


def test_coco_that_names_missing_pictures_tells_them_and_the_rest_goes_on(tmp_path: Path) -> None:
    files = coco_files(BOXES)
    del files["images/1.png"]
    content = json.loads(files["annotations.json"])
    content["annotations"][0]["bbox"][2] = -4
    dataset = opened(tmp_path, files | {"annotations.json": json.dumps(content).encode()})

    assert [item.name for item in dataset.items] == ["images/0.png", "images/2.png"]
    assert told(dataset) == [
        "annotations.json: annotation 0: left out: a box must have a size above 0 (got -4 x 6 pixels)",
        "annotations.json: image 1: 1.png is left out: there is no such file",
    ]


def test_broken_masks_are_told_by_file_and_the_rest_goes_on(tmp_path: Path) -> None:
    files = mask_files([mask_of(0, 1, number % 3, 2) for number in range(7)])
    files["masks/1.png"] = gray_png(mask_of(0, 9))
    files["masks/2.png"] = gray_png(mask_of(0, 1, side=SIDE + 1))
    del files["masks/3.png"]
    dataset = opened(tmp_path, files)
    fingerprints = fingerprint_all(dataset, 1)
    found = split_dataset(dataset, fingerprints, 0.2, 0.2, 1)

    assert told(dataset) == ["images/3.png: left out: there is no masks/3.png"]
    assert [(file.name, file.reason) for file in found.left_out] == [
        ("images/1.png", f"masks/1.png: indices of no class: 9 ({SIDE * SIDE // 2} pixels)"),
        ("images/2.png", f"its mask has 25 x 25 pixels, the picture {SIDE} x {SIDE}"),
    ]
    assert len(found.train) == 2
    for index in (1, 2):
        with pytest.raises(ImageUnreadable, match="mask"):
            dataset.sample(index)


def test_zip_of_class_folders_tells_texts_as_before(tmp_path: Path) -> None:
    files = {f"{name}/{number}.png": png(number) for number, name in enumerate(("cat", "cat", "dog", "dog"))}
    path = write_zip(tmp_path / "pets.zip", files | {"cat/notes.txt": b"hello"})
    dataset = open_path(path, tmp_path / "cache")

    assert (dataset.task, dataset.class_names) == ("classification", ("cat", "dog"))
    assert [file.name for file in dataset.skipped] == ["cat/notes.txt"]


def test_zip_with_hostile_names_tells_them(tmp_path: Path) -> None:
    files = yolo_files(BOXES) | {"images/\x1b[2J.png": png(8), "images/a:b/1.png": png(9)}
    dataset = open_path(write_zip(tmp_path / "pets.zip", files), tmp_path / "cache")

    assert len(dataset.items) == 3
    assert [problem.split(": ", 1)[1] for problem in told(dataset)] == [
        "its name holds control characters, or is not UTF-8",
        "its name leads out of the folder, or is not written as folder/file",
    ]
