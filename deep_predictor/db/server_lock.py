"""The lock on a PostgreSQL database: one server process at a time, as `file_lock` is for a file."""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from deep_predictor.errors import DatabaseInUse

#: First half of the advisory lock's key; the second stands for the schema. Any number, the same in every version.
_LOCK_SPACE = 7_236_504

_HOLDER = text(
    "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND classid = :space AND objid = :schema_key"
    " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def hold_server_database(engine: Engine) -> Connection:
    """Take the lock of this database and schema; it lasts as long as the connection that is returned.

    Raises DatabaseInUse with the holder's pid (on whichever machine it runs).
    """
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()  # closing it ends it: a pooled connection would keep the lock
    try:
        connection.exec_driver_sql(f"SET application_name = 'deep_predictor {os.getpid()}'")
        schema = connection.scalar(text("SELECT current_schema()"))
        key = {"space": _LOCK_SPACE, "schema_key": zlib.crc32(str(schema).encode()) >> 1}
        if connection.scalar(text("SELECT pg_try_advisory_lock(:space, :schema_key)"), key):
            return connection
        holder = re.search(r"\d+$", connection.scalar(_HOLDER, key) or "")
        shown = engine.url.render_as_string(hide_password=True)
        raise DatabaseInUse(Path(shown), int(holder[0]) if holder else None)
    except BaseException:
        connection.close()
        raise
