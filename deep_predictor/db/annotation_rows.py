"""What is changed of boxes, masks and classes, beside `dataset_rows`: each method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from deep_predictor.db.connections import busy_errors
from deep_predictor.db.dataset_records import Chosen, Dataset, DatasetItem
from deep_predictor.db.dataset_rows import DatasetRows, dataset_of, item_of
from deep_predictor.db.item_statements import chunks
from deep_predictor.db.stored_boxes import SetClass, StoredBox, amounts_of, boxes_text, classes_text
from deep_predictor.errors import NotFound, StateConflict


@dataclass(frozen=True)
class ClassCount:
    """`amount`: boxes, or pixels."""

    item_count: int
    amount: int


class AnnotationRows:
    """Every method may raise DatabaseBusy, and NotFound for the data set."""

    def __init__(self, rows: DatasetRows) -> None:
        self._rows = rows

    def put_boxes(self, dataset_id: int, item_id: int, boxes: Sequence[StoredBox] | None) -> DatasetItem:
        """Raises NotFound for the item."""
        items = self._rows.items_table
        is_it = (items.c.id == item_id) & (items.c.dataset_id == dataset_id)
        values = {"boxes": boxes_text(boxes), "is_annotated": boxes is not None}
        with busy_errors(), self._rows.engine.begin() as connection:
            self._rows.note_change(connection, dataset_id)
            row = connection.execute(update(items).where(is_it).values(values).returning(items)).first()
            if row is None:
                raise NotFound("item", item_id)
            self._rows.forget_classes(connection, [item_id])
            self._rows.note_classes(connection, dataset_id, {item_id: amounts_of(boxes or ())})
        return item_of(row)

    def put_no_boxes(self, dataset_id: int, chosen: Chosen, is_annotated: bool) -> int:
        """Many pictures have none, or nobody has looked at them yet; how many there were."""
        items = self._rows.items_table
        values = {"boxes": boxes_text([]) if is_annotated else None, "is_annotated": is_annotated}
        with busy_errors(), self._rows.engine.begin() as connection:
            self._rows.note_change(connection, dataset_id)
            ids: list[int] = []
            for conditions in self._rows.statements.conditions(dataset_id, chosen):
                ids += connection.scalars(select(items.c.id).where(*conditions))
            for some in chunks(ids):
                connection.execute(update(items).where(items.c.id.in_(some)).values(values))
            self._rows.forget_classes(connection, ids)
        return len(ids)

    def change_classes(
        self, dataset_id: int, change: Callable[[tuple[SetClass, ...]], tuple[SetClass, ...]]
    ) -> Dataset:
        """`change`: the classes as they are -> as they shall be. Raises what it raises.

        Raises StateConflict where a class would go that something is of, or numbers would no longer be the places of
        classes though pixels of masks say them.
        """
        table = self._rows.datasets
        is_it = table.c.id == dataset_id
        with busy_errors(), self._rows.engine.begin() as connection:
            dataset = self._rows.note_change(connection, dataset_id)
            classes = change(dataset.classes)
            if dataset.task == "segmentation":
                classes = self._in_order(connection, dataset, classes)
            self._check_unused(connection, dataset, classes)
            statement = update(table).where(is_it).values(classes=classes_text(classes)).returning(table)
            return dataset_of(connection.execute(statement).one())

    def class_counts(self, dataset_id: int) -> dict[int, ClassCount]:
        """By the classes' numbers; without those of which nothing is."""
        with busy_errors(), self._rows.engine.connect() as connection:
            rows = connection.execute(self._rows.statements.class_counts(dataset_id))
            return {number: ClassCount(items, int(amount)) for number, items, amount in rows}

    def count(self, dataset_id: int, chosen: Chosen) -> int:
        with busy_errors(), self._rows.engine.connect() as connection:
            return connection.scalar(self._rows.statements.count(dataset_id, chosen)) or 0

    def _in_order(
        self, connection: Connection, dataset: Dataset, classes: tuple[SetClass, ...]
    ) -> tuple[SetClass, ...]:
        ordered = tuple(SetClass(number, one.name) for number, one in enumerate(classes))
        masks = self._rows.statements.count(dataset.id, Chosen(annotated=True))
        if ordered != classes and connection.scalar(masks):
            message = "the pixels of masks say classes by their places: none may move, and only the last may go"
            raise StateConflict("classes_in_masks", message)
        return ordered

    def _check_unused(self, connection: Connection, dataset: Dataset, classes: tuple[SetClass, ...]) -> None:
        kept = {one.number for one in classes}
        used = {
            number: items for number, items, _ in connection.execute(self._rows.statements.class_counts(dataset.id))
        }
        for one in dataset.classes:
            if one.number not in kept and one.number in used:
                count = used[one.number]
                raise StateConflict("class_in_use", f"{count} pictures show something of the class {one.name!r}")
