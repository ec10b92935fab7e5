"""Accounts, data sets, models and publications; who started a training job, and on what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _text(name: str, unique: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, unique=unique or None)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer(), primary_key=True)


def _time(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=False)


def upgrade() -> None:
    _create_accounts()
    _create_datasets()
    _create_models()
    with op.batch_alter_table("training_jobs") as table:
        table.add_column(sa.Column("created_by", sa.Integer()))
        table.add_column(sa.Column("dataset_id", sa.Integer()))
        table.create_index("ix_training_jobs_dataset_id", ["dataset_id"])


def _create_accounts() -> None:
    op.create_table(
        "users",
        _id(),
        _text("username", unique=True),
        _text("password_hash"),
        _text("role"),
        sa.Column("is_disabled", sa.Boolean(), nullable=False),
        sa.Column("session_version", sa.Integer(), nullable=False),
        _time("created_at"),
        sa.Column("last_login_at", sa.Double()),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_keys",
        _id(),
        _text("name"),
        _text("prefix"),
        _text("key_hash", unique=True),
        _text("scopes"),
        sa.Column("created_by", sa.Integer()),
        _time("created_at"),
        sa.Column("expires_at", sa.Double()),
        sa.Column("last_used_at", sa.Double()),
        sa.Column("revoked_at", sa.Double()),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "oauth_clients",
        _id(),
        _text("client_id", unique=True),
        _text("client_secret_hash"),
        _text("name"),
        _text("scopes"),
        _text("grant_types"),
        sa.Column("created_by", sa.Integer()),
        _time("created_at"),
        sa.Column("revoked_at", sa.Double()),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "oauth_tokens",
        _id(),
        _text("access_token_hash", unique=True),
        sa.Column("refresh_token_hash", sa.Text(), unique=True),
        _text("client_id"),
        sa.Column("user_id", sa.Integer()),
        sa.Column("session_version", sa.Integer()),
        _text("scope"),
        _time("issued_at"),
        _time("expires_at"),
        sa.Column("refresh_expires_at", sa.Double()),
        sa.Column("revoked_at", sa.Double()),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_oauth_tokens_client_id", "oauth_tokens", ["client_id"])
    op.create_index("ix_oauth_tokens_user_id", "oauth_tokens", ["user_id"])


def _create_datasets() -> None:
    op.create_table(
        "datasets",
        _id(),
        _text("name", unique=True),
        sa.Column("created_by", sa.Integer()),
        _time("created_at"),
        _time("changed_at"),
        sa.Column("version", sa.Integer(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dataset_items",
        _id(),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        _text("label"),
        _text("split"),
        _text("file_name"),
        _text("original_name"),
        _text("source"),
        _text("sha256"),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        _time("added_at"),
        sa.Column("import_key", sa.Text()),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dataset_items_dataset", "dataset_items", ["dataset_id", "id"])
    op.create_index("ix_dataset_items_label", "dataset_items", ["dataset_id", "label", "id"])
    op.create_index("ix_dataset_items_split", "dataset_items", ["dataset_id", "split", "id"])
    op.create_index("ix_dataset_items_content", "dataset_items", ["dataset_id", "sha256"])
    op.create_index("ix_dataset_items_import", "dataset_items", ["import_key"], unique=True)


def _create_models() -> None:
    op.create_table(
        "models",
        _id(),
        _text("name"),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("task"),
        _text("state"),
        sa.Column("reason", sa.Text()),
        _text("folder"),
        _text("origin"),
        sa.Column("job_id", sa.Integer(), unique=True),
        sa.Column("dataset_id", sa.Integer()),
        _text("metrics"),
        _text("class_names"),
        sa.Column("created_by", sa.Integer()),
        _time("created_at"),
        sa.UniqueConstraint("name", "version", name="uq_models_name_version"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_models_dataset_id", "models", ["dataset_id"])
    op.create_table(
        "publications",
        _id(),
        _text("environment"),
        _text("predictor_name"),
        sa.Column("model_id", sa.Integer()),
        sa.Column("published_by", sa.Integer()),
        _time("published_at"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_publications_predictor", "publications", ["environment", "predictor_name", "id"])
    op.create_index("ix_publications_model_id", "publications", ["model_id"])


def downgrade() -> None:
    with op.batch_alter_table("training_jobs") as table:
        table.drop_index("ix_training_jobs_dataset_id")
        table.drop_column("dataset_id")
        table.drop_column("created_by")
    tables = ["publications", "models", "dataset_items", "datasets"]
    for name in [*tables, "oauth_tokens", "oauth_clients", "api_keys", "users"]:
        op.drop_table(name)
