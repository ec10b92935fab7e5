"""Groups of pictures that show several classes each, divided so that every class reaches each part.

The rarest classes choose first, as in K. Sechidis, G. Tsoumakas, I. Vlahavas: "On the Stratification of Multi-Label
Data", ECML PKDD 2011.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Part

#: Stands for "shows anything at all": no part may consist of empty pictures alone.
_ANYTHING = -1


@dataclass(frozen=True)
class Group:
    """Pictures that stay together, and the classes that they show."""

    indices: Sequence[int]
    classes: frozenset[int]


def divide(groups: Sequence[Group], shares: Mapping[Part, float]) -> dict[Part, list[int]]:
    """Indices by part: what no part of `shares` gets is left to train. Of equal groups the first ones are taken.

    A class reaches each part that has a share where it has a group more than there are such parts; the last group of a
    class is never taken from train. Raises DatasetUnusable where a part would stay empty.
    """
    division = _Division(groups)
    sizes = Counter(class_ for group in groups for class_ in group.classes)
    for class_ in sorted(sizes, key=lambda class_: (sizes[class_], class_)):
        if sizes[class_] > len(shares):
            for part in shares:
                division.claim(part, class_)
    total = sum(len(group.indices) for group in groups)
    for part in shares:
        if not division.claim(part, _ANYTHING):
            raise DatasetUnusable(
                f"{len(groups)} different pictures are too few: at least one must be kept for {part}, "
                "and of each class one to train on"
            )
    for part, share in shares.items():
        division.fill(part, max(1, round(total * share)))
    return division.parts()


class _Division:
    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = groups
        self._part_of: list[Part] = ["train"] * len(groups)
        self._groups_with: dict[int, list[int]] = {_ANYTHING: []}
        for place in range(len(groups)):
            for class_ in self._classes(place):
                self._groups_with.setdefault(class_, []).append(place)
        #: Of each class, groups that train still has.
        self._left = Counter({class_: len(places) for class_, places in self._groups_with.items()})
        self._there: dict[Part, set[int]] = {"train": set(), "val": set(), "test": set()}

    def claim(self, part: Part, class_: int) -> bool:
        """Give the part a group with the class unless it has one; whether it has one now."""
        if class_ in self._there[part]:
            return True
        free = [place for place in self._groups_with[class_] if self._is_free(place)]
        if not free:
            return False
        there = self._there[part]
        if class_ == _ANYTHING:  # of small sets, what shows little leaves most
            self._take(min(free, key=lambda place: len(self._groups[place].classes)), part)
        else:
            self._take(max(free, key=lambda place: len(self._groups[place].classes - there)), part)
        return True

    def fill(self, part: Part, target: int) -> None:
        """Give the part groups that bring its number of pictures nearer to `target`."""
        count = sum(len(group.indices) for group, of in zip(self._groups, self._part_of, strict=True) if of == part)
        for place, group in enumerate(self._groups):
            if count >= target:
                return
            if abs(count + len(group.indices) - target) <= target - count and self._is_free(place):
                self._take(place, part)
                count += len(group.indices)

    def parts(self) -> dict[Part, list[int]]:
        parts: dict[Part, list[int]] = {"train": [], "val": [], "test": []}
        for group, part in zip(self._groups, self._part_of, strict=True):
            parts[part] += group.indices
        return parts

    def _classes(self, place: int) -> frozenset[int]:
        classes = self._groups[place].classes
        return classes | {_ANYTHING} if classes else classes

    def _is_free(self, place: int) -> bool:
        return self._part_of[place] == "train" and all(self._left[class_] > 1 for class_ in self._classes(place))

    def _take(self, place: int, part: Part) -> None:
        self._part_of[place] = part
        self._left.subtract(self._classes(place))
        self._there[part] |= self._classes(place)
