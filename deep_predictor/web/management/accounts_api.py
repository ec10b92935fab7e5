"""Users, logins and API keys."""

from __future__ import annotations

from flask import Blueprint


def create_accounts_api() -> Blueprint:
    """The blueprint `accounts_api`."""
    return Blueprint("accounts_api", __name__)
