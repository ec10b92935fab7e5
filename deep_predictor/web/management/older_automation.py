"""Requests of the older automation, as its documents give them."""

from __future__ import annotations

from flask import Blueprint


def create_older_automation() -> Blueprint:
    """The blueprint `older_automation`."""
    return Blueprint("older_automation", __name__)
