"""Predictions say what was made beside their answer: a mask, a video, or nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLE = "predictions"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("result_kind", sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table(TABLE) as table:
        table.drop_column("result_kind")
