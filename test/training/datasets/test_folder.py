"""A folder of pictures as people have them: with junk, links, strange names and a broken file in the middle."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.datasets import picture_files
from deep_predictor.training.datasets.table import open_path
from deep_predictor.training.fingerprints import fingerprint_all
from deep_predictor.training.splitting import split_dataset
from test.training.datasets.pictures import jpeg, picture, png, small_set, write_files


def opened(folder: Path) -> Dataset:
    return open_path(folder, folder.parent / "cache")


def test_folder_gives_each_picture_with_its_class(tmp_path: Path) -> None:
    dataset = opened(write_files(tmp_path / "pets", small_set()))

    assert dataset.name == "pets"
    assert dataset.class_names == ("cat", "dog")
    assert [item.name for item in dataset.items] == [f"{name}/{i}.png" for name in ("cat", "dog") for i in range(4)]
    assert [item.label for item in dataset.items] == [0] * 4 + [1] * 4
    for number in range(8):
        np.testing.assert_array_equal(dataset.read(number), picture(number))
        assert dataset.read_file(number) == (png(number), "png")
        assert dataset.content_hash(number) == hashlib.sha256(png(number)).hexdigest()


def test_folder_reads_a_jpeg_smaller_and_turned_as_serving_does(tmp_path: Path) -> None:
    files = small_set() | {"cat/large.jpg": jpeg(picture(99, 320, 480))}
    dataset = opened(write_files(tmp_path / "pets", files))
    index = [item.name for item in dataset.items].index("cat/large.jpg")

    assert dataset.read(index).shape == (320, 480, 3)
    assert dataset.read(index, (100, 60)).shape == (80, 120, 3)


def test_folder_knows_pictures_by_content_where_the_extension_says_nothing(tmp_path: Path) -> None:
    dataset = opened(
        write_files(tmp_path / "pets", small_set() | {"cat/0.data": jpeg(picture(7)), "cat/9.JPEG": png(8)})
    )
    names = [item.name for item in dataset.items]

    assert dataset.read_file(names.index("cat/0.data"))[1] == "jpg"
    assert dataset.read_file(names.index("cat/9.JPEG"))[1] == "png"


def test_folder_lists_what_is_no_picture_and_passes_junk_over(tmp_path: Path) -> None:
    junk = ["__MACOSX/cat/._1.png", ".DS_Store", "cat/Thumbs.db", "cat/.hidden.png", "desktop.ini", ".git/config"]
    others = {
        "readme.txt": b"hello",
        "cat/labels.csv": b"1,2",
        "cat/more.zip": b"PK\x03\x04",
        "cat/scan.tiff": b"II*\x00",
    }
    files = small_set() | dict.fromkeys(junk, b"?") | others

    dataset = opened(write_files(tmp_path / "pets", files))

    assert len(dataset.items) == 8
    reasons = {file.name: file.reason for file in dataset.skipped}
    assert set(reasons) == set(others)
    assert reasons["cat/more.zip"] == "an archive inside a data set is not opened"
    assert reasons["readme.txt"].startswith("no picture of a format that is read")


def test_folder_with_a_broken_file_in_the_middle_goes_on_without_it(tmp_path: Path) -> None:
    files = small_set(count=6)
    files["cat/3.png"] = files["cat/3.png"][:40]
    files["dog/0.png"] = b""
    dataset = opened(write_files(tmp_path / "pets", files))

    fingerprints = fingerprint_all(dataset, 2)
    split = split_dataset(dataset, fingerprints, 0.2, 0.2, seed=1)

    broken = {"cat/3.png", "dog/0.png"}
    assert {item.name for item, f in zip(dataset.items, fingerprints, strict=True) if f.problem} == broken
    assert {file.name for file in split.left_out} == broken
    assert all(file.reason.startswith("the image cannot be read: ") for file in split.left_out)
    used = [dataset.items[i].name for part in (split.train, split.val, split.test) for i in part]
    assert sorted(used) == sorted(set(files) - broken)
    with pytest.raises(ImageUnreadable):
        dataset.read([item.name for item in dataset.items].index("cat/3.png"))


def test_folder_whose_file_goes_while_it_is_read_says_so(tmp_path: Path) -> None:
    dataset = opened(write_files(tmp_path / "pets", small_set()))
    (tmp_path / "pets/cat/0.png").unlink()

    with pytest.raises(ImageUnreadable, match="No such file"):
        dataset.read(0)
    assert fingerprint_all(dataset, 1)[0].content == ""


def test_folder_with_a_file_too_large_to_be_a_picture_does_not_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = opened(write_files(tmp_path / "pets", small_set()))
    monkeypatch.setattr(picture_files, "MAX_PICTURE_BYTES", 10)

    with pytest.raises(ImageUnreadable, match="up to 10 are read"):
        dataset.read(0)


def test_folder_follows_links_but_each_folder_once(tmp_path: Path) -> None:
    write_files(tmp_path / "elsewhere", {"1.png": png(50), "2.png": png(51)})
    pets = write_files(tmp_path / "pets", small_set())
    (pets / "bird").symlink_to(tmp_path / "elsewhere")
    (pets / "cat" / "loop").symlink_to(pets)
    (pets / "dog" / "gone.png").symlink_to(tmp_path / "nothing")

    dataset = opened(pets)

    assert dataset.class_names == ("bird", "cat", "dog")
    assert len(dataset.items) == 10
    reasons = {file.name: file.reason for file in dataset.skipped}
    assert reasons == {
        "cat/loop": "a link to a folder that was read already",
        "dog/gone.png": "neither a file nor a folder",
    }


def test_folder_does_not_wait_at_a_pipe(tmp_path: Path) -> None:
    pets = write_files(tmp_path / "pets", small_set())
    os.mkfifo(pets / "cat" / "pipe.png")

    assert [file.reason for file in opened(pets).skipped] == ["neither a file nor a folder"]


def test_folder_lists_names_that_are_no_utf8(tmp_path: Path) -> None:
    pets = write_files(tmp_path / "pets", small_set())
    (pets / "cat" / os.fsdecode(b"\xff.png")).write_bytes(png(9))

    assert [(file.name, file.reason) for file in opened(pets).skipped] == [("cat/\\udcff.png", "its name is not UTF-8")]


def test_folder_is_read_to_a_depth_only(tmp_path: Path) -> None:
    deep = "/".join(["cat", *(["d"] * 40)])
    dataset = opened(write_files(tmp_path / "pets", small_set() | {f"{deep}/1.png": png(70)}))

    assert [file.reason for file in dataset.skipped] == ["folders are read 32 deep"]


def test_folder_that_cannot_be_opened_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pets = write_files(tmp_path / "pets", small_set() | {"cat/secret/1.png": png(1)})
    scan = os.scandir

    def refuse(folder: str) -> object:
        if folder.endswith("secret"):
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)

    assert [(f.name, f.reason) for f in opened(pets).skipped] == [("cat/secret", "cannot be opened: Permission denied")]


def test_folder_sources_go_to_their_items(tmp_path: Path) -> None:
    sources = {
        "cat/1.png": "cat/0.png",
        "./dog/1.png": "originals/x.jpg",
        "dog/2.png": "dog/2.png",
        "gone.png": "cat/0.png",
    }
    files = small_set(prefix="set/") | {"set/sources.json": json.dumps(sources).encode()}

    dataset = opened(write_files(tmp_path / "pets", files))

    assert {item.name: item.source for item in dataset.items if item.source} == {
        "cat/1.png": "cat/0.png",
        "dog/1.png": "originals/x.jpg",
    }
    assert dataset.skipped == ()


def test_folder_with_sources_in_another_place_says_that_they_are_not_read(tmp_path: Path) -> None:
    dataset = opened(write_files(tmp_path / "pets", small_set() | {"cat/sources.json": b"{}"}))

    assert [(file.name, file.reason) for file in dataset.skipped] == [
        ("cat/sources.json", "a sources.json is read from the set's own folder alone")
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"cat/1.png": 3}', "'cat/1.png' must name its source"),
        (b'{"cat/1.png": ""}', "'cat/1.png' must name its source"),
        (b"[" * 100_000, "is not JSON"),
    ],
)
def test_folder_with_unreadable_sources_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DatasetUnusable, match=message):
        opened(write_files(tmp_path / "pets", small_set() | {"sources.json": content}))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no labelled picture; a folder is expected to hold one folder of pictures a class"),
        ({"readme.txt": b"hello"}, r"1 files were left out, the first readme.txt: no picture"),
        ({"1.png": b"", "2.png": b""}, "the first 1.png: lies in no class folder"),
        ({"cat/1.png": b""}, "at least two classes"),
        ({"cat /1.png": b"", "dog/1.png": b""}, "the class name 'cat ' is not one line"),
    ],
)
def test_folder_without_classes_is_refused(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    (tmp_path / "pets").mkdir()

    with pytest.raises(DatasetUnusable, match=message):
        opened(write_files(tmp_path / "pets", files))
