"""Classes and boxes of a data set as its rows hold them: boxes name a class by its number, so to rename one is cheap.

A class keeps its number for as long as it is there. In a data set of masks numbers are also the values of pixels, and
so the classes' places: 0, 1, 2, …
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class SetClass:
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class StoredBox:
    """Centre and size as shares of the upright picture. `is_crowd`: a region with many things of the class."""

    class_number: int
    cx: float
    cy: float
    w: float
    h: float
    is_crowd: bool = False


def classes_text(classes: Iterable[SetClass]) -> str:
    return json.dumps([[one.number, one.name] for one in classes], ensure_ascii=False)


def classes_of(text: str) -> tuple[SetClass, ...]:
    return tuple(SetClass(number, name) for number, name in json.loads(text))


def boxes_text(boxes: Sequence[StoredBox] | None) -> str | None:
    """Numbers keep all their digits. None stays None: nobody has looked yet."""
    if boxes is None:
        return None
    return json.dumps([[*astuple(box)[:5], int(box.is_crowd)] for box in boxes], separators=(",", ":"))


def boxes_of(text: str | None) -> tuple[StoredBox, ...] | None:
    if text is None:
        return None
    return tuple(StoredBox(number, cx, cy, w, h, bool(is_crowd)) for number, cx, cy, w, h, is_crowd in json.loads(text))


def amounts_of(boxes: Iterable[StoredBox]) -> dict[int, int]:
    """Class number -> boxes."""
    return Counter(box.class_number for box in boxes)
