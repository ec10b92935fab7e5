"""No copy, look-alike or picture of one source on two sides; every class on each; the same for the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import ArrayDataset, Dataset, Item, Part
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.datasets.table import open_dataset, open_path
from deep_predictor.training.fingerprints import Fingerprint, fingerprint_all
from deep_predictor.training.splitting import Split, split_dataset
from test.training.datasets.pictures import array_dataset, jpeg, picture, png, write_files


def split(dataset: Dataset, val_share: float = 0.1, test_share: float = 0.2, seed: int = 1) -> Split:
    return split_dataset(dataset, fingerprint_all(dataset, 1), val_share, test_share, seed)


def parts_of(found: Split) -> list[np.ndarray]:
    return [found.train, found.val, found.test]


def names_of(dataset: Dataset, found: Split) -> list[set[str]]:
    return [{dataset.items[index].name for index in part} for part in parts_of(found)]


def hashes_of(dataset: Dataset, indices: np.ndarray) -> set[str]:
    return {dataset.content_hash(index) for index in indices}


def labels_of(dataset: Dataset, indices: np.ndarray) -> list[int]:
    return [dataset.items[index].label for index in indices]


class Described(ArrayDataset):
    """Items as they are given; its pictures are never looked at."""

    def __init__(self, items: list[Item], class_names: tuple[str, ...]) -> None:
        self.name, self.class_names, self.items = "described", class_names, tuple(items)


def described(items: list[Item], classes: int = 2) -> tuple[Dataset, list[Fingerprint]]:
    """A set, and fingerprints of pictures that are all different and flat: only sources bind them."""
    flat = np.zeros((32, 32), np.uint8)
    names = tuple(chr(ord("a") + label) for label in range(classes))
    return Described(items, names), [Fingerprint(f"{i:064d}", flat, 9, 9, "gray") for i in range(len(items))]


def test_split_digits_gives_each_picture_to_one_part_and_each_class_its_share(tmp_path: Path) -> None:
    digits = open_dataset(DatasetOptions(name="sklearn_digits"), tmp_path)
    found = split(digits)

    assert sorted(np.concatenate(parts_of(found))) == list(range(1797))
    assert [len(part) for part in parts_of(found)] == [1259, 179, 359]
    all_labels = labels_of(digits, np.arange(1797))
    for share, part in zip((0.7, 0.1, 0.2), parts_of(found), strict=True):
        counts = np.bincount(labels_of(digits, part)) / np.bincount(all_labels)
        assert counts == pytest.approx(np.full(10, share), abs=0.01)
    # The demo's sample pictures and figures are of this split.
    assert found.test[:8].tolist() == [9, 10, 14, 23, 29, 31, 33, 39]


def test_split_copies_stay_on_one_side() -> None:
    numbers = [number for number in range(40) for _ in range(3)]
    dataset = array_dataset(numbers, [number % 2 for number in numbers])

    for seed in range(20):
        found = split(dataset, 0.2, 0.3, seed)
        train, val, test = (hashes_of(dataset, part) for part in parts_of(found))
        assert len(train | val | test) == len(train) + len(val) + len(test)
        assert sum(len(part) for part in parts_of(found)) == 120


def test_split_lookalikes_stay_on_one_side(tmp_path: Path) -> None:
    files = {}
    for number in range(40):
        label = "ab"[number % 2]
        files |= {f"{label}/{number}.png": png(number), f"{label}/{number} again.jpg": jpeg(picture(number))}
    dataset = open_path(write_files(tmp_path / "set", files), tmp_path)
    fingerprints = fingerprint_all(dataset, 1)

    for seed in range(10):
        sides = names_of(dataset, split_dataset(dataset, fingerprints, 0.2, 0.3, seed))
        for side in sides:
            numbers = {Path(name).stem.split()[0] for name in side}
            assert len(side) == 2 * len(numbers)
        assert sum(map(len, sides)) == 80


def test_split_never_has_one_source_on_two_sides(tmp_path: Path) -> None:
    """Random sets with random sources: chains, rings, sources that are absent, shared between classes."""
    split_sets = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        count, classes = int(rng.integers(30, 120)), int(rng.integers(2, 5))
        origins = int(rng.integers(12, 60))
        items = []
        for index in range(count):
            label = index % classes
            kind = rng.integers(4)
            origin = int(rng.integers(origins))
            # Made of an origin that is absent; of another picture of the set; of two steps; an original.
            source = [f"gone/{origin}", f"{origin % count}", f"{(index + 1) % count}", ""][kind if kind != 2 else 0]
            items.append(Item(f"{index}", label, None, source if source != str(index) else ""))
        dataset, fingerprints = described(items, classes)
        shares = float(rng.uniform(0.05, 0.4)), float(rng.uniform(0.05, 0.4))
        try:
            found = split_dataset(dataset, fingerprints, *shares, seed=seed)
        except DatasetUnusable:
            continue
        side_of = {dataset.items[i].name: side for side, part in enumerate(parts_of(found)) for i in part}
        assert len(side_of) == count
        assert_sources_on_one_side(items, side_of)
        split_sets += 1
    assert split_sets > 100  # the others had too few sources for three parts


def assert_sources_on_one_side(items: list[Item], side_of: dict[str, int]) -> None:
    """Slow and obvious: spread each picture's side along its links until nothing changes."""
    sides: dict[str, set[int]] = {}
    for item in items:
        for name in filter(None, (item.name, item.source)):
            sides.setdefault(name, set()).add(side_of[item.name])
    changed = True
    while changed:
        changed = False
        for item in items:
            if item.source and sides[item.name] != sides[item.source]:
                sides[item.name] = sides[item.source] = sides[item.name] | sides[item.source]
                changed = True
    assert all(len(some) == 1 for some in sides.values())


def test_split_of_an_augmented_folder_keeps_each_source_on_one_side(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    files: dict[str, bytes] = {}
    sources: dict[str, str] = {}
    for number in range(24):
        label = "ab"[number % 2]
        original = f"{label}/{number}.png"
        if number % 3:
            files[original] = png(number)
        for variant in range(int(rng.integers(1, 5))):
            name = f"{label}/{number} variant {variant}.png"
            files[name] = png(1000 + 10 * number + variant)
            sources[name] = original
    folder = write_files(tmp_path / "set", files | {"sources.json": json.dumps(sources).encode()})
    dataset = open_path(folder, tmp_path)
    fingerprints = fingerprint_all(dataset, 1)

    for seed in range(20):
        sides = names_of(dataset, split_dataset(dataset, fingerprints, 0.2, 0.2, seed))
        origins = [{sources.get(name, name) for name in side} for side in sides]
        assert not origins[0] & origins[1]
        assert not origins[0] & origins[2]
        assert not origins[1] & origins[2]
        assert sum(map(len, sides)) == len(files)


def test_split_rings_of_sources_come_to_an_end() -> None:
    items = [Item(f"{i}", i % 2, None, f"{(i + 2) % 4}" if i < 4 else "") for i in range(20)]

    found = split_dataset(*described(items), 0.2, 0.2, 1)

    assert sum(len(part) for part in parts_of(found)) == 20


def test_split_an_unreadable_source_still_binds_what_was_made_of_it() -> None:
    items = [Item("0", 0), *(Item(f"{i}", 0, None, "0") for i in range(1, 4))]
    items += [Item(f"{i}", i % 2) for i in range(4, 20)]
    dataset, fingerprints = described(items)
    fingerprints[0] = Fingerprint("", problem="broken")

    for seed in range(20):
        found = split_dataset(dataset, fingerprints, 0.2, 0.2, seed)
        assert [len({1, 2, 3} & set(part.tolist())) for part in parts_of(found)].count(0) == 2
        assert [(file.name, file.reason) for file in found.left_out] == [("0", "broken")]


def test_split_same_seed_gives_the_same_parts_whatever_the_order() -> None:
    numbers = [*range(30), *range(10)]
    labels = [number % 2 for number in numbers]
    dataset, backwards = array_dataset(numbers, labels), array_dataset(numbers[::-1], labels[::-1])

    for a, b in zip(parts_of(split(dataset, 0.2, 0.2, 5)), parts_of(split(backwards, 0.2, 0.2, 5)), strict=True):
        assert hashes_of(dataset, a) == hashes_of(backwards, b)


def test_split_other_seed_gives_other_parts() -> None:
    dataset = array_dataset(list(range(30)), [number % 2 for number in range(30)])

    assert split(dataset, seed=1).test.tolist() != split(dataset, seed=2).test.tolist()


def test_split_three_pictures_a_class_puts_one_in_each_part() -> None:
    dataset = array_dataset(list(range(6)), [0, 0, 0, 1, 1, 1])

    for part in parts_of(split(dataset, 0.1, 0.1, 0)):
        assert sorted(labels_of(dataset, part)) == [0, 1]


@pytest.mark.parametrize("sizes", [[10, 1, 1], [1, 10, 1], [5, 5, 5], [20, 3, 1, 1], [2, 2, 30]])
def test_split_large_groups_leave_something_in_each_part(sizes: list[int]) -> None:
    groups = [f"gone/{group}" for group, size in enumerate(sizes) for _ in range(size)]
    items = [
        Item(f"{label} {i}", label, None, f"{label} {group}") for label in (0, 1) for i, group in enumerate(groups)
    ]

    for seed in range(30):
        found = split_dataset(*described(items), 0.1, 0.2, seed)
        assert all(len(part) for part in parts_of(found))


def test_split_shares_count_pictures_not_groups() -> None:
    items = [Item(f"{label} {i}", label, None, f"{label} gone {i // 5}") for label in (0, 1) for i in range(500)]

    found = split_dataset(*described(items), 0.1, 0.2, 3)

    assert [len(part) for part in parts_of(found)] == [700, 100, 200]


def parts_dataset(*rows: tuple[int, int, Part | None]) -> Dataset:
    numbers, labels, parts = zip(*rows, strict=True)
    return array_dataset(numbers, labels, parts)


def test_split_given_parts_stay_and_val_is_cut_from_train() -> None:
    rows = [(n, n % 2, "train") for n in range(20)] + [(n, n % 2, "test") for n in range(20, 30)]
    found = split(parts_dataset(*rows), 0.2, 0.2)  # type: ignore[arg-type]

    assert found.test.tolist() == list(range(20, 30))
    assert len(found.val) == 4
    assert sorted([*found.train, *found.val]) == list(range(20))


def test_split_with_all_parts_given_cuts_nothing() -> None:
    rows = [(n, n % 2, part) for n, part in enumerate(["train"] * 6 + ["val"] * 4 + ["test"] * 4)]
    found = split(parts_dataset(*rows), 0.4, 0.4)  # type: ignore[arg-type]

    assert [part.tolist() for part in parts_of(found)] == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9], [10, 11, 12, 13]]


def test_split_with_val_given_cuts_test_from_train() -> None:
    rows = [(n, n % 2, "train") for n in range(20)] + [(n, n % 2, "val") for n in range(20, 24)]
    found = split(parts_dataset(*rows), 0.2, 0.2)  # type: ignore[arg-type]

    assert found.val.tolist() == [20, 21, 22, 23]
    assert len(found.test) == 4


def test_split_leaves_copies_of_given_test_pictures_out_of_the_others() -> None:
    rows = [(n, n % 2, "train") for n in range(20)]
    rows += [(100, 0, "val"), (101, 1, "val"), (4, 0, "val"), (7, 1, "val")]
    rows += [(200, 0, "test"), (201, 1, "test"), (7, 1, "test"), (12, 0, "test")]
    dataset = parts_dataset(*rows)  # type: ignore[arg-type]

    found = split(dataset)

    assert found.test.tolist() == [24, 25, 26, 27]
    assert found.val.tolist() == [20, 21, 22]
    assert sorted(set(range(20)) - set(found.train.tolist())) == [4, 7, 12]
    assert {file.name: file.reason for file in found.left_out} == {
        "04": "of one origin with 22, which is in val",
        "07": "of one origin with 26, which is in test",
        "12": "of one origin with 27, which is in test",
        "23": "of one origin with 26, which is in test",
    }


def test_split_of_shared_clothes_respects_their_test_folder(shared_data: Path, tmp_path: Path) -> None:
    clothes = open_path(shared_data / "datasets" / "clothing", tmp_path)
    found = split(clothes)

    assert {clothes.items[index].name.split("/")[0] for index in found.test} == {"test"}
    assert [len(part) for part in parts_of(found)] == [270, 30, 120]
    assert found.left_out == ()
    assert np.bincount(labels_of(clothes, found.val)).tolist() == [3] * 10


@pytest.mark.parametrize(
    ("dataset", "shares", "message"),
    [
        (
            array_dataset([1, 2, 3, 4, 5, 5], [0, 0, 0, 1, 1, 1]),
            (0.1, 0.1),
            "'b' has 2 different pictures; training needs at least 3 a class",
        ),
        (array_dataset(list(range(8)), [0, 0, 0, 0, 1, 1, 1, 1]), (0.5, 0.5), "nothing is left to train on"),
        (
            array_dataset([1, 2, 3, 4, 5, 3], [0, 0, 0, 1, 1, 1]),
            (0.1, 0.1),
            r"pictures 2 and 5 are the same, but one is a, one b$",
        ),
        (
            array_dataset([1, 2, 3, 3, 2, 1], [0, 0, 0, 1, 1, 1]),
            (0.1, 0.1),
            r"pictures 2 and 3 are the same, but one is a, one b; 2 more pairs are like them",
        ),
        (
            array_dataset([1, 2, 3, 4], [0, 0, 0, 1], ["train", "train", "train", "test"]),
            (0.1, 0.1),
            "class 'b' has no picture to train on",
        ),
        (array_dataset([1, 2, 3, 4], [0, 0, 1, 1], ["test"] * 4), (0.1, 0.1), "class 'a' has no picture to train on"),
    ],
)
def test_split_that_is_impossible_is_refused(dataset: Dataset, shares: tuple[float, float], message: str) -> None:
    with pytest.raises(DatasetUnusable, match=message):
        split(dataset, *shares, seed=0)
