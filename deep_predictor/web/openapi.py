"""GET /openapi.json and /docs: made of the routes' operations."""

from __future__ import annotations

from flask import Blueprint


def create_openapi() -> Blueprint:
    """The blueprint `openapi`."""
    return Blueprint("openapi", __name__)
