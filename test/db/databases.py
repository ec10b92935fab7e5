"""Databases for tests: connected applications, and files as earlier versions left them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from flask import Flask

from deep_predictor.config.main_config import MainConfig
from deep_predictor.db.prediction_rows import FinishedPrediction, NewPrediction, PredictionRows
from deep_predictor.db.setup import init_databases, rows_for
from deep_predictor.results import PredictionStatus

#: As the documented version creates it.
OLD_TABLE = """CREATE TABLE IF NOT EXISTS "predictions" (
    "id"\tINTEGER UNIQUE, "prediction_id"\tTEXT UNIQUE, "prediction_status"\tINTEGER, "prediction"\tTEXT,
    "image_path"\tTEXT, "model_info"\tTEXT, "model_id"\tINTEGER, "prediction_time"\tINTEGER,
    PRIMARY KEY("id" AUTOINCREMENT));"""
#: As the later variation has it: durations, and the time beside them.
OLD_TABLE_WITH_DURATIONS = """CREATE TABLE predictions (
    id INTEGER PRIMARY KEY, prediction_id TEXT UNIQUE, prediction_status INTEGER, prediction TEXT, image_path TEXT,
    model_info TEXT, model_id INTEGER, prediction_time REAL, time_stamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"""


@dataclass(frozen=True)
class FakeMainConfig:
    """What of a MainConfig the databases need: files in one folder, or URLs."""

    folder: Path
    urls: dict[str, str] = field(default_factory=dict)

    def database_file(self, name: str) -> Path | None:
        return None if name in self.urls else self.folder / f"{name}.db"

    def database_url(self, name: str) -> str:
        return self.urls.get(name) or f"sqlite:///{self.database_file(name)}"


@contextmanager
def connected(folder: Path, busy_timeout_seconds: float = 10.0, urls: dict[str, str] | None = None) -> Iterator[Flask]:
    """An application with both databases connected and upgraded, closed at the end."""
    app = Flask("databases")
    config = cast("MainConfig", FakeMainConfig(folder, urls or {}))
    close = init_databases(app, config, busy_timeout_seconds)
    try:
        yield app
    finally:
        close()


@contextmanager
def production_rows(folder: Path, busy_timeout_seconds: float = 10.0) -> Iterator[PredictionRows]:
    with connected(folder, busy_timeout_seconds) as app:
        yield rows_for(app, "production")


def write_old_file(path: Path, table: str, rows: Iterable[dict[str, Any]] = (), *more: str) -> None:
    """Make a database file with a table, rows, and whatever further statements say."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(table)
        for row in rows:
            names = ", ".join(row)
            places = ", ".join("?" for _ in row)
            connection.execute(f"INSERT INTO predictions ({names}) VALUES ({places})", tuple(row.values()))
        for statement in more:
            connection.execute(statement)


def read_table(path: Path, statement: str = "SELECT * FROM predictions ORDER BY id") -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(statement)]


def new_prediction(prediction_id: str, **changes: Any) -> NewPrediction:
    values: dict[str, Any] = {
        "predictor_name": "digits",
        "image_path": f"var/temp/{prediction_id}.png",
        "model_info": {"predictor_backend": "keras", "method": "日本", "model_id": 7},
        "model_id": 7,
    }
    return NewPrediction(prediction_id=prediction_id, **(values | changes))


def done(*items: dict[str, Any], **changes: Any) -> FinishedPrediction:
    values: dict[str, Any] = {
        "prediction_id": "a",
        "status": PredictionStatus.DONE,
        "items": list(items),
        "image_path": "var/predictions/soup/x.png",
        "seconds": 0.25,
        "reason_code": None,
        "finished_at": int(time.time()),
    }
    return FinishedPrediction(**(values | changes))
