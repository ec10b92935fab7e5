"""Groups that show several classes: each class in each part, and never its last group taken from train."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Part
from deep_predictor.training.dividing import Group, divide

SHARES: dict[Part, float] = {"test": 0.2, "val": 0.1}


def groups_of(classes: Sequence[set[int]]) -> list[Group]:
    """A picture each."""
    return [Group([place], frozenset(some)) for place, some in enumerate(classes)]


def shown(groups: Sequence[Group], indices: Sequence[int]) -> set[int]:
    return {class_ for group in groups for class_ in group.classes if set(group.indices) <= set(indices)}


def test_divide_gives_each_part_its_share() -> None:
    parts = divide(groups_of([{0}] * 50 + [set()] * 50), SHARES)

    assert {part: len(indices) for part, indices in parts.items()} == {"train": 70, "val": 10, "test": 20}
    assert sorted(index for indices in parts.values() for index in indices) == list(range(100))


@pytest.mark.parametrize("seed", range(5))
def test_divide_brings_each_class_to_each_part_that_can_have_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Class c is on every (c + 2)-th picture or so, the last ones on three or four of them.
    rates = 1 / np.arange(2, 22)
    groups = groups_of([set(np.flatnonzero(rng.random(20) < rates * 0.5).tolist()) for _ in range(200)])
    parts = divide(groups, SHARES)
    counts = {class_: sum(class_ in group.classes for group in groups) for class_ in range(20)}

    assert shown(groups, parts["train"]) == {class_ for class_, count in counts.items() if count}
    for part in SHARES:
        assert {class_ for class_, count in counts.items() if count >= 5} <= shown(groups, parts[part])
        assert abs(len(parts[part]) - 200 * SHARES[part]) <= 5


def test_divide_rare_classes_come_before_the_share_is_full() -> None:
    groups = groups_of([{0}] * 97 + [{1}] * 3)
    parts = divide(groups, SHARES)

    for part in ("train", "val", "test"):
        assert shown(groups, parts[part]) == {0, 1}


def test_divide_never_takes_the_last_of_a_class() -> None:
    groups = groups_of([{0}] * 10 + [{1}] + [{0, 2}])
    parts = divide(groups, SHARES)

    assert {10, 11} <= set(parts["train"])


def test_divide_keeps_groups_together_and_counts_their_pictures() -> None:
    groups = [Group(range(start, start + 5), frozenset({0})) for start in range(0, 100, 5)]
    parts = divide(groups, SHARES)

    assert {part: len(indices) for part, indices in parts.items()} == {"train": 70, "val": 10, "test": 20}
    assert all(len({index // 5 for index in indices}) * 5 == len(indices) for indices in parts.values())


def test_divide_three_pictures_leaves_each_part_one() -> None:
    parts = divide(groups_of([{0}, {0, 1}, {1}]), SHARES)

    assert {part: len(indices) for part, indices in parts.items()} == {"train": 1, "val": 1, "test": 1}
    assert parts["train"] == [1]


def test_divide_without_shares_trains_on_all() -> None:
    assert divide(groups_of([{0}, {1}]), {}) == {"train": [0, 1], "val": [], "test": []}


@pytest.mark.parametrize("classes", [[], [{0}], [{0}, {0}], [{0}, {1}, {2}], [{0}, set(), set(), set()]])
def test_divide_too_few_is_refused(classes: list[set[int]]) -> None:
    with pytest.raises(DatasetUnusable, match="different pictures are too few: at least one must be kept for"):
        divide(groups_of(classes), SHARES)
