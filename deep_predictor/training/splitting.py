"""Which picture is trained on, chosen by, or kept for the final figure: by content, stratified, fixed by a seed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.datasets import LabelledImages


@dataclass(frozen=True)
class Split:
    """Indices of a data set's pictures; each picture is in exactly one part, and equal pictures are in the same one."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


def split_dataset(dataset: LabelledImages, val_share: float, test_share: float, seed: int) -> Split:
    """Give each class's pictures to the three parts by their shares.

    The same pictures, shares and seed give the same parts, in whatever order the pictures come. Raises DatasetUnusable
    when a class has too few different pictures for three parts, or one picture stands under two labels.
    """
    groups_of_label: dict[int, list[str]] = defaultdict(list)
    indices_of_hash: dict[str, list[int]] = defaultdict(list)
    for index, content_hash in enumerate(dataset.content_hashes):
        label = int(dataset.labels[index])
        same = indices_of_hash[content_hash]
        if not same:
            groups_of_label[label].append(content_hash)
        elif int(dataset.labels[same[0]]) != label:
            names = sorted((dataset.class_names[int(dataset.labels[same[0]])], dataset.class_names[label]))
            raise DatasetUnusable(f"pictures {same[0]} and {index} are the same, but one is {names[0]}, one {names[1]}")
        same.append(index)

    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for label, class_name in enumerate(dataset.class_names):
        hashes = sorted(groups_of_label[label])
        counts = _part_sizes(len(hashes), val_share, test_share, class_name)
        shuffled = np.random.default_rng([seed, label]).permutation(hashes)
        for part, some in zip(parts, np.split(shuffled, np.cumsum(counts)[:-1]), strict=True):
            part.extend(index for content_hash in some for index in indices_of_hash[content_hash])
    train, val, test = (np.array(sorted(part), dtype=np.int64) for part in parts)
    return Split(train, val, test)


def _part_sizes(count: int, val_share: float, test_share: float, class_name: str) -> tuple[int, int, int]:
    """(train, val, test) sizes of one class of `count` different pictures, none of them empty."""
    if count < 3:
        raise DatasetUnusable(f"class {class_name!r} has {count} different pictures; training needs at least 3 a class")
    val = max(1, round(count * val_share))
    test = max(1, round(count * test_share))
    if val + test >= count:
        raise DatasetUnusable(f"class {class_name!r} has {count} different pictures: nothing is left to train on")
    return count - val - test, val, test
