"""How the databases are connected to, and which of their errors pass by themselves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from deep_predictor.errors import DatabaseBusy

#: Seconds a statement waits for another writer.
BUSY_TIMEOUT_SECONDS = 10.0

#: PostgreSQL's lock_not_available, deadlock_detected, serialization_failure.
_POSTGRESQL_LOCKED = {"55P03", "40P01", "40001"}


def engine_options(url: URL, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> dict[str, Any]:
    """Arguments of `create_engine`, the URL among them."""
    options: dict[str, Any] = {"url": url, "pool_timeout": busy_timeout_seconds}
    if url.get_backend_name() != "sqlite":
        return {**options, "pool_size": 10, "max_overflow": 20, "pool_pre_ping": True}
    options["connect_args"] = {"timeout": busy_timeout_seconds, "check_same_thread": False}
    options["poolclass"] = QueuePool
    if is_in_memory(url):
        return {**options, "pool_size": 1, "max_overflow": 0}  # its one connection is the database
    return {**options, "pool_size": 8, "max_overflow": 40}


def is_in_memory(url: URL) -> bool:
    """Whether a URL is SQLite's for a database that ends with its connection."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def prepare_engine(engine: Engine) -> None:
    """Give every new SQLite connection its settings; called before the first one is made."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)


def is_locked(error: SQLAlchemyError) -> bool:
    """Whether somebody else held the database longer than the busy timeout."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    code = _sqlite_code(error)
    if code is not None:
        return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(error.orig, "sqlstate", None) in _POSTGRESQL_LOCKED


def may_pass(error: SQLAlchemyError) -> bool:
    """Whether the same statement may succeed later: locked, the disk is full, the server is restarting…"""
    if is_locked(error):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # SQLITE_ERROR is a wrong statement, or a table that is not there: that stays.
    return isinstance(error, OperationalError | InterfaceError) and _sqlite_code(error) != sqlite3.SQLITE_ERROR


@contextmanager
def busy_errors() -> Iterator[None]:
    """An error that may pass by itself becomes DatabaseBusy."""
    try:
        yield
    except SQLAlchemyError as error:
        if may_pass(error):
            raise DatabaseBusy(describe(error)) from error
        raise


def describe(error: SQLAlchemyError) -> str:
    """What the driver said, on one line, without the statement and its values."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(original).split()) or type(original).__name__


def _sqlite_code(error: DBAPIError) -> int | None:
    """SQLite's primary result code; None when the error is not SQLite's."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    """Readers never wait in WAL; a text that is not UTF-8 is readable (old files hold whatever was put in)."""
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
        row = cursor.fetchone()
        if row and row[0] == "wal":  # with any other journal NORMAL could lose the file in a power cut
            cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
    finally:
        cursor.close()
