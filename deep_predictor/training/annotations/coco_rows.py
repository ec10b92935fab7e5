"""The annotations of a COCO file as columns: 57 bytes each, whatever else stood there."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: More are left out.
MAX_ROWS = 5_000_000


@dataclass(frozen=True, slots=True)
class CocoAnnotation:
    """One annotation. `box`: x, y, w, h in pixels, finite."""

    annotation_id: int
    image_id: int
    category_id: int
    box: tuple[float, float, float, float]
    is_crowd: bool


@dataclass(frozen=True)
class CocoColumns:
    """Annotations in the order of the file: int64 (N,) ids, float64 (N, 4) boxes, bool (N,) crowds."""

    annotation_ids: np.ndarray
    image_ids: np.ndarray
    category_ids: np.ndarray
    boxes: np.ndarray
    is_crowd: np.ndarray

    def at(self, chosen: np.ndarray | slice) -> CocoColumns:
        """Those of a mask, of indices or of a range."""
        return CocoColumns(
            self.annotation_ids[chosen],
            self.image_ids[chosen],
            self.category_ids[chosen],
            self.boxes[chosen],
            self.is_crowd[chosen],
        )


class CocoRows:
    """Collects annotations while a file is read."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._boxes = array("d")
        self._crowds = bytearray()

    def __len__(self) -> int:
        return len(self._crowds)

    def append(self, row: CocoAnnotation) -> None:
        self._ids.extend((row.annotation_id, row.image_id, row.category_id))
        self._boxes.extend(row.box)
        self._crowds.append(row.is_crowd)

    def columns(self) -> CocoColumns:
        ids = np.frombuffer(self._ids, np.int64).reshape(-1, 3)
        boxes = np.frombuffer(self._boxes, np.float64).reshape(-1, 4)
        return CocoColumns(ids[:, 0], ids[:, 1], ids[:, 2], boxes, np.frombuffer(self._crowds, np.bool_))


def positions_in(known: Sequence[int], wanted: np.ndarray) -> np.ndarray:
    """int64 (N,): where in `known`, without doubles, each of the wanted ids stands; -1 for those that do not."""
    if not known:
        return np.full(len(wanted), -1, np.int64)
    ids = np.array(known, np.int64)
    order = np.argsort(ids)
    places = np.minimum(np.searchsorted(ids[order], wanted), len(ids) - 1)
    found: np.ndarray = np.where(ids[order[places]] == wanted, order[places], -1)
    return found


def is_repeated(ids: np.ndarray) -> np.ndarray:
    """bool (N,): whether an id stood there before."""
    order = np.argsort(ids, kind="stable")
    repeated = np.zeros(len(ids), bool)
    repeated[order[1:]] = ids[order[1:]] == ids[order[:-1]]
    return repeated
