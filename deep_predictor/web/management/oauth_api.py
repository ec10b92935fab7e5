"""OAuth2: /o/token/, /o/revoke_token/, /o/introspect/, and its clients."""

from __future__ import annotations

from flask import Blueprint


def create_oauth_api() -> Blueprint:
    """The blueprint `oauth_api`."""
    return Blueprint("oauth_api", __name__)
