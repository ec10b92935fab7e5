"""Rows of data sets and their items, as read and as written; the meaning of fields stands in `library_columns`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deep_predictor.db.stored_boxes import SetClass, StoredBox, amounts_of, boxes_text


@dataclass(frozen=True)
class Dataset:
    """A row as read."""

    id: int
    name: str
    created_by: int | None
    created_at: float
    changed_at: float
    version: int
    task: str = "classification"
    classes: tuple[SetClass, ...] = ()

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.classes)


@dataclass(frozen=True)
class _ItemFields:
    label: str
    split: str
    file_name: str
    original_name: str
    source: str
    sha256: str
    width: int
    height: int
    size: int
    import_key: str | None = None
    boxes: Sequence[StoredBox] | None = None
    mask_file: str | None = None


@dataclass(frozen=True)
class NewItem(_ItemFields):
    """A picture whose file is in its place."""

    #: Of a mask: class number -> pixels.
    class_pixels: Mapping[int, int] = field(default_factory=dict)

    def amounts(self) -> Mapping[int, int]:
        """Class number -> boxes, or pixels."""
        return self.class_pixels if self.boxes is None else amounts_of(self.boxes)

    def values(self) -> dict[str, Any]:
        """Of the row's columns."""
        values = {name: value for name, value in vars(self).items() if name != "class_pixels"}
        is_annotated = bool(self.label) or self.boxes is not None or self.mask_file is not None
        return {**values, "boxes": boxes_text(self.boxes), "is_annotated": is_annotated}


@dataclass(frozen=True)
class DatasetItem(_ItemFields):
    """A row as read."""

    id: int = 0
    dataset_id: int = 0
    added_at: float = 0.0
    is_annotated: bool = True


@dataclass(frozen=True)
class Chosen:
    """Which items of a data set: what is None chooses nothing out. `before` turns their order: newest first."""

    ids: Sequence[int] | None = None
    label: str | None = None
    split: str | None = None
    #: Whether anything says what is on them.
    annotated: bool | None = None
    #: On which something of the class is.
    class_number: int | None = None
    #: Ids that are larger, or smaller.
    after: int | None = None
    before: int | None = None
