"""Groups of pictures that must stay on one side of a split: copies, look-alikes, and what was made of one source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

from deep_predictor.training.dataset import Dataset
from deep_predictor.training.fingerprints import Fingerprint
from deep_predictor.training.lookalikes import similar_pairs


def group_pictures(dataset: Dataset, fingerprints: Sequence[Fingerprint]) -> list[list[int]]:
    """Indices of all readable pictures, those of one origin together; a look-alike's look-alike belongs to it, too."""
    links = _Links()
    readable = [index for index, fingerprint in enumerate(fingerprints) if fingerprint.problem is None]
    for index in readable:
        links.join(index, ("content", fingerprints[index].content))
    for index, item in enumerate(dataset.items):
        # An unreadable picture may still be the source that others have in common.
        links.join(index, ("name", item.name))
        if item.source:
            links.join(index, ("name", item.source))
    for one, other in similar_pairs(fingerprints):
        links.join(int(one), int(other))
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index in readable:
        groups[links.root_of(index)].append(index)
    return list(groups.values())


class _Links:
    """Things that belong together, by Tarjan's union-find."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def root_of(self, thing: Hashable) -> Hashable:
        path = []
        while (parent := self._parent.setdefault(thing, thing)) != thing:
            path.append(thing)
            thing = parent
        for passed in path:
            self._parent[passed] = thing
        return thing

    def join(self, one: Hashable, other: Hashable) -> None:
        self._parent[self.root_of(other)] = self.root_of(one)
