"""The split of pictures with boxes or masks: by source, each class on each side, the same for the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import BoxDataset, Dataset
from deep_predictor.training.datasets.table import open_path
from deep_predictor.training.fingerprints import dataset_hash, fingerprint_all
from deep_predictor.training.splitting import Split, split_dataset
from test.training.datasets.annotated_sets import BOX, below, mask_files, mask_of, yolo_files
from test.training.datasets.pictures import png, write_files

DOG = (1, *BOX[1:])


def opened(folder: Path, files: dict[str, bytes]) -> Dataset:
    return open_path(write_files(folder, files), folder)


def split(dataset: Dataset, seed: int = 1) -> Split:
    return split_dataset(dataset, fingerprint_all(dataset, 1), 0.1, 0.2, seed)


def names_of(dataset: Dataset, indices: np.ndarray) -> set[str]:
    return {dataset.items[index].name for index in indices}


def test_split_of_boxes_shows_each_class_on_each_side(tmp_path: Path) -> None:
    dataset = opened(tmp_path, yolo_files([[BOX]] * 20 + [[]] * 7 + [[BOX, DOG]] * 3))
    found = split(dataset)

    assert isinstance(dataset, BoxDataset)
    assert [len(part) for part in (found.train, found.val, found.test)] == [21, 3, 6]
    for part in (found.train, found.val, found.test):
        assert {label for index in part for label in dataset.classes_of(index)} == {0, 1}
    again, other = split(dataset), split(dataset, seed=2)
    np.testing.assert_array_equal(found.test, again.test)
    assert set(found.test) != set(other.test)


def test_split_of_boxes_keeps_pictures_of_a_source_together(tmp_path: Path) -> None:
    sources = {f"images/{number}.png": f"images/{number // 4 * 4}.png" for number in range(24)}
    dataset = opened(tmp_path, yolo_files([[BOX]] * 24) | {"sources.json": json.dumps(sources).encode()})
    found = split(dataset)

    parts = [{name.split("/")[1].split(".")[0] for name in names_of(dataset, part)} for part in (found.val, found.test)]
    for part in parts:
        assert part
        assert len({int(number) // 4 for number in part}) * 4 == len(part)


def test_split_of_boxes_keeps_the_parts_of_folders(tmp_path: Path) -> None:
    train, test = yolo_files([[BOX]] * 8, prefix="train/"), yolo_files([[BOX], []], prefix="test/", first=20)
    copy = {"train/images/copy.png": png(20), "train/labels/copy.txt": train["train/labels/0.txt"]}
    dataset = opened(tmp_path, train | test | copy)
    found = split(dataset)

    assert names_of(dataset, found.test) == {"test/images/20.png", "test/images/21.png"}
    assert [len(found.train), len(found.val)] == [7, 1]
    assert [file.name for file in found.left_out] == ["train/images/copy.png"]


def test_split_of_copies_with_different_boxes_is_refused(tmp_path: Path) -> None:
    files = yolo_files([[BOX]] * 5)
    files |= {"images/copy.png": png(0), "labels/copy.txt": b"1 0.5 0.5 0.5 0.25"}

    with pytest.raises(DatasetUnusable, match=r"images/0\.png and images/copy\.png are the same, but their boxes diff"):
        split(opened(tmp_path, files))
    (tmp_path / "labels/copy.txt").write_bytes(files["labels/0.txt"])
    assert len(split(open_path(tmp_path, tmp_path)).train) == 4


def test_split_of_copies_with_different_masks_is_refused(tmp_path: Path) -> None:
    files = mask_files([mask_of(0, 1)] * 5) | {"images/9.png": png(0)}
    files["masks/9.png"] = mask_files([mask_of(0, 2)])["masks/0.png"]

    with pytest.raises(DatasetUnusable, match="are the same, but their masks differ"):
        split(opened(tmp_path, files))


def test_split_without_a_box_to_train_on_is_refused(tmp_path: Path) -> None:
    train = below("train", yolo_files([[], []])) | below("val", yolo_files([[BOX]], first=7))

    with pytest.raises(DatasetUnusable, match="no picture to train on has a box"):
        split(opened(tmp_path, train | below("test", yolo_files([[BOX]], first=9))))


def test_dataset_hash_hangs_on_boxes_and_names_of_classes(tmp_path: Path) -> None:
    sets = [
        yolo_files([[BOX, DOG], []]),
        yolo_files([[DOG, BOX], []]),
        yolo_files([[BOX], []]),
        yolo_files([[BOX, DOG], []], names=("cat", "dog", "cow")),
        mask_files([mask_of(0, 1), mask_of(0)]),
        mask_files([mask_of(0, 1), mask_of(0)], names=("background", "dog", "cat")),
    ]
    hashes = []
    for number, files in enumerate(sets):
        dataset = opened(tmp_path / str(number), files)
        hashes.append(dataset_hash(dataset, fingerprint_all(dataset, 1)))

    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 5
