"""The table `predictions`: created, or an old file's table taken over in place with every row and column it has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from deep_predictor.db.stored_values import read_number
from deep_predictor.errors import DatabaseNotUpgradable

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLE = "predictions"
STATUS_INDEX = "ix_predictions_prediction_status"

#: A smaller `prediction_time` is a duration in seconds, not a Unix time.
FIRST_EPOCH = 1_000_000
#: A larger time stamp counts milliseconds.
LAST_EPOCH_SECONDS = 100_000_000_000
ROWS_AT_ONCE = 2_000


def upgrade() -> None:
    inspector = sa.inspect(op.get_bind())
    if TABLE in inspector.get_view_names():
        raise _not_upgradable(f"{TABLE} is a view")
    if not inspector.has_table(TABLE):
        op.create_table(TABLE, *_columns().values(), sa.UniqueConstraint("prediction_id"))
        op.create_index(STATUS_INDEX, TABLE, ["prediction_status"])
        return
    _check_columns(inspector)
    _add_columns(inspector)
    _add_indexes(inspector)
    _move_durations()


def downgrade() -> None:
    raise NotImplementedError("the first revision took over existing rows; there is nothing before it to go back to")


def _columns() -> dict[str, sa.Column[Any]]:
    columns: list[sa.Column[Any]] = [
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("prediction_id", sa.Text(), nullable=False),
        sa.Column("prediction_status", sa.Integer(), nullable=False),
        sa.Column("prediction", sa.Text()),
        sa.Column("image_path", sa.Text()),
        sa.Column("model_info", sa.Text()),
        sa.Column("model_id", sa.BigInteger()),
        sa.Column("prediction_time", sa.BigInteger()),
        sa.Column("time_stamp", sa.Text()),
        sa.Column("prediction_seconds", sa.Double()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("predictor_name", sa.Text()),
        sa.Column("reason_code", sa.Text()),
    ]
    return {column.name: column for column in columns}


def _check_columns(inspector: sa.Inspector) -> None:
    """Refuse a table that is not ours, or that new rows could not be written to."""
    present = {column["name"].lower(): column for column in inspector.get_columns(TABLE)}
    missing = [name for name in ("id", "prediction_id", "prediction_status") if name not in present]
    if missing:
        raise _not_upgradable(f"its table {TABLE} has no column {', '.join(missing)}")
    if _is_sqlite() and not _numbers_its_rows():
        raise _not_upgradable(f"the column id of its table {TABLE} is not INTEGER PRIMARY KEY")
    demanding = [
        name
        for name, column in present.items()
        if name not in _columns() and not column["nullable"] and column["default"] is None
    ]
    if demanding:
        raise _not_upgradable(f"its table {TABLE} demands a value for {', '.join(demanding)}")


def _numbers_its_rows() -> bool:
    """Whether SQLite gives a new row its `id`: only to a column that is INTEGER PRIMARY KEY, in these words."""
    keys = [row for row in op.get_bind().exec_driver_sql(f"PRAGMA table_info({TABLE})") if row.pk]
    return [(row.name.lower(), row.type.upper()) for row in keys] == [("id", "INTEGER")]


def _add_columns(inspector: sa.Inspector) -> None:
    present = {column["name"].lower() for column in inspector.get_columns(TABLE)}
    for name, column in _columns().items():
        if name not in present:
            op.add_column(TABLE, column)


def _add_indexes(inspector: sa.Inspector) -> None:
    options: dict[str, Any] = {"include_auto_indexes": True} if _is_sqlite() else {}
    indexes = inspector.get_indexes(TABLE, **options)
    whole = [index for index in indexes if "sqlite_where" not in index.get("dialect_options", {})]
    if not any(index["unique"] and index["column_names"] == ["prediction_id"] for index in whole):
        _check_ids_differ()
        op.create_index("uq_predictions_prediction_id", TABLE, ["prediction_id"], unique=True)
    if STATUS_INDEX not in {index["name"] for index in indexes}:
        op.create_index(STATUS_INDEX, TABLE, ["prediction_status"])


def _check_ids_differ() -> None:
    table = sa.table(TABLE, sa.column("prediction_id"))
    statement = sa.select(table.c.prediction_id).group_by(table.c.prediction_id).having(sa.func.count() > 1).limit(5)
    twice = [str(value) for value in op.get_bind().scalars(statement.where(table.c.prediction_id.is_not(None)))]
    if twice:
        raise _not_upgradable(f"its table {TABLE} has several rows of one prediction_id, such as {', '.join(twice)}")


def _move_durations() -> None:
    """Durations in `prediction_time` go to `prediction_seconds`; the Unix time comes from `time_stamp`, else it is 0.

    SQLite holds any type in any column, hence the reading here and not in SQL.
    """
    names = ("id", "prediction_status", "prediction_time", "prediction_seconds", "time_stamp")
    table = sa.table(TABLE, *(sa.column(name) for name in names))
    bind = op.get_bind()
    last_id = None
    while True:
        statement = sa.select(table).order_by(table.c.id).limit(ROWS_AT_ONCE)
        rows = bind.execute(statement if last_id is None else statement.where(table.c.id > last_id)).all()
        if not rows:
            return
        for row in rows:
            values = _moved_values(row)
            if values:
                bind.execute(sa.update(table).where(table.c.id == row.id).values(values))
        last_id = rows[-1].id


def _moved_values(row: sa.Row[Any]) -> dict[str, Any]:
    """What is to be written to a row, {} when its `prediction_time` is a Unix time or cannot be read."""
    seconds = read_number(row.prediction_time)
    if seconds is None and row.prediction_time is not None:
        return {}
    if seconds is not None and seconds >= FIRST_EPOCH:
        return {}
    values: dict[str, Any] = {"prediction_time": _read_time_stamp(row.time_stamp)}
    never_ended = seconds is None or (seconds == 0 and row.prediction_status == 100)
    if row.prediction_seconds is None and not never_ended:
        values["prediction_seconds"] = seconds
    return values


def _read_time_stamp(value: object) -> int:
    """Unix second of `YYYY-MM-DD HH:MM:SS[.ffffff]` (UTC unless it says otherwise) or of a number; 0 when unreadable."""
    number = read_number(value)
    if number is not None:
        return int(number / 1000 if number >= LAST_EPOCH_SECONDS else number)
    try:
        moment = datetime.fromisoformat(str(value).strip())
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return 0


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _not_upgradable(detail: str) -> DatabaseNotUpgradable:
    return DatabaseNotUpgradable(op.get_bind().engine.url.render_as_string(hide_password=True), detail)
