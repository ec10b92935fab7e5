"""Every query on the table `predictions`. Usable from any thread, with or without a request."""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import UpdateBase

from deep_predictor.db.connections import busy_errors
from deep_predictor.db.group_writer import GroupWriter
from deep_predictor.db.models import PredictionColumns
from deep_predictor.db.prediction_filters import PredictionFilter
from deep_predictor.db.stored_values import read_int, read_items, read_number, read_object, read_text, storable_text
from deep_predictor.errors import PredictionIdUsed, PredictionNotFound
from deep_predictor.results import PredictionStatus, top_label

#: What a final status writes.
FINAL_COLUMNS = (
    "prediction_status",
    "prediction",
    "image_path",
    "prediction_time",
    "prediction_seconds",
    "reason_code",
    "top_class",
    "result_kind",
)


@dataclass(frozen=True)
class NewPrediction:
    """An accepted upload. `image_path` is where it lies."""

    prediction_id: str
    predictor_name: str
    image_path: str
    model_info: dict[str, Any]
    model_id: int
    #: How often it was started.
    attempts: int = 0
    #: Seconds since 1970; None: now.
    accepted_time: float | None = None


@dataclass(frozen=True)
class FinishedPrediction:
    """How a prediction ended. `items` are the wire's, None unless it is done; `image_path` is None when not kept.

    `finished_at`: seconds since 1970. `result_kind`: what was made beside the answer (`mask`, `video`), if anything.
    `top_class`: the class to list it by, "" where there is none; None: that of the most confident item.
    """

    prediction_id: str
    status: PredictionStatus
    items: list[dict[str, Any]] | None
    image_path: str | None
    seconds: float
    reason_code: str | None
    finished_at: int
    result_kind: str | None = None
    top_class: str | None = None


@dataclass(frozen=True)
class PredictionRecord:
    """A row as read, whatever version wrote it. `items` is [] unless the status is DONE.

    `prediction_time` is 0 where it is not known.
    """

    prediction_id: str
    status: int
    items: list[dict[str, Any]]
    model_info: dict[str, Any]
    model_id: int
    predictor_name: str | None
    prediction_time: int
    prediction_seconds: float | None
    image_path: str | None
    reason_code: str | None
    attempts: int
    #: The class it is listed by.
    top_class: str | None = None
    #: `mask`, `video`, or None where nothing was made beside the answer.
    result_kind: str | None = None


class PredictionRows:
    """The rows of one environment. Every method is one transaction, which it may share, and may raise DatabaseBusy."""

    def __init__(self, engine: Engine, model: type[PredictionColumns]) -> None:
        self._engine = engine
        self._writer = GroupWriter(engine)
        self._statements = _Statements(model)

    def exists(self, prediction_id: str) -> bool:
        if not _is_storable(prediction_id):
            return False
        with busy_errors(), self._engine.connect() as connection:
            return connection.execute(self._statements.exists, {"wanted_id": prediction_id}).first() is not None

    def insert(self, new: NewPrediction) -> None:
        """Raises PredictionIdUsed; the unique index decides between two inserts at once."""
        values = _values_of_new(new)
        try:
            with busy_errors():
                self._writer.write(lambda connection: connection.execute(self._statements.insert, values).rowcount)
        except IntegrityError as error:
            if self.exists(new.prediction_id):
                raise PredictionIdUsed(new.prediction_id) from error
            raise

    def mark_started(self, prediction_ids: Sequence[str]) -> set[str]:
        """Count one more start of each, in one transaction; the ids whose rows are there and not final."""
        return self._update(self._statements.count_start, [(one, {"wanted_id": one}) for one in prediction_ids])

    def take_back_start(self, prediction_id: str) -> None:
        """Count one start less: the server ended in good order while it ran."""
        self._update(self._statements.take_back_start, [(prediction_id, {"wanted_id": prediction_id})])

    def finish(
        self,
        finished: Sequence[FinishedPrediction],
        new: Sequence[tuple[NewPrediction, FinishedPrediction]] = (),
    ) -> set[str]:
        """Write final statuses in one transaction; the ids of those whose rows were there and had none yet.

        `new`: those that have no row yet; they get one, and their ids are among those given.
        """
        updates = [(one.prediction_id, _values_of_finished(one)) for one in finished]
        inserts = [{**_values_of_new(first), **_values_of_finished(last)} for first, last in new]
        for values in inserts:
            del values["wanted_id"]

        def write(connection: Connection) -> set[str]:
            if inserts:
                connection.execute(self._statements.insert, inserts)
            return self._update_all(connection, self._statements.finish, updates) | {
                values["prediction_id"] for values in inserts
            }

        with busy_errors():
            return self._writer.write(write)

    def find(self, prediction_id: str) -> PredictionRecord | None:
        if not _is_storable(prediction_id):
            return None
        with busy_errors(), self._engine.connect() as connection:
            row = connection.execute(self._statements.find, {"wanted_id": prediction_id}).first()
        return _record(row) if row else None

    def get(self, prediction_id: str) -> PredictionRecord:
        """Raises PredictionNotFound."""
        record = self.find(prediction_id)
        if record is None:
            raise PredictionNotFound(prediction_id)
        return record

    def delete(self, prediction_id: str, image_path: str | None = None) -> bool:
        """False when there is no such row. `image_path`: only while the row has this one, so is the same upload's."""
        if not _is_storable(prediction_id):
            return False
        statement = self._statements.delete if image_path is None else self._statements.delete_with_image
        values = {"wanted_id": prediction_id, "wanted_path": image_path}
        return bool(self._update(statement, [(prediction_id, values)]))

    def unfinished(self) -> list[PredictionRecord]:
        """The rows at 100, oldest first."""
        with busy_errors(), self._engine.connect() as connection:
            return [_record(row) for row in connection.execute(self._statements.unfinished)]

    def page(self, wanted: PredictionFilter, limit: int, offset: int) -> tuple[int, list[PredictionRecord]]:
        """(how many there are, some of them), newest first."""
        statement = self._ids(wanted).limit(limit).offset(offset)
        with busy_errors(), self._engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(self._ids(wanted).order_by(None).subquery()))
            ids = connection.scalars(statement).all()
        return count or 0, self._of_ids(ids)

    def batches(self, wanted: PredictionFilter, size: int) -> Iterator[list[PredictionRecord]]:
        """All there are now, newest first, `size` at a time, each batch a transaction of its own."""
        with busy_errors(), self._engine.connect() as connection:
            ids = array("q", connection.scalars(self._ids(wanted)))
        return (self._of_ids(ids[start : start + size]) for start in range(0, len(ids), size))

    def _ids(self, wanted: PredictionFilter) -> Select[Any]:
        """Newest first. They come from an index alone; rows are looked at only for what is shown."""
        columns = self._statements.table.c
        return select(columns.id).where(*wanted.conditions(columns)).order_by(columns.id.desc())

    def _of_ids(self, ids: Sequence[int]) -> list[PredictionRecord]:
        table = self._statements.table
        statement = select(table).where(table.c.id.in_(list(ids))).order_by(table.c.id.desc())
        with busy_errors(), self._engine.connect() as connection:
            return [_record(row) for row in connection.execute(statement)]

    def known_ids(self) -> Iterator[str]:
        """The ids of all predictions."""
        with busy_errors(), self._engine.connect() as connection:
            yield from filter(None, map(read_text, connection.scalars(self._statements.ids)))

    def known_image_names(self) -> set[str]:
        """File names, without folders, of all pictures that rows point at."""
        with busy_errors(), self._engine.connect() as connection:
            paths = (read_text(path) for path in connection.scalars(self._statements.image_paths))
            return {PureWindowsPath(path).name for path in paths if path}  # it splits at / as well as at \

    def _update(self, statement: UpdateBase, rows: Sequence[tuple[str, dict[str, Any]]]) -> set[str]:
        """Run a statement once for each (id, values), in one transaction; the ids of those that found a row."""

        with busy_errors():
            return self._writer.write(lambda connection: self._update_all(connection, statement, rows))

    def _update_all(
        self, connection: Connection, statement: UpdateBase, rows: Sequence[tuple[str, dict[str, Any]]]
    ) -> set[str]:
        return {wanted for wanted, values in rows if connection.execute(statement, values).rowcount > 0}


class _Statements:
    """Made once: SQLAlchemy keeps what it compiled of them. `wanted_id` is the row's prediction_id."""

    def __init__(self, model: type[PredictionColumns]) -> None:
        self.table = table = model.__table__  # type: ignore[attr-defined]
        columns = table.c
        is_wanted = columns.prediction_id == bindparam("wanted_id")
        is_unfinished = columns.prediction_status == int(PredictionStatus.ACCEPTED)
        self.insert = insert(table)
        self.exists = select(columns.id).where(is_wanted)
        self.find = select(table).where(is_wanted)
        self.unfinished = select(table).where(is_unfinished, columns.prediction_id.is_not(None)).order_by(columns.id)
        self.ids = select(columns.prediction_id)
        self.image_paths = select(columns.image_path).where(columns.image_path.is_not(None))
        self.count_start = (
            update(table).where(is_wanted, is_unfinished).values(attempts=func.coalesce(columns.attempts, 0) + 1)
        )
        self.take_back_start = (
            update(table).where(is_wanted, is_unfinished, columns.attempts > 0).values(attempts=columns.attempts - 1)
        )
        self.finish = (
            update(table).where(is_wanted, is_unfinished).values({name: bindparam(name) for name in FINAL_COLUMNS})
        )
        self.delete = delete(table).where(is_wanted)
        self.delete_with_image = self.delete.where(columns.image_path == bindparam("wanted_path"))


def _values_of_new(new: NewPrediction) -> dict[str, Any]:
    """Empty texts and not NULL: columns of old files may refuse NULL."""
    now = time.time() if new.accepted_time is None else new.accepted_time
    return {
        "prediction_id": new.prediction_id,
        "prediction_status": int(PredictionStatus.ACCEPTED),
        "prediction": "",
        "image_path": new.image_path,
        "model_info": json.dumps(new.model_info),
        "model_id": new.model_id,
        "prediction_time": int(now),
        "time_stamp": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)),
        "attempts": new.attempts,
        "predictor_name": new.predictor_name,
    }


def _values_of_finished(finished: FinishedPrediction) -> dict[str, Any]:
    return {
        "wanted_id": finished.prediction_id,
        "prediction_status": int(finished.status),
        "prediction": "" if finished.items is None else json.dumps(finished.items, allow_nan=False),
        "top_class": storable_text(_top_class(finished)) or None,
        "result_kind": finished.result_kind,
        "image_path": finished.image_path or "",
        "prediction_time": finished.finished_at,
        "prediction_seconds": finished.seconds,
        "reason_code": finished.reason_code,
    }


def _top_class(finished: FinishedPrediction) -> str:
    return top_label(finished.items or [])[0] if finished.top_class is None else finished.top_class


def _is_storable(text: str) -> bool:
    """Whether every database can hold a text (no NUL, no lone surrogate); an id that cannot be stored has no row."""
    return text.isprintable()


def _record(row: Row[Any]) -> PredictionRecord:
    status = read_int(row.prediction_status)
    return PredictionRecord(
        prediction_id=read_text(row.prediction_id) or "",
        status=status,
        items=read_items(row.prediction) if status == PredictionStatus.DONE else [],
        model_info=read_object(row.model_info),
        model_id=read_int(row.model_id),
        predictor_name=read_text(row.predictor_name),
        prediction_time=read_int(row.prediction_time),
        prediction_seconds=read_number(row.prediction_seconds),
        image_path=read_text(row.image_path),
        reason_code=read_text(row.reason_code),
        attempts=read_int(row.attempts),
        top_class=read_text(row.top_class),
        result_kind=read_text(row.result_kind),
    )
