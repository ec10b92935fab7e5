"""No picture on two sides, every class on each, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.datasets import LabelledImages, load_dataset
from deep_predictor.training.splitting import Split, split_dataset


def pictures(values: list[int], labels: list[int]) -> LabelledImages:
    images = tuple(np.full((2, 2, 3), value, dtype=np.uint8) for value in values)
    return LabelledImages(images, np.array(labels), ("a", "b"))


def parts_of(split: Split) -> list[np.ndarray]:
    return [split.train, split.val, split.test]


def hashes_of(dataset: LabelledImages, indices: np.ndarray) -> set[str]:
    return {dataset.content_hashes[index] for index in indices}


def test_split_digits_gives_each_picture_to_one_part_and_each_class_its_share() -> None:
    digits = load_dataset("sklearn_digits")
    split = split_dataset(digits, val_share=0.1, test_share=0.2, seed=1)

    assert sorted(np.concatenate(parts_of(split))) == list(range(1797))
    for share, part in zip((0.7, 0.1, 0.2), parts_of(split), strict=True):
        counts = np.bincount(digits.labels[part]) / np.bincount(digits.labels)
        assert counts == pytest.approx(np.full(10, share), abs=0.01)


def test_split_equal_pictures_stay_on_one_side() -> None:
    values = [value for value in range(40) for _ in range(3)]
    dataset = pictures(values, [value % 2 for value in values])

    for seed in range(20):
        split = split_dataset(dataset, 0.2, 0.3, seed)
        train, val, test = (hashes_of(dataset, part) for part in parts_of(split))
        assert len(train | val | test) == len(train) + len(val) + len(test)
        assert sum(len(part) for part in parts_of(split)) == 120


def test_split_same_seed_gives_the_same_parts_whatever_the_order() -> None:
    dataset = pictures(list(range(30)), [value % 2 for value in range(30)])
    backwards = pictures(list(range(29, -1, -1)), [value % 2 for value in range(29, -1, -1)])

    one, other = (split_dataset(d, 0.2, 0.2, seed=5) for d in (dataset, backwards))

    for a, b in zip(parts_of(one), parts_of(other), strict=True):
        assert hashes_of(dataset, a) == hashes_of(backwards, b)


def test_split_other_seed_gives_other_parts() -> None:
    dataset = pictures(list(range(30)), [value % 2 for value in range(30)])

    assert split_dataset(dataset, 0.2, 0.2, 1).test.tolist() != split_dataset(dataset, 0.2, 0.2, 2).test.tolist()


def test_split_three_pictures_a_class_puts_one_in_each_part() -> None:
    dataset = pictures(list(range(6)), [0, 0, 0, 1, 1, 1])

    for part in parts_of(split_dataset(dataset, 0.1, 0.1, 0)):
        assert sorted(dataset.labels[part]) == [0, 1]


def test_split_class_with_too_few_different_pictures_is_refused() -> None:
    with pytest.raises(DatasetUnusable, match="'b' has 2 different pictures"):
        split_dataset(pictures([1, 2, 3, 4, 5, 5], [0, 0, 0, 1, 1, 1]), 0.1, 0.1, 0)


def test_split_shares_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(DatasetUnusable, match="nothing is left to train on"):
        split_dataset(pictures(list(range(8)), [0, 0, 0, 0, 1, 1, 1, 1]), 0.5, 0.5, 0)


def test_split_one_picture_under_two_labels_is_refused() -> None:
    with pytest.raises(DatasetUnusable, match=r"pictures 2 and 5 are the same, but one is a, one b"):
        split_dataset(pictures([1, 2, 3, 4, 5, 3], [0, 0, 0, 1, 1, 1]), 0.1, 0.1, 0)
