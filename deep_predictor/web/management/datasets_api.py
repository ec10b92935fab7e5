"""/api/v1/datasets and their items."""

from __future__ import annotations

from flask import Blueprint


def create_datasets_api() -> Blueprint:
    """The blueprint `datasets_api`."""
    return Blueprint("datasets_api", __name__)
