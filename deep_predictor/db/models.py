"""The table `predictions`: its columns once, and one model for each of the two databases."""

from __future__ import annotations

from typing import Any, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: Bind keys: the names of the two environments, each with a database of its own.
BIND_KEYS = ("production", "test")


class Base(DeclarativeBase):
    """What all models derive from."""


class Database(SQLAlchemy):
    """Flask-SQLAlchemy without its own ideas of pools and folders: `connections.engine_options` says all."""

    def _apply_driver_defaults(self, options: dict[str, Any], app: Flask) -> None:
        pass


db = Database(model_class=Base)


class PredictionColumns:
    """One row a prediction.

    Old files are upgraded in place and SQLite keeps whatever type a value has, so read the columns only through
    `prediction_rows.PredictionRecord`, which makes of them what the annotations here promise.
    """

    __tablename__ = "predictions"

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
    prediction_time: Mapped[int | None] = mapped_column(BigInteger)
    #: UTC time of acceptance, `YYYY-MM-DD HH:MM:SS`.
    time_stamp: Mapped[str | None] = mapped_column(Text)
    #: From acceptance to the final status.
    prediction_seconds: Mapped[float | None]
    #: How often a worker started on it; the third start ends it.
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    predictor_name: Mapped[str | None] = mapped_column(Text)
    #: Public word for the reason of a failure.
    reason_code: Mapped[str | None] = mapped_column(Text)


def get_prediction_model(bind_key: str) -> type[PredictionColumns]:
    """The model of one database; raises KeyError for anything but the two bind keys."""
    return _MODELS[bind_key]


def _bound_model(bind_key: str) -> type[PredictionColumns]:
    name = f"{bind_key.title()}Prediction"
    namespace = {"__bind_key__": bind_key, "__module__": __name__, "__doc__": f"A row of the {bind_key} database."}
    return cast("type[PredictionColumns]", type(name, (PredictionColumns, db.Model), namespace))


_MODELS = {bind_key: _bound_model(bind_key) for bind_key in BIND_KEYS}
