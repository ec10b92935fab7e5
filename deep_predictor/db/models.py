"""The tables: the columns of each once, and one model for each of the two databases."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Index, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from deep_predictor.db.account_columns import ApiKeyColumns, OAuthClientColumns, OAuthTokenColumns, UserColumns
from deep_predictor.db.library_columns import (
    DatasetColumns,
    DatasetItemClassColumns,
    DatasetItemColumns,
    ModelColumns,
    PublicationColumns,
)

Columns = TypeVar("Columns")

#: Bind keys: the names of the two environments, each with a database of its own.
BIND_KEYS = ("production", "test")


class Base(DeclarativeBase):
    """What all models derive from."""


class Database(SQLAlchemy):
    """Flask-SQLAlchemy without its own ideas of pools and folders: `connections.engine_options` says all."""

    def _apply_driver_defaults(self, options: dict[str, Any], app: Flask) -> None:
        pass


db = Database(model_class=Base)


#: What has no class yet is left out of its index: every prediction is written without one first.
_HAS_CLASS = text("top_class IS NOT NULL")


class PredictionColumns:
    """One row a prediction.

    Old files are upgraded in place and SQLite keeps whatever type a value has, so read the columns only through
    `prediction_rows.PredictionRecord`, which makes of them what the annotations here promise.
    """

    __tablename__ = "predictions"

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Index, ...]:
        return (
            Index("ix_predictions_top_class", "top_class", "id", sqlite_where=_HAS_CLASS, postgresql_where=_HAS_CLASS),
            Index("ix_predictions_predictor_name", "predictor_name", "id"),
        )

    #: Rises with every accepted prediction.
    id: Mapped[int] = mapped_column(primary_key=True)
    prediction_id: Mapped[str] = mapped_column(Text, unique=True)
    #: A `results.PredictionStatus`.
    prediction_status: Mapped[int] = mapped_column(index=True)
    #: JSON list of the wire's items, empty until status 200; old rows hold a Python literal.
    prediction: Mapped[str | None] = mapped_column(Text)
    #: Where the picture lies now; empty when it was not kept.
    image_path: Mapped[str | None] = mapped_column(Text)
    #: JSON object as the predictor's cfg had it; old rows hold a Python literal.
    model_info: Mapped[str | None] = mapped_column(Text)
    model_id: Mapped[int | None] = mapped_column(BigInteger)
    #: Unix second of the last status change.
    prediction_time: Mapped[int | None] = mapped_column(BigInteger, index=True)
    #: UTC time of acceptance, `YYYY-MM-DD HH:MM:SS`.
    time_stamp: Mapped[str | None] = mapped_column(Text)
    #: From acceptance to the final status.
    prediction_seconds: Mapped[float | None]
    #: How often a worker started on it; the third start ends it.
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    predictor_name: Mapped[str | None] = mapped_column(Text)
    #: Public word for the reason of a failure.
    reason_code: Mapped[str | None] = mapped_column(Text)
    #: The class of the most confident item; NULL where there is none.
    top_class: Mapped[str | None] = mapped_column(Text)
    #: What was made beside the answer: `mask`, `video`, or NULL.
    result_kind: Mapped[str | None] = mapped_column(Text)


class TrainingJobColumns:
    """One row a training job. Both databases have the table; jobs live in production's."""

    __tablename__ = "training_jobs"

    #: Rises with every job.
    id: Mapped[int] = mapped_column(primary_key=True)
    #: What is run: train, search, augment.
    kind: Mapped[str] = mapped_column(Text)
    #: For people.
    name: Mapped[str] = mapped_column(Text)
    #: Where the run writes.
    run_folder: Mapped[str] = mapped_column(Text)
    #: The cfg as a JSON object.
    cfg: Mapped[str] = mapped_column(Text)
    #: A `training_job_rows.JobState`.
    state: Mapped[str] = mapped_column(Text, index=True)
    #: Why it failed.
    reason: Mapped[str | None] = mapped_column(Text)
    #: Higher ones go first.
    priority: Mapped[int] = mapped_column(default=0, server_default="0")
    #: The server that looks after it while it runs.
    owner: Mapped[str | None] = mapped_column(Text)
    #: Its process, and when that began: a number is given to another process later.
    pid: Mapped[int | None] = mapped_column(BigInteger)
    pid_started: Mapped[str | None] = mapped_column(Text)
    #: Starts since the last epoch that was finished.
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    #: Epochs done, and epochs wanted (0: not known yet).
    epoch: Mapped[int] = mapped_column(default=0, server_default="0")
    epochs: Mapped[int] = mapped_column(default=0, server_default="0")
    #: Seconds since 1970.
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    cancel_asked_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    #: Who started it by the management API, and on which data set.
    created_by: Mapped[int | None]
    dataset_id: Mapped[int | None] = mapped_column(index=True)


def get_model(columns: type[Columns], bind_key: str) -> type[Columns]:
    """The model of a table in one database; raises KeyError for anything but the two bind keys."""
    return cast("type[Columns]", _MODELS[columns, bind_key])


def _bound_model(columns: type[Any], bind_key: str) -> type[Any]:
    name = f"{bind_key.title()}{columns.__name__.removesuffix('Columns')}"
    namespace = {"__bind_key__": bind_key, "__module__": __name__, "__doc__": f"A row of the {bind_key} database."}
    return type(name, (columns, db.Model), namespace)


_TABLES: tuple[type[Any], ...] = (
    PredictionColumns,
    TrainingJobColumns,
    UserColumns,
    ApiKeyColumns,
    OAuthClientColumns,
    OAuthTokenColumns,
    DatasetColumns,
    DatasetItemColumns,
    DatasetItemClassColumns,
    ModelColumns,
    PublicationColumns,
)
_MODELS = {(columns, bind_key): _bound_model(columns, bind_key) for columns in _TABLES for bind_key in BIND_KEYS}
