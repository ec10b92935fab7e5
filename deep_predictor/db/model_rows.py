"""Every query on the tables models and publications. Usable from any thread, with or without a request."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from deep_predictor.db.connections import busy_errors
from deep_predictor.db.library_columns import ModelColumns, PublicationColumns
from deep_predictor.db.models import get_model
from deep_predictor.errors import NotFound, StateConflict

#: Two that add a version of one name at the same moment want the same number; one of them takes the next.
_TRIES = 5


class ModelState(StrEnum):
    """checking → ready or refused."""

    CHECKING = "checking"
    READY = "ready"
    REFUSED = "refused"


@dataclass(frozen=True)
class NewModel:
    """`folder`: its name below the folder of all models; `origin`: trained or uploaded."""

    name: str
    folder: str
    origin: str
    job_id: int | None = None
    dataset_id: int | None = None
    created_by: int | None = None
    task: str = "classification"


@dataclass(frozen=True)
class ModelRecord:
    """A row as read; the meaning of each field stands in `library_columns.ModelColumns`."""

    id: int
    name: str
    version: int
    task: str
    state: ModelState
    reason: str | None
    folder: str
    origin: str
    job_id: int | None
    dataset_id: int | None
    created_by: int | None
    created_at: float
    metrics: Mapping[str, Any] = field(default_factory=dict)
    class_names: Sequence[str] = ()


@dataclass(frozen=True)
class PublicationRecord:
    """What was published under a name of an environment, by whom and when; `model_id` None: unpublished."""

    id: int
    environment: str
    predictor_name: str
    model_id: int | None
    published_by: int | None
    published_at: float


class ModelRows:
    """Production's. Every method is one transaction and may raise DatabaseBusy."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._models = get_model(ModelColumns, "production").__table__  # type: ignore[attr-defined]
        self._publications = get_model(PublicationColumns, "production").__table__  # type: ignore[attr-defined]

    def add(self, new: NewModel) -> ModelRecord:
        """Insert the next version of a name, in the state `checking`."""
        table = self._models
        last = select(func.coalesce(func.max(table.c.version), 0)).where(table.c.name == new.name)
        values = {
            **asdict(new),
            "version": last.scalar_subquery() + 1,
            "state": ModelState.CHECKING,
            "metrics": "{}",
            "class_names": "[]",
            "created_at": time.time(),
        }
        for tries_left in reversed(range(_TRIES)):
            try:
                with busy_errors(), self._engine.begin() as connection:
                    model_id = connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one()
                    return _model(connection.execute(select(table).where(table.c.id == model_id)).one())
            except IntegrityError:
                if not tries_left:
                    raise
        raise AssertionError("the last try raises")

    def find(self, model_id: int) -> ModelRecord | None:
        return self._first(self._models.c.id == model_id)

    def get(self, model_id: int) -> ModelRecord:
        """Raises NotFound."""
        model = self.find(model_id)
        if model is None:
            raise NotFound("model", model_id)
        return model

    def find_by_job(self, job_id: int) -> ModelRecord | None:
        return self._first(self._models.c.job_id == job_id)

    def find_newest(self, dataset_id: int) -> ModelRecord | None:
        """The newest ready model that was trained on a data set."""
        return self._first(self._models.c.dataset_id == dataset_id, self._models.c.state == ModelState.READY)

    def checking(self) -> list[ModelRecord]:
        """Those that are not decided yet, oldest first."""
        statement = select(self._models).where(self._models.c.state == ModelState.CHECKING).order_by(self._models.c.id)
        with busy_errors(), self._engine.connect() as connection:
            return [_model(row) for row in connection.execute(statement)]

    def page(self, limit: int, offset: int, **wanted: Any) -> tuple[int, list[ModelRecord]]:
        """How many there are, and some of them, newest first. `wanted`: columns and their values; None: any."""
        table = self._models
        conditions = [table.c[name] == value for name, value in wanted.items() if value is not None]
        some = select(table).where(*conditions).order_by(table.c.id.desc()).limit(limit).offset(offset)
        with busy_errors(), self._engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0
            return count, [_model(row) for row in connection.execute(some)]

    def set_job(self, model_id: int, job_id: int | None) -> None:
        """No other model has this job from now on: a number may be given again when a job is gone."""
        with busy_errors(), self._engine.begin() as connection:
            if job_id is not None:
                connection.execute(update(self._models).where(self._models.c.job_id == job_id).values(job_id=None))
            connection.execute(update(self._models).where(self._models.c.id == model_id).values(job_id=job_id))

    def set_ready(self, model_id: int, class_names: Sequence[str], metrics: Mapping[str, Any]) -> None:
        self._decide(
            model_id,
            state=ModelState.READY,
            reason=None,
            class_names=json.dumps(list(class_names), ensure_ascii=False),
            metrics=json.dumps(dict(metrics), ensure_ascii=False),
        )

    def set_refused(self, model_id: int, reason: str) -> None:
        self._decide(model_id, state=ModelState.REFUSED, reason=reason)

    def delete(self, model_id: int) -> None:
        """Remove a model, and that it was published once: a number may be given again.

        Raises NotFound, StateConflict while it is published.
        """
        table = self._models
        with busy_errors(), self._engine.begin() as connection:
            if connection.execute(delete(table).where(table.c.id == model_id)).rowcount == 0:
                raise NotFound("model", model_id)
            served = [row.predictor_name for row in self._current(connection) if row.model_id == model_id]
            if served:
                raise StateConflict("model_published", f"model {model_id} is published as {', '.join(served)}")
            connection.execute(delete(self._publications).where(self._publications.c.model_id == model_id))

    def publish(
        self, environment: str, predictor_name: str, model_id: int | None, published_by: int | None
    ) -> PublicationRecord:
        """Note what is served under a name from now on; None: nothing."""
        table = self._publications
        values = {
            "environment": environment,
            "predictor_name": predictor_name,
            "model_id": model_id,
            "published_by": published_by,
            "published_at": time.time(),
        }
        with busy_errors(), self._engine.begin() as connection:
            row = connection.execute(insert(table).values(values).returning(*table.c)).one()
            return PublicationRecord(**row._mapping)

    def publications(self) -> list[PublicationRecord]:
        """What is served now, oldest first."""
        with busy_errors(), self._engine.connect() as connection:
            return self._current(connection)

    def history(self, environment: str, predictor_name: str, limit: int = 1000) -> list[PublicationRecord]:
        """What was noted for a name, oldest first; of more than `limit` the newest."""
        table = self._publications
        is_it = (table.c.environment == environment, table.c.predictor_name == predictor_name)
        statement = select(table).where(*is_it).order_by(table.c.id.desc()).limit(limit)
        with busy_errors(), self._engine.connect() as connection:
            return [PublicationRecord(**row._mapping) for row in reversed(connection.execute(statement).all())]

    def _current(self, connection: Connection) -> list[PublicationRecord]:
        table = self._publications
        newest = select(func.max(table.c.id)).group_by(table.c.environment, table.c.predictor_name)
        statement = select(table).where(table.c.id.in_(newest), table.c.model_id.is_not(None)).order_by(table.c.id)
        return [PublicationRecord(**row._mapping) for row in connection.execute(statement)]

    def _first(self, *conditions: ColumnElement[bool]) -> ModelRecord | None:
        """The newest of those that fit."""
        statement = select(self._models).where(*conditions).order_by(self._models.c.id.desc()).limit(1)
        with busy_errors(), self._engine.connect() as connection:
            row = connection.execute(statement).first()
        return _model(row) if row else None

    def _decide(self, model_id: int, **values: Any) -> None:
        with busy_errors(), self._engine.begin() as connection:
            connection.execute(update(self._models).where(self._models.c.id == model_id).values(values))


def _model(row: Row[Any]) -> ModelRecord:
    values = dict(row._mapping)
    read = {name: json.loads(values[name]) for name in ("metrics", "class_names")}
    return ModelRecord(**{**values, **read, "state": ModelState(values["state"])})
