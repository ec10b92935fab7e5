"""Every query on the tables datasets and dataset_items. Usable from any thread, with or without a request.

What is true of the pictures of detectors and segmenters is changed by `annotation_rows`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from deep_predictor.db.connections import busy_errors
from deep_predictor.db.dataset_records import Chosen, Dataset, DatasetItem, NewItem
from deep_predictor.db.item_statements import ItemStatements, chunks
from deep_predictor.db.library_columns import DatasetColumns, DatasetItemClassColumns, DatasetItemColumns
from deep_predictor.db.models import get_model
from deep_predictor.db.stored_boxes import SetClass, boxes_of, classes_of, classes_text
from deep_predictor.errors import NameTaken, NotFound


class DatasetRows:
    """Production's. Every method is one transaction and may raise DatabaseBusy.

    What changes items begins with the row of their data set: so nobody changes one that is being deleted, and a writer
    waits for the one before it.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.datasets = get_model(DatasetColumns, "production").__table__  # type: ignore[attr-defined]
        self.items_table = get_model(DatasetItemColumns, "production").__table__  # type: ignore[attr-defined]
        self.item_classes = get_model(DatasetItemClassColumns, "production").__table__  # type: ignore[attr-defined]
        self.statements = ItemStatements(self.items_table, self.item_classes)

    def insert(
        self, name: str, created_by: int | None, task: str = "classification", class_names: Sequence[str] = ()
    ) -> Dataset:
        """Raises NameTaken."""
        now = time.time()
        values = {"name": name, "created_by": created_by, "created_at": now, "changed_at": now, "version": 1}
        classes = classes_text(SetClass(number, one) for number, one in enumerate(class_names))
        statement = insert(self.datasets).values(**values, task=task, classes=classes).returning(self.datasets)
        try:
            with busy_errors(), self.engine.begin() as connection:
                return dataset_of(connection.execute(statement).one())
        except IntegrityError as error:
            raise NameTaken("data set", name) from error

    def get(self, dataset_id: int) -> Dataset:
        """Raises NotFound."""
        found = self._find(self.datasets.c.id == dataset_id)
        if found is None:
            raise NotFound("dataset", dataset_id)
        return found

    def find_by_name(self, name: str) -> Dataset | None:
        return self._find(self.datasets.c.name == name)

    def page(self, limit: int, offset: int) -> tuple[list[Dataset], int]:
        """Some of the data sets, oldest first, and how many there are."""
        statement = select(self.datasets).order_by(self.datasets.c.id).limit(limit).offset(offset)
        with busy_errors(), self.engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(self.datasets)) or 0
            return [dataset_of(row) for row in connection.execute(statement)], count

    def rename(self, dataset_id: int, name: str) -> Dataset:
        """Raises NotFound, NameTaken."""
        is_it = self.datasets.c.id == dataset_id
        statement = update(self.datasets).where(is_it).values(name=name, changed_at=time.time())
        try:
            with busy_errors(), self.engine.begin() as connection:
                row = connection.execute(statement.returning(self.datasets)).first()
        except IntegrityError as error:
            raise NameTaken("data set", name) from error
        if row is None:
            raise NotFound("dataset", dataset_id)
        return dataset_of(row)

    def delete(self, dataset_id: int) -> None:
        """With all its items. Raises NotFound."""
        with busy_errors(), self.engine.begin() as connection:
            if not connection.execute(delete(self.datasets).where(self.datasets.c.id == dataset_id)).rowcount:
                raise NotFound("dataset", dataset_id)
            for table in (self.items_table, self.item_classes):
                connection.execute(delete(table).where(table.c.dataset_id == dataset_id))

    def add_item(self, dataset_id: int, item: NewItem) -> DatasetItem:
        """Raises NotFound."""
        values = {**item.values(), "dataset_id": dataset_id, "added_at": time.time()}
        statement = insert(self.items_table).values(values).returning(self.items_table)
        with busy_errors(), self.engine.begin() as connection:
            self.note_change(connection, dataset_id)
            added = item_of(connection.execute(statement).one())
            self.note_classes(connection, dataset_id, {added.id: item.amounts()})
        return added

    def add_items(self, dataset_id: int, items: Sequence[NewItem]) -> None:
        """All but those whose `import_key` is there. Raises NotFound."""
        if not items:
            return
        about = {"dataset_id": dataset_id, "added_at": time.time()}
        table = self.items_table
        with busy_errors(), self.engine.begin() as connection:
            self.note_change(connection, dataset_id)
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            statement = dialect.insert(table).on_conflict_do_nothing(index_elements=["import_key"])
            values = [item.values() | about for item in items]
            amounts = {item.file_name: found for item in items if (found := item.amounts())}
            if not amounts:
                connection.execute(statement, values)
                return
            rows = connection.execute(statement.returning(table.c.id, table.c.file_name), values)
            self.note_classes(connection, dataset_id, {number: amounts.get(name, {}) for number, name in rows})

    def get_item(self, dataset_id: int, item_id: int) -> DatasetItem:
        """Raises NotFound."""
        is_it = (self.items_table.c.id == item_id) & (self.items_table.c.dataset_id == dataset_id)
        with busy_errors(), self.engine.connect() as connection:
            row = connection.execute(select(self.items_table).where(is_it)).first()
        if row is None:
            raise NotFound("item", item_id)
        return item_of(row)

    def items(self, dataset_id: int, chosen: Chosen, limit: int, offset: int) -> tuple[list[DatasetItem], int]:
        """Some of the items that are chosen, oldest first, and how many there are."""
        with busy_errors(), self.engine.connect() as connection:
            count = connection.scalar(self.statements.count(dataset_id, chosen)) or 0
            rows = connection.execute(self.statements.page(dataset_id, chosen, limit, offset))
            return [item_of(row) for row in rows], count

    def items_after(self, dataset_id: int, last_id: int, limit: int) -> list[DatasetItem]:
        """The next items by their ids."""
        statement = self.statements.page(dataset_id, Chosen(after=last_id), limit, 0)
        with busy_errors(), self.engine.connect() as connection:
            return [item_of(row) for row in connection.execute(statement)]

    def find_by_import(self, import_key: str) -> Dataset | None:
        """The data set that holds what was brought under this key."""
        of_item = select(self.items_table.c.dataset_id).where(self.items_table.c.import_key == import_key)
        return self._find(self.datasets.c.id == of_item.scalar_subquery())

    def counts(self, dataset_id: int, chosen: Chosen | None = None) -> dict[tuple[str, str], int]:
        """(label, split) -> items, of all or of some."""
        with busy_errors(), self.engine.connect() as connection:
            rows = connection.execute(self.statements.counts(dataset_id, chosen or Chosen()))
            return {(label, split): count for label, split, count in rows}

    def change_items(self, dataset_id: int, chosen: Chosen, **values: str) -> int:
        """Give items a `label` or `split`; how many there were. Raises NotFound for the data set."""
        count = 0
        with busy_errors(), self.engine.begin() as connection:
            self.note_change(connection, dataset_id)
            for conditions in self.statements.conditions(dataset_id, chosen):
                count += connection.execute(update(self.items_table).where(*conditions).values(**values)).rowcount
        return count

    def delete_items(self, dataset_id: int, chosen: Chosen) -> list[str]:
        """The names of the files of the items that are gone. Raises NotFound for the data set."""
        names: list[str] = []
        columns = self.items_table.c
        returned = (columns.id, columns.file_name, columns.mask_file, columns.boxes.is_not(None))
        with busy_errors(), self.engine.begin() as connection:
            self.note_change(connection, dataset_id)
            with_classes = []
            for conditions in self.statements.conditions(dataset_id, chosen):
                gone = delete(self.items_table).where(*conditions).returning(*returned)
                for item_id, file_name, mask_file, has_boxes in connection.execute(gone):
                    names += [file_name, mask_file] if mask_file else [file_name]
                    with_classes += [item_id] if mask_file or has_boxes else []
            self.forget_classes(connection, with_classes)
        return names

    def note_change(self, connection: Connection, dataset_id: int) -> Dataset:
        """The data set with its new version; nobody else writes to it until the transaction ends. Raises NotFound."""
        values = {"version": self.datasets.c.version + 1, "changed_at": time.time()}
        statement = update(self.datasets).where(self.datasets.c.id == dataset_id).values(values)
        row = connection.execute(statement.returning(self.datasets)).first()
        if row is None:
            raise NotFound("dataset", dataset_id)
        return dataset_of(row)

    def note_classes(self, connection: Connection, dataset_id: int, amounts: Mapping[int, Mapping[int, int]]) -> None:
        """`amounts`: id of an item that has no classes yet -> class number -> boxes, or pixels."""
        rows = [
            {"dataset_id": dataset_id, "item_id": item_id, "class_number": number, "amount": amount}
            for item_id, of_item in amounts.items()
            for number, amount in of_item.items()
        ]
        if rows:
            connection.execute(insert(self.item_classes), rows)

    def forget_classes(self, connection: Connection, item_ids: Sequence[int]) -> None:
        for some in chunks(item_ids):
            connection.execute(delete(self.item_classes).where(self.item_classes.c.item_id.in_(some)))

    def _find(self, condition: ColumnElement[bool]) -> Dataset | None:
        with busy_errors(), self.engine.connect() as connection:
            row = connection.execute(select(self.datasets).where(condition)).first()
        return dataset_of(row) if row else None


def dataset_of(row: Row[Any]) -> Dataset:
    values = dict(row._mapping)
    return Dataset(**values | {"classes": classes_of(values["classes"])})


def item_of(row: Row[Any]) -> DatasetItem:
    values = dict(row._mapping)
    return DatasetItem(**values | {"boxes": boxes_of(values["boxes"])})
