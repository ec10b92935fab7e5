"""The table `training_jobs`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLE = "training_jobs"
STATE_INDEX = "ix_training_jobs_state"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("run_folder", sa.Text(), nullable=False),
        sa.Column("cfg", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("owner", sa.Text()),
        sa.Column("pid", sa.BigInteger()),
        sa.Column("pid_started", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("epoch", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("epochs", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double()),
        sa.Column("cancel_asked_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
    )
    op.create_index(STATE_INDEX, TABLE, ["state"])


def downgrade() -> None:
    op.drop_index(STATE_INDEX, TABLE)
    op.drop_table(TABLE)
