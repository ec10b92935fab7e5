"""Every query on the table `predictions`. Usable from any thread, with or without a request."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any

from sqlalchemy import CursorResult, Update, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.sql.dml import UpdateBase

from deep_predictor.db.connections import describe, may_pass
from deep_predictor.db.models import PredictionColumns
from deep_predictor.db.stored_values import read_int, read_items, read_number, read_object, read_text
from deep_predictor.errors import DatabaseBusy, PredictionIdUsed, PredictionNotFound
from deep_predictor.results import PredictionStatus


@dataclass(frozen=True)
class NewPrediction:
    """An accepted upload. `image_path` is where it lies."""

    prediction_id: str
    predictor_name: str
    image_path: str
    model_info: dict[str, Any]
    model_id: int


@dataclass(frozen=True)
class FinishedPrediction:
    """How a prediction ended. `items` are the wire's, None unless it is done; `image_path` is None when not kept."""

    status: PredictionStatus
    items: list[dict[str, Any]] | None
    image_path: str | None
    seconds: float
    reason_code: str | None


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


class PredictionRows:
    """The rows of one environment. Every method is one transaction and may raise DatabaseBusy."""

    def __init__(self, session_factory: sessionmaker[Session], model: type[PredictionColumns]) -> None:
        self._session_factory = session_factory
        self._model = model

    def exists(self, prediction_id: str) -> bool:
        if not _is_storable(prediction_id):
            return False
        with self._transaction() as session:
            return session.scalar(select(self._model.id).where(self._model.prediction_id == prediction_id)) is not None

    def insert(self, new: NewPrediction) -> None:
        """Raises PredictionIdUsed; the unique index decides between two inserts at once."""
        values = _values_of_new(new)
        try:
            with self._transaction() as session:
                session.execute(insert(self._model).values(values))
        except IntegrityError as error:
            if self.exists(new.prediction_id):
                raise PredictionIdUsed(new.prediction_id) from error
            raise

    def mark_started(self, prediction_id: str) -> int:
        """Count one more start; how many there were with this one, 0 when the row is gone or final."""
        model = self._model
        more = self._update_unfinished(prediction_id).values(attempts=func.coalesce(model.attempts, 0) + 1)
        with self._transaction() as session:
            if not _changes(session, more):
                return 0
            return read_int(session.scalar(select(model.attempts).where(model.prediction_id == prediction_id)))

    def finish(self, prediction_id: str, finished: FinishedPrediction) -> bool:
        """Write the one final status; False when the row is gone or has one already."""
        values = {
            "prediction_status": int(finished.status),
            "prediction": "" if finished.items is None else json.dumps(finished.items, allow_nan=False),
            "image_path": finished.image_path or "",
            "prediction_time": int(time.time()),
            "prediction_seconds": finished.seconds,
            "reason_code": finished.reason_code,
        }
        with self._transaction() as session:
            return _changes(session, self._update_unfinished(prediction_id).values(values))

    def find(self, prediction_id: str) -> PredictionRecord | None:
        if not _is_storable(prediction_id):
            return None
        with self._transaction() as session:
            row = session.scalar(select(self._model).where(self._model.prediction_id == prediction_id))
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
        statement = delete(self._model).where(self._model.prediction_id == prediction_id)
        if image_path is not None:
            statement = statement.where(self._model.image_path == image_path)
        with self._transaction() as session:
            return _changes(session, statement)

    def unfinished(self) -> list[PredictionRecord]:
        """The rows at 100, oldest first."""
        model = self._model
        is_unfinished = model.prediction_status == int(PredictionStatus.ACCEPTED)
        statement = select(model).where(is_unfinished, model.prediction_id.is_not(None)).order_by(model.id)
        with self._transaction() as session:
            return [_record(row) for row in session.scalars(statement)]

    def known_image_names(self) -> set[str]:
        """File names, without folders, of all pictures that rows point at."""
        statement = select(self._model.image_path).where(self._model.image_path.is_not(None))
        with self._transaction() as session:
            paths = (read_text(path) for path in session.scalars(statement))
            return {PureWindowsPath(path).name for path in paths if path}  # it splits at / as well as at \

    def _update_unfinished(self, prediction_id: str) -> Update:
        model = self._model
        is_unfinished = model.prediction_status == int(PredictionStatus.ACCEPTED)
        return update(model).where(model.prediction_id == prediction_id, is_unfinished)

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        """A session that commits at the end; an error that may pass by itself becomes DatabaseBusy."""
        try:
            with self._session_factory.begin() as session:
                yield session
        except SQLAlchemyError as error:
            if may_pass(error):
                raise DatabaseBusy(describe(error)) from error
            raise


def _values_of_new(new: NewPrediction) -> dict[str, Any]:
    """Empty texts and not NULL: columns of old files may refuse NULL."""
    now = time.time()
    return {
        "prediction_id": new.prediction_id,
        "prediction_status": int(PredictionStatus.ACCEPTED),
        "prediction": "",
        "image_path": new.image_path,
        "model_info": json.dumps(new.model_info),
        "model_id": new.model_id,
        "prediction_time": int(now),
        "time_stamp": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)),
        "attempts": 0,
        "predictor_name": new.predictor_name,
    }


def _changes(session: Session, statement: UpdateBase) -> bool:
    """Run an update or delete; whether it found a row."""
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount > 0


def _is_storable(text: str) -> bool:
    """Whether every database can hold a text (no NUL, no lone surrogate); an id that cannot be stored has no row."""
    return text.isprintable()


def _record(row: PredictionColumns) -> PredictionRecord:
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
    )
