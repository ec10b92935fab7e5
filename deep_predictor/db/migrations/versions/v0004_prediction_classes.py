"""Predictions can be listed by their top class, their predictor and their time: a column, and an index each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from deep_predictor.db.stored_values import read_items, storable_text
from deep_predictor.results import PredictionStatus, top_label

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = "predictions"
CLASS_INDEX = "ix_predictions_top_class"
PREDICTOR_INDEX = "ix_predictions_predictor_name"
TIME_INDEX = "ix_predictions_prediction_time"
ROWS_AT_ONCE = 2_000


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("top_class", sa.Text()))
    _name_classes()
    has_class = sa.text("top_class IS NOT NULL")
    op.create_index(CLASS_INDEX, TABLE, ["top_class", "id"], sqlite_where=has_class, postgresql_where=has_class)
    op.create_index(PREDICTOR_INDEX, TABLE, ["predictor_name", "id"])
    op.create_index(TIME_INDEX, TABLE, ["prediction_time"])


def downgrade() -> None:
    for index in (CLASS_INDEX, PREDICTOR_INDEX, TIME_INDEX):
        op.drop_index(index, TABLE)
    with op.batch_alter_table(TABLE) as table:
        table.drop_column("top_class")


def _name_classes() -> None:
    """Write the top class of every prediction that is done; what cannot be read has none."""
    table = sa.table(TABLE, *(sa.column(name) for name in ("id", "prediction_status", "prediction", "top_class")))
    bind = op.get_bind()
    statement = sa.select(table.c.id, table.c.prediction).order_by(table.c.id).limit(ROWS_AT_ONCE)
    statement = statement.where(table.c.prediction_status == int(PredictionStatus.DONE))
    rows = bind.execute(statement).all()
    while rows:
        for row in rows:
            label = storable_text(top_label(read_items(row.prediction))[0])
            if label:
                bind.execute(sa.update(table).where(table.c.id == row.id).values(top_class=label))
        rows = bind.execute(statement.where(table.c.id > rows[-1].id)).all()
