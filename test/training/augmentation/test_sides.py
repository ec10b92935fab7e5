from __future__ import annotations

from pathlib import Path

import numpy as np

from deep_predictor.training.augmentation.base import KnownPicture
from deep_predictor.training.augmentation.sides import ShelfPicture, divide


def picture(name: str, value: int, content: str = "") -> ShelfPicture:
    return ShelfPicture(Path(name), content or name, np.full((16, 16, 3), value, np.uint8))


def names(pictures: list[ShelfPicture]) -> list[str]:
    return [str(p.path) for p in pictures]


def test_divide_gives_each_side_its_share_and_at_least_one() -> None:
    pictures = [picture(f"{number:02d}", number * 12) for number in range(20)]

    for share, count in ((0.01, 1), (0.3, 6), (0.99, 19), (0.0, 0)):
        sides = divide(pictures, share, 1, {})
        assert len(sides["test"]) == count
        assert sorted(names(sides["train"]) + names(sides["test"])) == names(pictures)


def test_divide_joins_pictures_by_way_of_a_third() -> None:
    # 10 and 14 differ by more than is alike, 12 looks like both
    chain = [picture("a", 10), picture("b", 14), picture("c", 12), picture("d", 200)]

    for seed in range(6):
        sides = divide(chain, 0.5, seed, {})
        assert sorted(map(names, sides.values())) == [["a", "b", "c"], ["d"]]


def test_divide_puts_what_is_known_where_it_went_and_drops_what_went_both_ways() -> None:
    pictures = [
        *(picture("train", 0, "x"), picture("test", 40, "y"), picture("val", 80, "z")),
        *(picture("one", 120, "x1"), picture("two", 120, "y1")),
    ]
    known = {"x": "train", "y": "test", "z": "val", "x1": "train", "y1": "test"}

    sides = divide(pictures, 0.5, 0, {content: KnownPicture(part, "") for content, part in known.items()})

    assert {side: names(found) for side, found in sides.items()} == {"train": ["train"], "test": ["test"]}


def test_divide_puts_a_cut_out_that_is_a_picture_of_the_set_where_that_went() -> None:
    """Its own place counts more than that of the photo that it was cut from."""
    look = np.zeros((16, 16, 3), np.uint8)
    cutout = ShelfPicture(Path("cutout"), "photo", look, "itself")
    known = {"itself": KnownPicture("test", "a"), "photo": KnownPicture("train", "b")}

    assert names(divide([cutout], 0.5, 0, known)["test"]) == ["cutout"]
    assert cutout.find_in(known) == known["itself"]
    assert cutout.find_in({}) is None


def test_divide_of_nothing_is_nothing() -> None:
    assert divide([], 0.5, 0, {}) == {"train": [], "test": []}
