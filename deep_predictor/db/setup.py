"""Connects an application to its two databases and upgrades them; hands out the rows of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from deep_predictor.config.main_config import MainConfig
from deep_predictor.db.connections import BUSY_TIMEOUT_SECONDS, engine_options, prepare_engine
from deep_predictor.db.models import BIND_KEYS, PredictionColumns, TrainingJobColumns, db, get_model
from deep_predictor.db.prediction_rows import PredictionRows
from deep_predictor.db.server_lock import hold_server_database
from deep_predictor.db.training_job_rows import TrainingJobRows
from deep_predictor.errors import DatabaseNotUpgradable

MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"

#: Any number, the same in every version: PostgreSQL lets one process at a time upgrade.
_UPGRADE_LOCK = 7_236_504_881


def init_databases(
    app: Flask, main_config: MainConfig, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS
) -> Callable[[], None]:
    """Connect both databases, create or upgrade their tables; the result closes their connections.

    Raises DatabaseBusy when one stays locked, DatabaseNotUpgradable when one cannot be reached or is not ours,
    DatabaseInUse when another process holds a PostgreSQL database (for files see `file_lock`).
    """
    app.config["SQLALCHEMY_BINDS"] = {
        name: _checked_options(main_config, name, busy_timeout_seconds) for name in BIND_KEYS
    }
    db.init_app(app)
    with app.app_context():
        engines = [db.engines[name] for name in BIND_KEYS]

    server_locks: list[Connection] = []

    def close() -> None:
        for lock in server_locks:
            lock.close()
        for engine in engines:
            engine.dispose()

    try:
        for engine in engines:
            prepare_engine(engine)
            upgrade_if_older(engine)
            if engine.dialect.name == "postgresql":
                server_locks.append(hold_server_database(engine))
    except BaseException:
        close()
        raise
    return close


def connect_beside_server(main_config: MainConfig, environment_name: str) -> Engine:
    """Connections of a command that may run while the server does: it takes no lock, and upgrades like the server.

    Raises DatabaseBusy, DatabaseNotUpgradable.
    """
    engine = create_engine(**_checked_options(main_config, environment_name, BUSY_TIMEOUT_SECONDS))
    prepare_engine(engine)
    upgrade_if_older(engine)
    return engine


def engine_for(app: Flask, environment_name: str) -> Engine:
    """The connections of `production` or `test`, usable from any thread. `init_databases` ran before."""
    with app.app_context():
        return db.engines[environment_name]


def rows_for(app: Flask, environment_name: str) -> PredictionRows:
    """The rows of `production` or `test`, usable from any thread. `init_databases` ran before."""
    return PredictionRows(engine_for(app, environment_name), get_model(PredictionColumns, environment_name))


def training_job_rows_for(app: Flask) -> TrainingJobRows:
    """The rows of the training jobs, usable from any thread. `init_databases` ran before."""
    return TrainingJobRows(engine_for(app, "production"), get_model(TrainingJobColumns, "production"))


def upgrade_if_older(engine: Engine) -> None:
    """Bring one database to the newest revision. Raises DatabaseBusy, DatabaseNotUpgradable."""
    if not _is_newest(engine):
        from deep_predictor.db.upgrading import upgrade_database  # Alembic takes a tenth of the time of a start

        upgrade_database(engine)


def keep_others_out(connection: Connection) -> None:
    """Begin the upgrade with the right to write: two processes upgrade one after the other."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")


def _is_newest(engine: Engine) -> bool:
    """Whether there is nothing to do; False, too, for one that cannot be asked: upgrading it says why."""
    newest = max(path.name[1:5] for path in (MIGRATIONS_FOLDER / "versions").glob("v[0-9]*_*.py"))
    try:
        with engine.connect() as connection:
            keep_others_out(connection)
            return connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [newest]
    except SQLAlchemyError:
        return False


def _checked_options(main_config: MainConfig, name: str, busy_timeout_seconds: float) -> dict[str, Any]:
    """Engine options of one environment; a URL without a usable driver is refused before anything is connected."""
    database_file = main_config.database_file(name)
    if database_file:
        database_file.parent.mkdir(parents=True, exist_ok=True)
        return engine_options(URL.create("sqlite", database=str(database_file)), busy_timeout_seconds)
    written = main_config.database_url(name)
    try:
        url = make_url(written)
        dialect = url.get_dialect()
        dialect.import_dbapi()
        dialect().create_connect_args(url)
    except (ArgumentError, ImportError, ValueError) as error:
        scheme = written.partition("://")[0]  # the rest may hold a password
        raise DatabaseNotUpgradable(f"{scheme}://…", f"{type(error).__name__}: {error}") from error
    return engine_options(url, busy_timeout_seconds)
