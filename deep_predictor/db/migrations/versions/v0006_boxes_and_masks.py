"""Data sets have a task: their items may have boxes or a mask in place of a label."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    task = sa.Column("task", sa.Text(), nullable=False, server_default="classification")
    op.add_column("datasets", task)
    op.add_column("datasets", sa.Column("classes", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("dataset_items", sa.Column("boxes", sa.Text()))
    op.add_column("dataset_items", sa.Column("mask_file", sa.Text()))
    is_annotated: sa.Column[bool] = sa.Column(
        "is_annotated", sa.Boolean(), nullable=False, server_default=sa.true()
    )
    op.add_column("dataset_items", is_annotated)  # all there are have a label
    op.create_index("ix_dataset_items_annotated", "dataset_items", ["dataset_id", "is_annotated", "id"])
    op.create_table(
        "dataset_item_classes",
        sa.Column("dataset_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("class_number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("item_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_dataset_item_classes_item_id", "dataset_item_classes", ["item_id"])


def downgrade() -> None:
    op.drop_table("dataset_item_classes")
    op.drop_index("ix_dataset_items_annotated", "dataset_items")
    with op.batch_alter_table("dataset_items") as table:
        table.drop_column("is_annotated")
        table.drop_column("mask_file")
        table.drop_column("boxes")
    with op.batch_alter_table("datasets") as table:
        table.drop_column("classes")
        table.drop_column("task")
