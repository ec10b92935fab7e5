"""HDF5 sets: every shape, type and labelling that people store, and files that reach out of themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.datasets.table import open_path
from deep_predictor.training.fingerprints import fingerprint_all
from test.training.datasets.pictures import picture

TRAIN, TEST = 6, 4


def pictures(count: int, first: int = 0) -> np.ndarray:
    return np.stack([picture(number) for number in range(first, first + count)])


def content() -> dict[str, Any]:
    return {
        "X_train": pictures(TRAIN),
        "y_train": np.arange(TRAIN) % 2,
        "X_test": pictures(TEST, TRAIN),
        "y_test": np.arange(TEST) % 2,
    }


def write(path: Path, arrays: dict[str, Any], attributes: dict[str, Any] | None = None) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        for name, value in (attributes or {}).items():
            file.attrs[name] = value
    return path


def opened(tmp_path: Path, arrays: dict[str, Any], attributes: dict[str, Any] | None = None) -> Dataset:
    return open_path(write(tmp_path / "set.h5", arrays, attributes), tmp_path)


def test_hdf5_gives_pictures_labels_and_parts(tmp_path: Path) -> None:
    dataset = opened(tmp_path, content())

    assert dataset.name == "set"
    assert dataset.class_names == ("0", "1")
    assert [item.part for item in dataset.items] == ["train"] * TRAIN + ["test"] * TEST
    assert [item.label for item in dataset.items] == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    assert dataset.items[7].name == "X_test/1"
    for number in range(TRAIN + TEST):
        np.testing.assert_array_equal(dataset.read(number), picture(number))
    assert dataset.read_file(0)[1] == "png"


@pytest.mark.parametrize(
    ("stored", "tolerance"),
    [
        (lambda x: x.astype(np.float32) / 255, 0),
        (lambda x: x.astype(np.float64) / 255, 0),
        (lambda x: x.astype(np.float32), 0),
        (lambda x: x.astype(np.int32), 0),
        (lambda x: (x / 255).astype(np.float16), 1),
    ],
)
def test_hdf5_values_of_every_type_are_read_alike(tmp_path: Path, stored: Any, tolerance: int) -> None:
    arrays = content() | {"X_train": stored(pictures(TRAIN)), "X_test": stored(pictures(TEST, TRAIN))}
    dataset = opened(tmp_path, arrays)

    for number in range(TRAIN + TEST):
        image = dataset.read(number)
        assert image.dtype == np.uint8
        assert np.abs(image.astype(int) - picture(number)).max() <= tolerance


@pytest.mark.parametrize("shape", [(24, 24), (24, 24, 1)])
def test_hdf5_gray_pictures_get_three_channels(tmp_path: Path, shape: tuple[int, ...]) -> None:
    gray = pictures(TRAIN)[..., 0]
    dataset = opened(tmp_path, {"X_train": gray.reshape(TRAIN, *shape), "y_train": np.arange(TRAIN) % 2})

    np.testing.assert_array_equal(dataset.read(3), np.repeat(gray[3][..., None], 3, axis=2))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1, 2, 0, 1, 2]),
        np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0]),
        np.array([[0], [1], [2], [0], [1], [2]]),
        np.eye(3)[[0, 1, 2, 0, 1, 2]],
        np.eye(3, dtype=np.uint8)[[0, 1, 2, 0, 1, 2]],
    ],
)
def test_hdf5_labels_of_every_form_are_read_alike(tmp_path: Path, labels: np.ndarray) -> None:
    dataset = opened(tmp_path, {"X_train": pictures(6), "y_train": labels})

    assert [item.label for item in dataset.items] == [0, 1, 2, 0, 1, 2]


def test_hdf5_label_numbers_with_gaps_are_names(tmp_path: Path) -> None:
    dataset = opened(
        tmp_path, content() | {"y_train": np.array([3, 10, 3, 10, 3, 10]), "y_test": np.array([3, 3, 10, 10])}
    )

    assert dataset.class_names == ("3", "10")
    assert [item.label for item in dataset.items[-4:]] == [0, 0, 1, 1]


@pytest.mark.parametrize("names", [["cat", "dög"], np.array([b"cat", "dög".encode()])])
def test_hdf5_class_names_are_read_wherever_they_stand(tmp_path: Path, names: Any) -> None:
    assert opened(tmp_path, content(), {"class_names": names}).class_names == ("cat", "dög")
    assert opened(tmp_path, content() | {"class_names": names}).class_names == ("cat", "dög")
    path = write(tmp_path / "other.h5", content())
    with h5py.File(path, "a") as file:
        file["y_train"].attrs["class_names"] = names
    assert open_path(path, tmp_path).class_names == ("cat", "dög")


def test_hdf5_val_part_is_read_too(tmp_path: Path) -> None:
    dataset = opened(tmp_path, content() | {"X_val": pictures(2, 20), "y_val": np.array([0, 1])})

    assert [item.part for item in dataset.items] == ["train"] * TRAIN + ["val"] * 2 + ["test"] * TEST


def test_hdf5_is_read_by_several_threads_at_once(tmp_path: Path) -> None:
    path = tmp_path / "set.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("X_train", data=pictures(60), chunks=(7, 24, 24, 3), compression="gzip")
        file["y_train"] = np.arange(60) % 2
    dataset = open_path(path, tmp_path)

    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(dataset.read, list(range(60)) * 3))

    for number, image in enumerate(images):
        np.testing.assert_array_equal(image, picture(number % 60))


def test_hdf5_picture_with_values_out_of_range_is_unreadable_alone(tmp_path: Path) -> None:
    values = pictures(TRAIN).astype(np.float32) / 255
    values[2, 0, 0, 0] = np.nan
    values[3, 0, 0, 0] = -3
    dataset = opened(tmp_path, content() | {"X_train": values})

    with pytest.raises(ImageUnreadable, match=r"its values must lie in 0..1 \(got nan..nan\)"):
        dataset.read(2)
    with pytest.raises(ImageUnreadable, match=r"its values must lie in 0..1 \(got -3.0"):
        dataset.read(3)
    assert [i for i, f in enumerate(fingerprint_all(dataset, 2)) if f.problem] == [2, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X_train": None}, "holds no X_train"),
        ({"y_train": None}, "y_train must hold the labels of X_train"),
        ({"X_train": np.zeros((TRAIN, 24))}, r"X_train must be \(pictures, height, width\)"),
        ({"X_train": np.zeros((TRAIN, 24, 24, 4))}, r"1 or 3 channels\) \(got \(6, 24, 24, 4\)\)"),
        ({"X_train": np.zeros((TRAIN, 0, 24, 3))}, "must have 1 to 16384 pixels a side"),
        ({"X_train": np.full((TRAIN, 4, 4), b"x")}, "X_train must hold numbers"),
        ({"y_train": np.arange(TRAIN - 1)}, "y_train must hold 6 labels"),
        ({"y_train": np.full(TRAIN, b"cat")}, "as numbers"),
        ({"y_train": np.full(TRAIN, 0.5)}, "labels must be whole numbers"),
        ({"y_train": np.arange(TRAIN) - 1}, "labels must be whole numbers from 0 on"),
        ({"y_train": np.ones((TRAIN, 2))}, "each row must be one-hot"),
        ({"y_train": np.zeros(TRAIN)}, "at least two classes|must hold"),
        ({"class_names": np.arange(2)}, "class_names must be a list of texts"),
        ({"class_names": ["cat"]}, "a label is 1, but class_names has 1 names"),
        ({"class_names": np.array([b"a", b"\xff"])}, "class_names is not UTF-8"),
    ],
)
def test_hdf5_of_other_content_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    arrays = {name: array for name, array in (content() | change).items() if array is not None}
    if "y_train" in change and change["y_train"] is not None and not change["y_train"].any():
        arrays["y_test"] = np.zeros(TEST)

    with pytest.raises(DatasetUnusable, match=message):
        opened(tmp_path, arrays)


def test_hdf5_group_in_the_place_of_pictures_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "set.h5", {"y_train": [0, 1]})
    with h5py.File(path, "a") as file:
        file.create_group("X_train")

    with pytest.raises(DatasetUnusable, match="X_train must be an array"):
        open_path(path, tmp_path)


def test_hdf5_links_and_references_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "other.h5", content())
    for number, reach in enumerate(("external link", "soft link", "external bytes", "virtual", "reference")):
        path = tmp_path / f"{number}.h5"
        arrays = content()
        images = arrays.pop("X_train")
        with h5py.File(write(path, arrays), "a") as file:
            if reach == "external link":
                file["X_train"] = h5py.ExternalLink("other.h5", "/X_train")
            elif reach == "soft link":
                file["X_train"] = h5py.SoftLink("/X_test")
            elif reach == "external bytes":
                file.create_dataset(
                    "X_train", images.shape, "u1", external=[(str(tmp_path / "other.h5"), 0, images.size)]
                )
            elif reach == "virtual":
                layout = h5py.VirtualLayout(images.shape, "u1")
                layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "X_train", images.shape)
                file.create_virtual_dataset("X_train", layout)
            else:
                file["X_train"] = images
                file.attrs["class_names"] = np.array([file.ref, file.ref], dtype=h5py.ref_dtype)
        with pytest.raises(DatasetUnusable, match=r"refused: the HDF5|class_names must be a list of texts"):
            open_path(path, tmp_path)


def test_hdf5_that_would_unpack_to_far_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("X_train", (10**6, 64, 64), "u1", chunks=(1000, 64, 64), compression="gzip")
        file["y_train"] = np.zeros(2)

    with pytest.raises(DatasetUnusable, match="would unpack to"):
        open_path(path, tmp_path)


def test_hdf5_that_is_broken_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "set.h5", content()).read_bytes()
    for share in (0.01, 0.3, 0.9):
        path = tmp_path / "short.h5"
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(DatasetUnusable, match=r"short.h5: it is (no HDF5 file, or )?broken"):
            open_path(path, tmp_path)


def test_hdf5_whose_chunk_is_broken_has_unreadable_pictures(tmp_path: Path) -> None:
    path = tmp_path / "set.h5"
    with h5py.File(path, "w") as file:
        array = file.create_dataset("X_train", data=pictures(4), chunks=(1, 24, 24, 3), compression="gzip")
        file["y_train"] = np.arange(4) % 2
        place = array.id.get_chunk_info(2).byte_offset
    data = bytearray(path.read_bytes())
    data[place : place + 20] = bytes(20)
    path.write_bytes(bytes(data))

    fingerprints = fingerprint_all(open_path(path, tmp_path), 2)

    assert [f.problem is None for f in fingerprints] == [True, True, False, True]
