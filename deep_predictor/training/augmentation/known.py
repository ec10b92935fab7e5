"""What `base.Setting.known` needs: where each picture of a data set went, by the content of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deep_predictor.training.augmentation.base import KnownPicture
from deep_predictor.training.dataset import Dataset, Item, Part
from deep_predictor.training.fingerprints import Fingerprint
from deep_predictor.training.splitting import Split


def parts_of_split(split: Split) -> dict[int, Part]:
    """Index -> part, of those that the split did not leave out."""
    parts: dict[int, Part] = {int(index): "train" for index in split.train}
    parts |= {int(index): "val" for index in split.val}
    parts |= {int(index): "test" for index in split.test}
    return parts


def known_pictures(
    dataset: Dataset, parts: Mapping[int, Part], fingerprints: Sequence[Fingerprint]
) -> dict[str, KnownPicture]:
    """SHA-256 of each picture's file -> where it went, so that what was cut out of it goes the same way.

    Pictures that are in no part are known too: what was cut out of them is used nowhere.
    """
    known: dict[str, KnownPicture] = {}
    for index, item in enumerate(dataset.items):
        content = fingerprints[index].content
        if content and (content not in known or not known[content].part):
            known[content] = KnownPicture(parts.get(index, ""), source_of(item))
    return known


def source_of(item: Item) -> str:
    """The name that everything made of one picture has in common."""
    return item.source or item.name
