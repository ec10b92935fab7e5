"""/api/v1/trainings, /api/v1/searches and /api/v1/jobs."""

from __future__ import annotations

from flask import Blueprint


def create_trainings_api() -> Blueprint:
    """The blueprint `trainings_api`."""
    return Blueprint("trainings_api", __name__)
