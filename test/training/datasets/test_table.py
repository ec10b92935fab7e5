"""What `dataset_options` may say, and how a path is known without being told its format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.datasets.format import DatasetFormat
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.datasets.sklearn_digits import render_digit
from deep_predictor.training.datasets.table import FORMATS, get_format, open_dataset, open_path
from test.training.datasets.pictures import small_set, write_files, write_zip


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_the_table_is_there(name: str) -> None:
    assert issubclass(get_format(name), DatasetFormat)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_line_in_its_document(name: str, project_root: Path) -> None:
    assert f"\n| `{name}` |" in (project_root / "docs/training/datasets.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", DatasetOptions.model_fields)
def test_every_option_has_a_line_in_its_document(key: str, project_root: Path) -> None:
    assert f"`{key}`" in (project_root / "docs/training/datasets.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"name": "imagenet"},
            "is unknown; known are: cifar10, coco, digit_scenes, folder, hdf5, listing, masks, sklearn_digits",
        ),
        ({"name": "folder"}, "path must name the file or folder of format 'folder'"),
        ({"name": "sklearn_digits", "path": "x"}, "path has no meaning for format 'sklearn_digits'"),
        ({"name": "sklearn_digits", "val_share": 0.5, "test_share": 0.5}, "must leave something to train on"),
        ({"name": "sklearn_digits", "val_share": 0}, "greater than 0"),
        ({"name": "sklearn_digits", "shuffle": True}, "Extra inputs"),
        ({"name": "zip", "path": "x", "max_files": 0}, "greater than 0"),
        ({"name": "digit_scenes", "path": "x"}, "path has no meaning for format 'digit_scenes'"),
        ({"name": "digit_scenes", "scene_options": {"count": 2}}, "greater than or equal to 3"),
        ({"name": "digit_scenes", "scene_options": {"task": "classification"}}, "'detection' or 'segmentation'"),
        ({"name": "yolo", "path": "x", "scene_options": {}}, "scene_options have no meaning for format 'yolo'"),
        ({"name": "coco"}, "path must name the file or folder of format 'coco'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DatasetOptions.model_validate(options)


def test_open_path_knows_what_lies_there(tmp_path: Path) -> None:
    files = small_set()
    paths = [write_files(tmp_path / "pets", files), write_zip(tmp_path / "pets.zip", files)]
    paths.append(write_zip(tmp_path / "pets without an extension", files))

    for path in paths:
        assert len(open_path(path, tmp_path / "cache").items) == 8


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("gone", None, "is not there"),
        (
            "notes.txt",
            b"hello",
            "neither a folder nor a file of a known format; known are: sklearn_digits, digit_scenes",
        ),
        ("set.zip", b"hello", "it is no zip"),
        ("set.tar.gz", b"hello", "it is no tar"),
        ("set.h5", b"\x89HDF\r\n\x1a\nbroken", "it is no HDF5 file"),
    ],
)
def test_open_path_says_what_is_wrong(tmp_path: Path, name: str, data: bytes | None, message: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)

    with pytest.raises(DatasetUnusable, match=message):
        open_path(tmp_path / name, tmp_path / "cache")


@pytest.mark.parametrize("name", ["folder", "zip", "cifar10", "hdf5"])
def test_open_dataset_of_a_missing_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetUnusable, match=r"gone.*(is no folder|No such file)"):
        open_dataset(DatasetOptions(name=name, path=tmp_path / "gone"), tmp_path)


def test_get_format_of_an_unknown_name_is_refused() -> None:
    with pytest.raises(DatasetUnusable, match="'x' is unknown; known are: sklearn_digits"):
        get_format("x")


def test_digits_are_all_1797_pictures_of_ten_classes(tmp_path: Path) -> None:
    digits = open_dataset(DatasetOptions(name="sklearn_digits"), tmp_path)

    assert len(digits.items) == 1797
    assert digits.class_names == tuple("0123456789")
    assert digits.read(0).shape == (64, 64, 3)
    assert len({digits.content_hash(index) for index in range(1797)}) == 1797


def test_render_digit_blank_grid_is_white_paper() -> None:
    assert (render_digit(np.zeros((8, 8))) == 255).all()


def test_render_digit_full_grid_is_dark_ink_inside_a_white_border() -> None:
    image = render_digit(np.full((8, 8), 16.0))

    assert image.dtype == np.uint8
    assert (image[32, 32] == 30).all()
    assert (image[0] == 255).all()
    assert (image[:, -1] == 255).all()
    assert (image == image[:, :, :1]).all()


def test_render_digit_keeps_the_grid_upright() -> None:
    grid = np.zeros((8, 8))
    grid[0:2, 5:8] = 16
    rows, columns = np.nonzero(render_digit(grid)[:, :, 0] < 128)

    assert rows.mean() < 20
    assert columns.mean() > 40
