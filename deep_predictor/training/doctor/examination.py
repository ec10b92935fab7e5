"""What all checks look at, worked out once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from deep_predictor.training.dataset import Dataset
from deep_predictor.training.fingerprints import Fingerprint, Truth, truth_of
from deep_predictor.training.grouping import group_pictures
from deep_predictor.training.lookalikes import similar_pairs


class Examination:
    """One data set with its fingerprints."""

    def __init__(self, dataset: Dataset, fingerprints: Sequence[Fingerprint]) -> None:
        self.dataset, self.fingerprints = dataset, fingerprints
        self.is_classified = dataset.task == "classification"
        self.readable = [index for index, fingerprint in enumerate(fingerprints) if fingerprint.problem is None]

    @cached_property
    def copies(self) -> list[list[int]]:
        """Groups of two or more readable pictures of equal content."""
        indices: dict[str, list[int]] = defaultdict(list)
        for index in self.readable:
            indices[self.fingerprints[index].content].append(index)
        return [some for some in indices.values() if len(some) > 1]

    @cached_property
    def pairs(self) -> np.ndarray:
        """(M, 2): pictures that look the same, but are no copies."""
        return similar_pairs(self.fingerprints)

    @cached_property
    def groups(self) -> list[list[int]]:
        """What a split keeps together."""
        return group_pictures(self.dataset, self.fingerprints)

    @cached_property
    def counts(self) -> np.ndarray:
        """Readable pictures of each class, or that show it."""
        labels = [label for index in self.readable for label in self.truth_of(index).amounts]
        return np.bincount(np.array(labels, dtype=np.int64), minlength=len(self.dataset.class_names))

    @cached_property
    def amounts(self) -> np.ndarray:
        """Pictures, boxes or pixels of each class, by the task."""
        amounts = np.zeros(len(self.dataset.class_names), np.int64)
        for index in self.readable:
            for label, amount in self.truth_of(index).amounts.items():
                amounts[label] += amount
        return amounts

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The parts that the set's own folders give."""
        there = {item.part for item in self.dataset.items}
        return tuple(part for part in ("train", "val", "test") if part in there)

    def truth_of(self, index: int) -> Truth:
        return truth_of(self.dataset, self.fingerprints[index], index)

    def labels_of(self, indices: Iterable[int]) -> set[int]:
        return {label for index in indices for label in self.truth_of(index).amounts}

    def truth_count(self, indices: Iterable[int]) -> int:
        """How many truths the pictures have between them."""
        return len({self.truth_of(index).key for index in indices})

    def names(self, indices: Iterable[int]) -> tuple[str, ...]:
        return tuple(self.dataset.items[index].name for index in indices)

    def one_by_one(self, indices: Iterable[int]) -> tuple[tuple[str, ...], ...]:
        """For a finding's groups: names of pictures that have nothing to do with each other."""
        return tuple((name,) for name in self.names(indices))

    def given_counts(self) -> list[Counter[str]]:
        """Of each class, readable pictures that show it by given part."""
        counts: list[Counter[str]] = [Counter() for _ in self.dataset.class_names]
        for index in self.readable:
            part = self.dataset.items[index].part
            for label in self.truth_of(index).amounts if part else ():
                counts[label][str(part)] += 1
        return counts


def plural(count: int, one: str, many: str = "") -> str:
    """`1 picture`, `2 pictures`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
