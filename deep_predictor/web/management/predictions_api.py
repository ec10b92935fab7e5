"""GET /api/v1/predictions: what was asked, for admins."""

from __future__ import annotations

from flask import Blueprint


def create_predictions_api() -> Blueprint:
    """The blueprint `predictions_api`."""
    return Blueprint("predictions_api", __name__)
