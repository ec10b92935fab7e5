"""Scenes as a data set: the same for the same seed, parts with digits of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.training.dataset import BoxDataset, Dataset, MaskDataset
from deep_predictor.training.datasets.digit_scenes import BoxScenes
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.datasets.table import open_dataset
from deep_predictor.training.fingerprints import dataset_hash, fingerprint_all
from deep_predictor.training.scenes import SceneOptions
from deep_predictor.training.splitting import split_dataset


def opened(**scene_options: Any) -> Dataset:
    options: dict[str, Any] = {"name": "digit_scenes", "scene_options": {"count": 20, **scene_options}}
    return open_dataset(DatasetOptions.model_validate(options), Path("absent"))


def test_digit_scenes_are_split_as_they_are_drawn() -> None:
    dataset = opened()
    fingerprints = fingerprint_all(dataset, 2)
    found = split_dataset(dataset, fingerprints, 0.1, 0.2, 1)

    assert isinstance(dataset, BoxDataset)
    assert dataset.class_names == tuple("0123456789")
    assert [len(part) for part in (found.train, found.val, found.test)] == [14, 2, 4]
    assert {dataset.items[index].part for index in found.test} == {"test"}
    assert all(fingerprint.problem is None for fingerprint in fingerprints)
    assert fingerprints[0].truth
    assert sum(fingerprints[0].truth.amounts.values()) == len(dataset.boxes(0).classes) >= 3
    assert tuple(fingerprints[0].truth.amounts) == dataset.classes_of(0)


def test_digit_scenes_of_a_seed_are_always_the_same() -> None:
    hashes = []
    for scene_options in ({"seed": 3}, {"seed": 3}, {"seed": 4}, {"seed": 3, "task": "segmentation"}):
        dataset = opened(count=5, **scene_options)
        hashes.append(dataset_hash(dataset, fingerprint_all(dataset, 1)))

    assert len(set(hashes)) == 3
    assert hashes[0] == hashes[1]


def test_digit_scenes_with_masks_show_the_same_pictures() -> None:
    boxes, masks = opened(count=5), opened(count=5, task="segmentation")

    assert isinstance(masks, MaskDataset)
    assert masks.class_names == ("background", *boxes.class_names)
    assert masks.read_file(2) == boxes.read_file(2)
    assert masks.classes_of(2) == (0, *(label + 1 for label in boxes.classes_of(2)))
    sample = boxes.sample(2)
    assert sample.boxes is not None
    x1, y1, x2, y2 = sample.boxes[0].astype(int)
    assert sample.classes is not None
    assert (masks.mask(2)[y1:y2, x1:x2] == sample.classes[0] + 1).any(axis=1).all()


def test_box_scenes_may_be_small() -> None:
    options = SceneOptions(width=64, height=48, fewest=1, most=2, largest_scale=1.5)
    dataset = BoxScenes({"train": 3, "test": 1}, seed=1, options=options)

    assert [item.name for item in dataset.items] == ["train/00000", "train/00001", "train/00002", "test/00000"]
    assert dataset.read(3).shape == (48, 64, 3)
    assert not np.array_equal(dataset.read(0), dataset.read(3))


def test_digit_scenes_with_one_class_for_all_digits_have_the_same_shapes() -> None:
    whole, one = opened(count=5, task="segmentation"), opened(count=5, task="segmentation", mask_classes="digit")

    assert one.class_names == ("background", "digit")
    assert isinstance(whole, MaskDataset)
    assert isinstance(one, MaskDataset)
    for index in range(len(one.items)):
        np.testing.assert_array_equal(one.mask(index), whole.mask(index) > 0)


def test_digit_scenes_of_larger_and_fewer_digits_are_drawn_as_asked() -> None:
    dataset = opened(count=5, side=160, smallest_scale=4, largest_scale=5, fewest=1, most=2)

    assert isinstance(dataset, BoxDataset)
    for index in range(len(dataset.items)):
        boxes = dataset.boxes(index)
        assert (boxes.width, boxes.height) == (160, 160)
        assert 1 <= len(boxes.classes) <= 2
        assert (boxes.boxes_norm[:, 3] * 160 > 16).all()
    with pytest.raises(ValueError, match="need a larger scene"):
        opened(side=40)
