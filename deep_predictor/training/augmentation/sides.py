"""Pictures that augmentation brings along (backgrounds, cut-outs), divided so that train and test share none.

Files of equal content, and pictures that look alike, are one group; a group is on one side. Groups are divided by the
seed and their content, so neither file names nor their order count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from deep_predictor.training.augmentation.base import KnownPicture, Side

#: Side of the thumbnails by which pictures are compared.
LOOK_SIDE = 16
#: Pictures look alike when their thumbnails (0..255) differ by no more than this on average, and anywhere.
_MEAN_DIFFERENCE, _LARGEST_DIFFERENCE = 3.0, 30.0


@dataclass(frozen=True, eq=False)
class ShelfPicture:
    """A picture file. `look`: RGB uint8 (16, 16, 3) of all of it.

    `content`: SHA-256 of the file, of a cut-out that of the file that it was cut from: equal for what belongs together.
    `file_hash`: of the file itself, which may be a picture of the data set too.
    """

    path: Path
    content: str
    look: np.ndarray
    file_hash: str = ""

    def find_in(self, known: Mapping[str, KnownPicture]) -> KnownPicture | None:
        """The picture of the data set that it is, or was cut from."""
        return known.get(self.file_hash) or known.get(self.content)


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def look_of(image: np.ndarray) -> np.ndarray:
    """RGB uint8 (H, W, 3) -> its thumbnail for `ShelfPicture.look`."""
    return cv2.resize(np.ascontiguousarray(image), (LOOK_SIDE, LOOK_SIDE), interpolation=cv2.INTER_AREA)


def divide(
    pictures: Sequence[ShelfPicture], test_share: float, seed: int, known: Mapping[str, KnownPicture]
) -> dict[Side, list[ShelfPicture]]:
    """Give each group to a side; at least one to each where there are two or more, a single one is for training.

    A group with a picture of the data set (`known`, by its content or as it is) goes where that went, and nowhere if
    that is neither train nor test, or both.
    """
    sides: dict[Side, list[ShelfPicture]] = {"train": [], "test": []}
    free = []
    for group in _groups(pictures):
        parts = {found.part for picture in group if (found := picture.find_in(known))}
        if not parts:
            free.append(group)
        elif parts == {"train"}:
            sides["train"].extend(group)
        elif parts == {"test"}:
            sides["test"].extend(group)
    count = len(free)
    test_count = min(max(1, round(count * test_share)), count - 1) if count > 1 and test_share > 0 else 0
    for number, group in enumerate(sorted(free, key=lambda group: _rank(group, seed))):
        sides["test" if number < test_count else "train"].extend(group)
    return {side: sorted(found, key=lambda picture: picture.path.as_posix()) for side, found in sides.items()}


def _rank(group: Sequence[ShelfPicture], seed: int) -> str:
    return sha256_of(f"{seed} {min(picture.content for picture in group)}".encode())


def _groups(pictures: Sequence[ShelfPicture]) -> list[list[ShelfPicture]]:
    """Pictures that are copies or look alike, also by way of a third one."""
    leader = list(range(len(pictures)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    looks = np.array([picture.look.ravel() for picture in pictures], np.float32)
    means = np.array([look.mean() for look in looks])
    first_of: dict[str, int] = {}
    for index, picture in enumerate(pictures):
        leader[index] = find(first_of.setdefault(picture.content, index))
        # Pictures whose means differ by more cannot look alike; few are left to compare.
        near = np.flatnonzero(np.abs(means[:index] - means[index]) <= _MEAN_DIFFERENCE)
        difference = np.abs(looks[near] - looks[index])
        alike = (difference.mean(axis=1) <= _MEAN_DIFFERENCE) & (difference.max(axis=1) <= _LARGEST_DIFFERENCE)
        for other in near[alike]:
            leader[find(int(other))] = find(index)
    found: dict[int, list[ShelfPicture]] = {}
    for index, picture in enumerate(pictures):
        found.setdefault(find(index), []).append(picture)
    return list(found.values())
