"""/api/v1/models: versions, downloads, publishing."""

from __future__ import annotations

from flask import Blueprint


def create_models_api() -> Blueprint:
    """The blueprint `models_api`."""
    return Blueprint("models_api", __name__)
