"""On photos: a set of clothing is augmented, read again and split without a leak."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pytest

from deep_predictor.training.augmentation.command import augment
from deep_predictor.training.cutout import Box, cut_out
from deep_predictor.training.datasets.table import open_path
from deep_predictor.training.fingerprints import fingerprint_all
from deep_predictor.training.splitting import split_dataset
from test.training.augmentation.sets import FLIP, config


@pytest.fixture(scope="module")
def clothing(shared_data: Path) -> Path:
    folder = shared_data / "datasets" / "clothing" / "train"
    if not folder.is_dir():
        pytest.skip("no real photos: datasets/clothing is absent")
    return folder


def test_augment_clothing_and_read_it_again_leaks_nothing(clothing: Path, tmp_path: Path) -> None:
    for class_name in ("hat", "shirt"):
        (tmp_path / "set" / class_name).mkdir(parents=True)
        for photo in sorted((clothing / class_name).iterdir())[:6]:
            shutil.copy(photo, tmp_path / "set" / class_name)
    lists = [FLIP, {"name": "sliding_crop", "window": 0.7, "stride": 0.3}, {"name": "brightness"}]

    result = augment(config(tmp_path, training_transforms=lists, testing_transforms=lists, picture_format="jpg"))

    assert sum(result["pictures"].values()) == 12 * (1 + 1 + 4 + 1)
    dataset = open_path(tmp_path / "out", tmp_path / "cache")
    split = split_dataset(dataset, fingerprint_all(dataset, 1), 0.2, 0.2, 1)
    sources = [{dataset.items[index].source for index in part} for part in (split.train, split.val, split.test)]
    assert all(sources)
    assert len(set.union(*sources)) == sum(map(len, sources)) == 12
    assert not split.left_out


def test_cut_out_of_a_photo_is_most_of_the_thing_and_not_all_of_the_box(clothing: Path) -> None:
    path = sorted((clothing / "hat").iterdir())[1]
    photo = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    height, width = photo.shape[:2]

    found = cut_out(photo, Box(20, 60, width - 20, height - 50))

    assert 0.3 < (found[:, :, 3] > 0).sum() / ((width - 40) * (height - 110)) < 0.95
