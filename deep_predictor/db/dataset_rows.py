"""Every query on the tables datasets and dataset_items. Usable from any thread, with or without a request."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from deep_predictor.db.connections import busy_errors
from deep_predictor.db.library_columns import DatasetColumns, DatasetItemColumns
from deep_predictor.db.models import get_model
from deep_predictor.errors import NameTaken, NotFound

#: Values of one statement; databases limit them.
CHUNK = 500


@dataclass(frozen=True)
class Dataset:
    """A row as read; the meaning of each field stands in `library_columns.DatasetColumns`."""

    id: int
    name: str
    created_by: int | None
    created_at: float
    changed_at: float
    version: int


@dataclass(frozen=True)
class NewItem:
    """A labelled picture whose file is in its place; see `library_columns.DatasetItemColumns`."""

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


@dataclass(frozen=True)
class DatasetItem(NewItem):
    """A row as read."""

    id: int = 0
    dataset_id: int = 0
    added_at: float = 0.0


@dataclass(frozen=True)
class Chosen:
    """Which items of a data set: those of these ids, of this label, of this split; what is None chooses nothing out."""

    ids: Sequence[int] | None = None
    label: str | None = None
    split: str | None = None


class DatasetRows:
    """Production's. Every method is one transaction and may raise DatabaseBusy.

    What changes items begins with the row of their data set: so nobody changes one that is being deleted, and a writer
    waits for the one before it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._datasets = get_model(DatasetColumns, "production").__table__  # type: ignore[attr-defined]
        self._items = get_model(DatasetItemColumns, "production").__table__  # type: ignore[attr-defined]

    def insert(self, name: str, created_by: int | None) -> Dataset:
        """Raises NameTaken."""
        now = time.time()
        values = {"name": name, "created_by": created_by, "created_at": now, "changed_at": now, "version": 1}
        statement = insert(self._datasets).values(values).returning(self._datasets)
        try:
            with busy_errors(), self._engine.begin() as connection:
                return _dataset(connection.execute(statement).one())
        except IntegrityError as error:
            raise NameTaken("data set", name) from error

    def get(self, dataset_id: int) -> Dataset:
        """Raises NotFound."""
        found = self._find(self._datasets.c.id == dataset_id)
        if found is None:
            raise NotFound("dataset", dataset_id)
        return found

    def find_by_name(self, name: str) -> Dataset | None:
        return self._find(self._datasets.c.name == name)

    def page(self, limit: int, offset: int) -> tuple[list[Dataset], int]:
        """Some of the data sets, oldest first, and how many there are."""
        statement = select(self._datasets).order_by(self._datasets.c.id).limit(limit).offset(offset)
        with busy_errors(), self._engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(self._datasets)) or 0
            return [_dataset(row) for row in connection.execute(statement)], count

    def rename(self, dataset_id: int, name: str) -> Dataset:
        """Raises NotFound, NameTaken."""
        is_it = self._datasets.c.id == dataset_id
        statement = update(self._datasets).where(is_it).values(name=name, changed_at=time.time())
        try:
            with busy_errors(), self._engine.begin() as connection:
                row = connection.execute(statement.returning(self._datasets)).first()
        except IntegrityError as error:
            raise NameTaken("data set", name) from error
        if row is None:
            raise NotFound("dataset", dataset_id)
        return _dataset(row)

    def delete(self, dataset_id: int) -> None:
        """With all its items. Raises NotFound."""
        with busy_errors(), self._engine.begin() as connection:
            if not connection.execute(delete(self._datasets).where(self._datasets.c.id == dataset_id)).rowcount:
                raise NotFound("dataset", dataset_id)
            connection.execute(delete(self._items).where(self._items.c.dataset_id == dataset_id))

    def add_item(self, dataset_id: int, item: NewItem) -> DatasetItem:
        """Raises NotFound."""
        values = {**vars(item), "dataset_id": dataset_id, "added_at": time.time()}
        with busy_errors(), self._engine.begin() as connection:
            self._note_change(connection, dataset_id)
            return _item(connection.execute(insert(self._items).values(values).returning(self._items)).one())

    def add_items(self, dataset_id: int, items: Sequence[NewItem]) -> None:
        """All but those whose `import_key` is there. Raises NotFound."""
        if not items:
            return
        about = {"dataset_id": dataset_id, "added_at": time.time()}
        with busy_errors(), self._engine.begin() as connection:
            self._note_change(connection, dataset_id)
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            statement = dialect.insert(self._items).on_conflict_do_nothing(index_elements=["import_key"])
            connection.execute(statement, [vars(item) | about for item in items])

    def get_item(self, dataset_id: int, item_id: int) -> DatasetItem:
        """Raises NotFound."""
        is_it = (self._items.c.id == item_id) & (self._items.c.dataset_id == dataset_id)
        with busy_errors(), self._engine.connect() as connection:
            row = connection.execute(select(self._items).where(is_it)).first()
        if row is None:
            raise NotFound("item", item_id)
        return _item(row)

    def items(self, dataset_id: int, chosen: Chosen, limit: int, offset: int) -> tuple[list[DatasetItem], int]:
        """Some of the items, oldest first, and how many there are of this label and split."""
        with busy_errors(), self._engine.connect() as connection:
            count = connection.scalar(self.count_statement(dataset_id, chosen)) or 0
            rows = connection.execute(self.page_statement(dataset_id, chosen, limit, offset))
            return [_item(row) for row in rows], count

    def items_after(self, dataset_id: int, last_id: int, limit: int) -> list[DatasetItem]:
        """The next items by their ids."""
        is_meant = (self._items.c.dataset_id == dataset_id) & (self._items.c.id > last_id)
        statement = select(self._items).where(is_meant).order_by(self._items.c.id).limit(limit)
        with busy_errors(), self._engine.connect() as connection:
            return [_item(row) for row in connection.execute(statement)]

    def find_by_import(self, import_key: str) -> Dataset | None:
        """The data set that holds what was brought under this key."""
        of_item = select(self._items.c.dataset_id).where(self._items.c.import_key == import_key)
        return self._find(self._datasets.c.id == of_item.scalar_subquery())

    def counts(self, dataset_id: int) -> dict[tuple[str, str], int]:
        """(label, split) -> items."""
        with busy_errors(), self._engine.connect() as connection:
            return {(label, split): count for label, split, count in connection.execute(self.counts_of(dataset_id))}

    def change_items(self, dataset_id: int, chosen: Chosen, **values: str) -> int:
        """Give items a `label` or `split`; how many there were. Raises NotFound for the data set."""
        count = 0
        with busy_errors(), self._engine.begin() as connection:
            self._note_change(connection, dataset_id)
            for conditions in self._conditions(dataset_id, chosen):
                count += connection.execute(update(self._items).where(*conditions).values(**values)).rowcount
        return count

    def delete_items(self, dataset_id: int, chosen: Chosen) -> list[str]:
        """The file names of the items that are gone. Raises NotFound for the data set."""
        names: list[str] = []
        with busy_errors(), self._engine.begin() as connection:
            self._note_change(connection, dataset_id)
            for conditions in self._conditions(dataset_id, chosen):
                statement = delete(self._items).where(*conditions).returning(self._items.c.file_name)
                names += connection.scalars(statement)
        return names

    def page_statement(self, dataset_id: int, chosen: Chosen, limit: int, offset: int) -> Select[Any]:
        """Each of the indices holds the items of one value in the order of their ids."""
        (conditions,) = self._conditions(dataset_id, chosen)
        return select(self._items).where(*conditions).order_by(self._items.c.id).limit(limit).offset(offset)

    def count_statement(self, dataset_id: int, chosen: Chosen) -> Select[Any]:
        (conditions,) = self._conditions(dataset_id, chosen)
        return select(func.count()).select_from(self._items).where(*conditions)

    def counts_of(self, dataset_id: int) -> Select[Any]:
        columns = (self._items.c.label, self._items.c.split)
        counted = select(*columns, func.count()).where(self._items.c.dataset_id == dataset_id)
        return counted.group_by(*columns).order_by(*columns)

    def _find(self, condition: ColumnElement[bool]) -> Dataset | None:
        with busy_errors(), self._engine.connect() as connection:
            row = connection.execute(select(self._datasets).where(condition)).first()
        return _dataset(row) if row else None

    def _note_change(self, connection: Connection, dataset_id: int) -> None:
        values = {"version": self._datasets.c.version + 1, "changed_at": time.time()}
        statement = update(self._datasets).where(self._datasets.c.id == dataset_id).values(values)
        if not connection.execute(statement).rowcount:
            raise NotFound("dataset", dataset_id)

    def _conditions(self, dataset_id: int, chosen: Chosen) -> Iterator[list[ColumnElement[bool]]]:
        """What stands in the WHERE of each statement: one, but for many ids."""
        conditions: list[ColumnElement[bool]] = [self._items.c.dataset_id == dataset_id]
        if chosen.label is not None:
            conditions.append(self._items.c.label == chosen.label)
        if chosen.split is not None:
            conditions.append(self._items.c.split == chosen.split)
        if chosen.ids is None:
            yield conditions
        else:
            yield from ([*conditions, self._items.c.id.in_(some)] for some in _chunks(chosen.ids))


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _dataset(row: Row[Any]) -> Dataset:
    return Dataset(**row._mapping)


def _item(row: Row[Any]) -> DatasetItem:
    return DatasetItem(**row._mapping)
