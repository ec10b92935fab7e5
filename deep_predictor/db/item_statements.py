"""The statements that find items of a data set. Each index holds the items of one value in their ids' order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, Table, func, select
from sqlalchemy.sql.elements import ColumnElement

from deep_predictor.db.dataset_records import Chosen

#: Values of one statement; databases limit them.
CHUNK = 500


class ItemStatements:
    def __init__(self, items: Table, item_classes: Table) -> None:
        self._items, self._item_classes = items, item_classes

    def page(self, dataset_id: int, chosen: Chosen, limit: int, offset: int) -> Select[Any]:
        (conditions,) = self.conditions(dataset_id, chosen)
        order = self._items.c.id.asc() if chosen.before is None else self._items.c.id.desc()
        return select(self._items).where(*conditions).order_by(order).limit(limit).offset(offset)

    def count(self, dataset_id: int, chosen: Chosen) -> Select[Any]:
        (conditions,) = self.conditions(dataset_id, chosen)
        return select(func.count()).select_from(self._items).where(*conditions)

    def counts(self, dataset_id: int, chosen: Chosen) -> Select[Any]:
        """(label, split, items)."""
        columns = (self._items.c.label, self._items.c.split)
        (conditions,) = self.conditions(dataset_id, chosen)
        counted = select(*columns, func.count()).where(*conditions)
        return counted.group_by(*columns).order_by(*columns)

    def class_counts(self, dataset_id: int) -> Select[Any]:
        """(class number, items, boxes or pixels)."""
        columns = self._item_classes.c
        counted = select(columns.class_number, func.count(), func.sum(columns.amount))
        return counted.where(columns.dataset_id == dataset_id).group_by(columns.class_number)

    def conditions(self, dataset_id: int, chosen: Chosen) -> Iterator[list[ColumnElement[bool]]]:
        """What stands in the WHERE of each statement: one, but for many ids."""
        columns = self._items.c
        conditions: list[ColumnElement[bool]] = [columns.dataset_id == dataset_id]
        if chosen.label is not None:
            conditions.append(columns.label == chosen.label)
        if chosen.split is not None:
            conditions.append(columns.split == chosen.split)
        if chosen.annotated is not None:
            conditions.append(columns.is_annotated == chosen.annotated)
        if chosen.class_number is not None:
            conditions.append(columns.id.in_(self._items_with(dataset_id, chosen.class_number)))
        if chosen.after is not None:
            conditions.append(columns.id > chosen.after)
        if chosen.before is not None:
            conditions.append(columns.id < chosen.before)
        if chosen.ids is None:
            yield conditions
        else:
            yield from ([*conditions, columns.id.in_(some)] for some in chunks(chosen.ids))

    def _items_with(self, dataset_id: int, class_number: int) -> Select[Any]:
        columns = self._item_classes.c
        is_it = (columns.dataset_id == dataset_id) & (columns.class_number == class_number)
        return select(columns.item_id).where(is_it)


def chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))
