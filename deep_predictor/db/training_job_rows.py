"""Every query on the table `training_jobs`. Usable from any thread, with or without a request."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from deep_predictor.db.connections import busy_errors
from deep_predictor.db.models import TrainingJobColumns
from deep_predictor.errors import TrainingJobNotFound


class JobState(StrEnum):
    """queued → running → one of the others; a failed or cancelled job may be queued again."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: What a job ends in.
ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
#: Of one name, so many are told.
_MOST_NAMED = 100
#: The state of a row that nobody is shown: it keeps its id from being given to another job.
_FORGOTTEN = "forgotten"


@dataclass(frozen=True)
class NewTrainingJob:
    """`cfg`: anything that JSON can say. Of those that wait, a higher `priority` goes first."""

    kind: str
    name: str
    cfg: Mapping[str, Any]
    priority: int = 0
    created_by: int | None = None
    dataset_id: int | None = None


@dataclass(frozen=True)
class TrainingJob:
    """A row as read; the meaning of each field stands in `models.TrainingJobColumns`."""

    id: int
    kind: str
    name: str
    run_folder: str
    cfg: dict[str, Any]
    state: JobState
    reason: str | None
    priority: int
    owner: str | None
    pid: int | None
    pid_started: str | None
    attempts: int
    epoch: int
    epochs: int
    created_at: float
    started_at: float | None
    cancel_asked_at: float | None
    ended_at: float | None
    created_by: int | None = None
    dataset_id: int | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


class TrainingJobRows:
    """The jobs of one database. Every method is one transaction and may raise DatabaseBusy.

    What changes a row says in its WHERE what it found there: of two servers that try the same, one succeeds.
    """

    def __init__(self, engine: Engine, model: type[TrainingJobColumns]) -> None:
        self._engine = engine
        self._table = model.__table__  # type: ignore[attr-defined]

    def insert(self, new: NewTrainingJob, folder_of: Callable[[int], str]) -> TrainingJob:
        """A queued job. `folder_of`: its id -> its run folder."""
        values = {
            **{"kind": new.kind, "name": new.name, "cfg": json.dumps(new.cfg, allow_nan=False), "run_folder": ""},
            **{"state": JobState.QUEUED, "priority": new.priority, "created_at": time.time()},
            **{"created_by": new.created_by, "dataset_id": new.dataset_id},
        }

        with busy_errors(), self._engine.begin() as connection:
            added = insert(self._table).values(values).returning(self._table.c.id)
            job_id = connection.execute(added).scalar_one()
            is_it = self._table.c.id == job_id
            connection.execute(update(self._table).where(is_it).values(run_folder=folder_of(job_id)))
            return _job(connection.execute(select(self._table).where(is_it)).one())

    def find(self, job_id: int) -> TrainingJob | None:
        with busy_errors(), self._engine.connect() as connection:
            row = connection.execute(select(self._table).where(self._table.c.id == job_id, self._is_known)).first()
        return _job(row) if row else None

    def get(self, job_id: int) -> TrainingJob:
        """Raises TrainingJobNotFound."""
        job = self.find(job_id)
        if job is None:
            raise TrainingJobNotFound(job_id)
        return job

    def all(self, *states: JobState) -> list[TrainingJob]:
        """The jobs of these states, or of every state, oldest first."""
        statement = select(self._table).where(self._is_known).order_by(self._table.c.id)
        if states:
            statement = statement.where(self._table.c.state.in_(states))
        with busy_errors(), self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(statement)]

    def page(
        self, kinds: Collection[str], states: Collection[JobState], limit: int, offset: int
    ) -> tuple[int, list[TrainingJob]]:
        """How many there are of these kinds and states (empty: of all), and some of them, newest first."""
        conditions = [self._is_known]
        if kinds:
            conditions.append(self._table.c.kind.in_(kinds))
        if states:
            conditions.append(self._table.c.state.in_(states))
        some = select(self._table).where(*conditions).order_by(self._table.c.id.desc()).limit(limit).offset(offset)
        with busy_errors(), self._engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(self._table).where(*conditions))
            return count or 0, [_job(row) for row in connection.execute(some)]

    def named(self, kind: str, name: str) -> list[TrainingJob]:
        """The newest of a kind and name, newest first."""
        table = self._table
        some = select(table).where(self._is_known, table.c.kind == kind, table.c.name == name)
        some = some.order_by(table.c.id.desc()).limit(_MOST_NAMED)
        with busy_errors(), self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(some)]

    def forget(self, job_id: int) -> bool:
        """Keep nothing of an ended job but its id, which others may have noted; False when it has not ended."""
        has_ended = self._table.c.state.in_(ENDED)
        return self._change(job_id, has_ended, state=_FORGOTTEN, name="", cfg="{}", run_folder="", reason=None)

    def claim_next(self, owner: str, max_running: int, kinds: Collection[str] | None = None) -> TrainingJob | None:
        """Make the first of the queued jobs a running one of `owner`; None when none waits or enough run.

        `kinds`: only these are looked at, and counted; None: all.
        """
        table = self._table
        is_meant = table.c.kind.in_(kinds) if kinds is not None else true()
        first = select(table.c.id).where(table.c.state == JobState.QUEUED, is_meant)
        first = first.order_by(table.c.priority.desc(), table.c.id).limit(1)
        running = select(func.count()).select_from(table).where(table.c.state == JobState.RUNNING, is_meant)
        with busy_errors(), self._engine.connect() as connection:
            if connection.scalar(first) is None:
                return None  # asked often: nobody is kept out for nothing
        with busy_errors(), self._engine.begin() as connection:
            _keep_others_out(connection, table.name)
            job_id = connection.scalar(first)
            if job_id is None or (connection.scalar(running) or 0) >= max_running:
                return None
            is_it = table.c.id == job_id
            values = {"state": JobState.RUNNING, "owner": owner, "started_at": time.time(), "attempts": 1}
            connection.execute(update(table).where(is_it).values(values))
            return _job(connection.execute(select(table).where(is_it)).one())

    def take_over(self, job: TrainingJob, owner: str) -> bool:
        """Look after a running job in place of the owner that was read; False when another server was first."""
        is_as_read = self._table.c.owner.is_not_distinct_from(job.owner)
        return self._change(job.id, self._is_running, is_as_read, owner=owner)

    def count_start(self, job_id: int, owner: str, attempts: int) -> bool:
        """Note a further start; its process is not known yet."""
        return self._change(job_id, *self._runs_for(owner), attempts=attempts, pid=None, pid_started=None)

    def set_process(self, job_id: int, owner: str, pid: int, pid_started: str) -> bool:
        return self._change(job_id, *self._runs_for(owner), pid=pid, pid_started=pid_started)

    def set_progress(self, job_id: int, owner: str, epoch: int, epochs: int, attempts: int) -> bool:
        return self._change(job_id, *self._runs_for(owner), epoch=epoch, epochs=epochs, attempts=attempts)

    def finish(self, job_id: int, owner: str, state: JobState, reason: str | None = None) -> bool:
        """Write a final state; False when the job is another's, or had ended."""
        return self._change(
            job_id, *self._runs_for(owner), state=state, reason=reason, ended_at=time.time(), owner=None
        )

    def cancel_queued(self, job_id: int) -> bool:
        is_queued = self._table.c.state == JobState.QUEUED
        return self._change(job_id, is_queued, state=JobState.CANCELLED, ended_at=time.time())

    def ask_cancel(self, job_id: int) -> bool:
        """Note that a running job is to be cancelled; False when none runs by this id."""
        asked_at = func.coalesce(self._table.c.cancel_asked_at, time.time())
        return self._change(job_id, self._is_running, cancel_asked_at=asked_at)

    def queue_again(self, job_id: int) -> bool:
        """Queue a failed or cancelled job; False when it is neither."""
        may_be = self._table.c.state.in_((JobState.FAILED, JobState.CANCELLED))
        values = dict.fromkeys(("reason", "owner", "pid", "pid_started", "cancel_asked_at", "ended_at"))
        return self._change(job_id, may_be, state=JobState.QUEUED, attempts=0, **values)

    def release(self, owner: str) -> None:
        """Let any server look after the jobs of this owner."""
        statement = update(self._table).where(*self._runs_for(owner)).values(owner=None)
        with busy_errors(), self._engine.begin() as connection:
            connection.execute(statement)

    @property
    def _is_known(self) -> ColumnElement[bool]:
        found: ColumnElement[bool] = self._table.c.state != _FORGOTTEN
        return found

    @property
    def _is_running(self) -> ColumnElement[bool]:
        found: ColumnElement[bool] = self._table.c.state == JobState.RUNNING
        return found

    def _runs_for(self, owner: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return self._is_running, self._table.c.owner == owner

    def _change(self, job_id: int, *conditions: ColumnElement[bool], **values: Any) -> bool:
        statement = update(self._table).where(self._table.c.id == job_id, *conditions).values(**values)
        with busy_errors(), self._engine.begin() as connection:
            return connection.execute(statement).rowcount > 0


def _keep_others_out(connection: Connection, table_name: str) -> None:
    """Count and choose as the only writer of the table."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {table_name} IN SHARE ROW EXCLUSIVE MODE")


def _job(row: Row[Any]) -> TrainingJob:
    values = dict(row._mapping)
    cfg = json.loads(values.pop("cfg"))
    return TrainingJob(**{**values, "cfg": cfg, "state": JobState(values["state"])})
