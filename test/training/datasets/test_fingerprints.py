"""One look at each picture: what it says of the picture, of the set, and that broken ones do not end it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deep_predictor.training.dataset import ArrayDataset, Dataset
from deep_predictor.training.datasets.table import open_path
from deep_predictor.training.fingerprints import dataset_hash, fingerprint_all, thumbnail_of
from test.training.datasets.pictures import array_dataset, jpeg, picture, png, small_set, write_files


def files_of(tmp_path: Path, **files: bytes) -> Dataset:
    folder = write_files(tmp_path / "set", {f"a/{name}": data for name, data in files.items()} | {"b/0.png": png(900)})
    return open_path(folder, tmp_path / "cache")


def saved(image: Image.Image, path: Path, **options: object) -> bytes:
    image.save(path, **options)
    return path.read_bytes()


def test_fingerprint_says_content_size_and_look(tmp_path: Path) -> None:
    data = jpeg(picture(1, 300, 400))
    first = fingerprint_all(files_of(tmp_path, one=data), 1)[0]

    assert first.content == hashlib.sha256(data).hexdigest()
    assert (first.width, first.height, first.mode, first.problem) == (400, 300, "colour", None)
    assert first.thumbnail is not None
    difference = first.thumbnail.astype(int) - thumbnail_of(picture(1, 300, 400))
    assert np.abs(difference).mean() < 2


def test_fingerprint_of_an_array_has_its_content_hash() -> None:
    dataset = array_dataset([1, 2], [0, 1])
    found = fingerprint_all(dataset, 2)

    assert [f.content for f in found] == [dataset.content_hash(0), dataset.content_hash(1)]
    assert (found[0].width, found[0].height) == (24, 24)


def test_shared_hostile_files_are_fingerprints_or_problems(shared_data: Path, tmp_path: Path) -> None:
    dataset = open_path(shared_data / "hostile", tmp_path)
    found = fingerprint_all(dataset, 2)

    assert len(found) == len(dataset.items) > 300
    assert {bool(f.problem) for f in found} == {True, False}
    assert all(f.thumbnail is not None and f.width and f.height and f.mode for f in found if not f.problem)


def test_thumbnail_is_the_mean_of_what_each_pixel_stands_for() -> None:
    image = np.random.default_rng(1).integers(0, 256, (96, 64, 3), dtype=np.uint8)
    gray = image.astype(float) @ [0.299, 0.587, 0.114]
    slow = [[gray[3 * y : 3 * y + 3, 2 * x : 2 * x + 2].mean() for x in range(32)] for y in range(32)]

    assert np.abs(thumbnail_of(image) - np.array(slow)).max() <= 1.5


@pytest.mark.parametrize(
    ("image", "extension", "options", "mode"),
    [
        (Image.fromarray(picture(1)), "png", {}, "colour"),
        (Image.fromarray(picture(1)).convert("L"), "png", {}, "gray"),
        (Image.fromarray(picture(1)).convert("L").convert("RGB"), "png", {}, "gray"),
        (Image.fromarray(picture(1)).convert("P"), "png", {}, "palette"),
        (Image.fromarray(picture(1)).convert("RGBA"), "png", {}, "colour with transparency"),
        (Image.fromarray(picture(1)).convert("LA"), "png", {}, "gray with transparency"),
        (Image.fromarray(picture(1)[..., 0].astype(np.uint16) * 257), "png", {}, "gray of 16 bits"),
        (Image.fromarray(picture(1)).convert("L"), "jpg", {}, "gray"),
        (Image.fromarray(picture(1)).convert("L").convert("RGB"), "jpg", {}, "gray"),
        (Image.fromarray(picture(1)).convert("CMYK"), "jpg", {}, "cmyk"),
        (Image.fromarray(picture(1)), "webp", {}, "colour"),
        (Image.fromarray(picture(1)), "bmp", {}, "colour"),
    ],
)
def test_fingerprint_mode_says_how_a_picture_is_stored(
    tmp_path: Path, image: Image.Image, extension: str, options: dict[str, object], mode: str
) -> None:
    data = saved(image, tmp_path / f"x.{extension}", **options)

    assert fingerprint_all(files_of(tmp_path, **{f"x.{extension}": data}), 1)[0].mode == mode


def test_fingerprint_of_an_unreadable_picture_is_a_problem(tmp_path: Path) -> None:
    broken = png(1)[:50]
    found = fingerprint_all(files_of(tmp_path, **{"0.png": png(0), "1.png": broken, "2.png": png(2)}), 2)

    assert [f.problem is None for f in found] == [True, False, True, True]
    assert found[1].content == hashlib.sha256(broken).hexdigest()
    assert "the PNG is cut short" in str(found[1].problem)


def test_fingerprints_come_in_order_from_any_number_of_threads(tmp_path: Path) -> None:
    dataset = open_path(write_files(tmp_path / "set", small_set(count=70)), tmp_path)
    told: list[tuple[int, int]] = []

    found = fingerprint_all(dataset, 5, lambda done, count: told.append((done, count)))

    assert [f.content for f in found] == [dataset.content_hash(index) for index in range(140)]
    assert told == [(32, 140), (64, 140), (96, 140), (128, 140), (140, 140)]


@pytest.mark.parametrize(("low", "high", "is_flat"), [(100, 100, True), (100, 106, True), (100, 120, False)])
def test_flat_picture_is_known(low: int, high: int, is_flat: bool) -> None:
    image = np.full((40, 40, 3), low, np.uint8)
    image[:, 20:] = high

    assert fingerprint_all(ArrayDataset([image, picture(1)], [0, 1], ["a", "b"]), 1)[0].is_flat is is_flat


def test_dataset_hash_depends_on_pictures_classes_and_parts_but_not_on_order_or_names() -> None:
    def hash_of(dataset: Dataset) -> str:
        return dataset_hash(dataset, fingerprint_all(dataset, 1))

    usual = hash_of(array_dataset([1, 2, 3], [0, 1, 1]))

    assert hash_of(array_dataset([3, 1, 2], [1, 0, 1])) == usual
    assert hash_of(array_dataset([3, 1, 2], [1, 1, 0])) != usual
    assert hash_of(array_dataset([4, 1, 2], [1, 0, 1])) != usual
    assert hash_of(array_dataset([1, 2, 3], [0, 1, 1], ["train", "train", "test"])) != usual


def test_dataset_hash_is_that_of_its_description() -> None:
    dataset = array_dataset([1, 2], [0, 1])
    lines = sorted(f"{dataset.content_hash(index)} {name}" for index, name in enumerate("ab"))

    assert dataset_hash(dataset, fingerprint_all(dataset, 1)) == hashlib.sha256("\n".join(lines).encode()).hexdigest()
