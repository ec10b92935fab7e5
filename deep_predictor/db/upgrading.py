"""Everything that needs Alembic, whose import takes a while: a start of a database that is up to date goes without."""

from __future__ import annotations

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.util import CommandError
from flask import Flask
from flask_migrate import Migrate
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from deep_predictor.db.connections import describe, is_locked
from deep_predictor.db.models import db
from deep_predictor.db.setup import MIGRATIONS_FOLDER, keep_others_out
from deep_predictor.errors import DatabaseBusy, DatabaseNotUpgradable


def upgrade_database(engine: Engine) -> None:
    """Bring one database to the newest revision: all of it, or nothing when the process dies in between.

    Raises DatabaseBusy, DatabaseNotUpgradable.
    """
    url = engine.url.render_as_string(hide_password=True)
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    try:
        with engine.connect() as connection:
            keep_others_out(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    except CommandError as error:
        raise DatabaseNotUpgradable(url, f"{error}; was it made by a newer version?") from error
    except SQLAlchemyError as error:
        if is_locked(error):
            raise DatabaseBusy(f"{url}: {describe(error)}") from error
        raise DatabaseNotUpgradable(url, describe(error)) from error


def connect_flask_db(app: Flask) -> None:
    """For `flask db …`; `init_databases` ran before."""
    Migrate(app, db, directory=str(MIGRATIONS_FOLDER))
