"""/api/v1/augmentations and /api/v1/cutouts."""

from __future__ import annotations

from flask import Blueprint


def create_augment_api() -> Blueprint:
    """The blueprint `augment_api`."""
    return Blueprint("augment_api", __name__)
