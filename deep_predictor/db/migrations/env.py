"""Run by Alembic: at every start for one given connection, or by `flask db …` for both databases."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from deep_predictor.db.models import BIND_KEYS, db


def migrate(connection: Connection, bind_key: str = BIND_KEYS[0]) -> None:
    """Both databases have the same tables, so either one's metadata serves both."""
    context.configure(
        connection=connection,
        target_metadata=db.metadatas[bind_key],
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def migrate_all() -> None:
    for bind_key in BIND_KEYS:
        with db.engines[bind_key].connect() as connection:
            migrate(connection, bind_key)
            connection.commit()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    migrate_all()
