"""Which picture is trained on, chosen by, or kept for the final figure: by group, stratified, fixed by a seed.

A group holds all pictures of one origin: copies, look-alikes, and those that `sources.json` says were made of one. It
is never divided.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Dataset, Part, SkippedFile
from deep_predictor.training.dividing import Group, divide
from deep_predictor.training.fingerprints import Fingerprint, truth_of
from deep_predictor.training.grouping import group_pictures

#: Test is cut before val.
_CUT_ORDER: tuple[Part, ...] = ("test", "val")


@dataclass(frozen=True)
class Split:
    """Indices of a data set's pictures; no picture, copy or look-alike is in two parts."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    #: Pictures that are in no part, and why: unreadable, or the same as one of a part that must not be learned from.
    left_out: tuple[SkippedFile, ...] = ()


def split_dataset(
    dataset: Dataset, fingerprints: Sequence[Fingerprint], val_share: float, test_share: float, seed: int
) -> Split:
    """Give each class's pictures to the three parts by their shares; what the set's folders put into val or test stays.

    Pictures that show several classes are divided as one lot, so that each class reaches each part where it can. The
    same pictures, shares and seed give the same parts, in whatever order the pictures come. Raises DatasetUnusable when
    a class has too few different pictures, or one picture stands under two labels.
    """
    left_out = {index: f.problem for index, f in enumerate(fingerprints) if f.problem is not None}
    _check_truth(dataset, fingerprints)
    groups = group_pictures(dataset, fingerprints)
    given = {item.part for index, item in enumerate(dataset.items) if item.part and index not in left_out}
    parts: dict[Part, list[int]] = {"train": [], "val": [], "test": []}
    free: list[list[int]] = []
    for group in groups:
        part = _fixed_part(dataset, group)
        if part is None:
            free.append(group)
            continue
        kept = [index for index in group if dataset.items[index].part == part]
        parts[part] += kept
        shown = dataset.items[kept[0]].name
        left_out |= {i: f"of one origin with {shown}, which is in {part}" for i in group if i not in kept}

    shares: dict[Part, float] = {
        "val": 0.0 if "val" in given else val_share,
        "test": 0.0 if "test" in given else test_share,
    }
    if dataset.task == "classification":
        for label, some in _by_label(dataset, free).items():
            cut = _cut(some, fingerprints, shares, np.random.default_rng([seed, label]), dataset.class_names[label])
            for part, indices in cut.items():
                parts[part] += indices
        _check_classes(dataset, parts["train"])
    else:
        for part, indices in _divide(free, fingerprints, shares, np.random.default_rng([seed, 0])).items():
            parts[part] += indices
        _check_shown(dataset, fingerprints, parts["train"])
    train, val, test = (np.array(sorted(parts[part]), dtype=np.int64) for part in ("train", "val", "test"))
    reasons = (SkippedFile(dataset.items[index].name, str(left_out[index])) for index in sorted(left_out))
    return Split(train, val, test, tuple(reasons))


def _check_truth(dataset: Dataset, fingerprints: Sequence[Fingerprint]) -> None:
    """Raise DatasetUnusable where equal pictures have different labels, boxes or masks."""
    first_of: dict[str, int] = {}
    wrong = []
    for index, fingerprint in enumerate(fingerprints):
        if fingerprint.problem is None:
            first = first_of.setdefault(fingerprint.content, index)
            truths = [truth_of(dataset, fingerprints[one], one).key for one in (first, index)]
            if truths[0] != truths[1]:
                wrong.append((first, index))
    if wrong:
        names = [dataset.items[index].name for index in wrong[0]]
        told = {"detection": "their boxes differ", "segmentation": "their masks differ"}.get(dataset.task, "")
        if not told:
            classes = [dataset.class_names[dataset.items[index].label] for index in wrong[0]]
            told = f"one is {classes[0]}, one {classes[1]}"
        more = f"; {len(wrong) - 1} more pairs are like them" if len(wrong) > 1 else ""
        raise DatasetUnusable(f"pictures {names[0]} and {names[1]} are the same, but {told}{more}")


def _fixed_part(dataset: Dataset, group: Sequence[int]) -> Part | None:
    """Where the set's folders put a group for good. Test counts before val: what is in it must not be learned from."""
    parts = {dataset.items[index].part for index in group}
    return "test" if "test" in parts else "val" if "val" in parts else None


def _by_label(dataset: Dataset, groups: Sequence[list[int]]) -> dict[int, list[list[int]]]:
    """Groups under the label that most of their pictures have, of two such the lower; in the order of labels."""
    groups_of: dict[int, list[list[int]]] = defaultdict(list)
    for group in groups:
        counts = Counter(dataset.items[index].label for index in group)
        groups_of[min(counts, key=lambda label: (-counts[label], label))].append(group)
    return dict(sorted(groups_of.items()))


def _cut(
    groups: list[list[int]],
    fingerprints: Sequence[Fingerprint],
    shares: dict[Part, float],
    rng: np.random.Generator,
    class_name: str,
) -> dict[Part, list[int]]:
    """The parts of one class: {part: indices}. A share of 0: that part is given already."""
    wanted: list[Part] = [part for part in _CUT_ORDER if shares[part]]
    if len(groups) <= len(wanted):
        counted = f"class {class_name!r} has {len(groups)} different pictures"
        raise DatasetUnusable(f"{counted}; training needs at least {len(wanted) + 1} a class")
    left = _shuffled(groups, fingerprints, rng)
    count = sum(map(len, groups))
    targets = {part: max(1, round(count * shares[part])) for part in wanted}
    if sum(targets.values()) >= count:
        raise DatasetUnusable(f"class {class_name!r} has {count} different pictures: nothing is left to train on")
    cut: dict[Part, list[int]] = {}
    for still_wanted, part in zip(range(len(wanted), 0, -1), wanted, strict=True):
        taken = _take(left, targets[part], keep=still_wanted)
        cut[part] = [index for group in taken for index in group]
    cut["train"] = [index for group in left for index in group]
    return cut


def _shuffled(
    groups: list[list[int]], fingerprints: Sequence[Fingerprint], rng: np.random.Generator
) -> list[list[int]]:
    """In an order that hangs on their content and the seed alone."""
    ordered = sorted(groups, key=lambda group: min(fingerprints[index].content for index in group))
    return [ordered[position] for position in rng.permutation(len(ordered))]


def _divide(
    groups: list[list[int]],
    fingerprints: Sequence[Fingerprint],
    shares: dict[Part, float],
    rng: np.random.Generator,
) -> dict[Part, list[int]]:
    """The parts of pictures that show several classes each."""
    wanted = {part: shares[part] for part in _CUT_ORDER if shares[part]}
    described = []
    for group in _shuffled(groups, fingerprints, rng):
        truths = [fingerprints[index].truth for index in group]
        described.append(Group(group, frozenset(label for truth in truths if truth for label in truth.amounts)))
    return divide(described, wanted)


def _take(groups: list[list[int]], target: int, keep: int) -> list[list[int]]:
    """Remove groups from the end that bring the number of pictures nearer to `target`; at least one; `keep` stay."""
    taken: list[list[int]] = []
    count = 0
    for position in range(len(groups) - 1, -1, -1):
        size = len(groups[position])
        if len(groups) > keep and count + size - target <= target - count:
            taken.append(groups.pop(position))
            count += size
    if not taken:
        smallest = min(range(len(groups)), key=lambda position: len(groups[position]))
        taken.append(groups.pop(smallest))
    return taken


def _check_classes(dataset: Dataset, train: Sequence[int]) -> None:
    there = {dataset.items[index].label for index in train}
    missing = [name for label, name in enumerate(dataset.class_names) if label not in there]
    if missing:
        raise DatasetUnusable(f"class {missing[0]!r} has no picture to train on")


def _check_shown(dataset: Dataset, fingerprints: Sequence[Fingerprint], train: Sequence[int]) -> None:
    if not any(truth_of(dataset, fingerprints[index], index).amounts for index in train):
        raise DatasetUnusable(f"no picture to train on has a {'box' if dataset.task == 'detection' else 'mask'}")
