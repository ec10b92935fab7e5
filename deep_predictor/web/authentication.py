"""Who sends a request, and whether they may: a login's cookie, an API key, or a token."""

from __future__ import annotations

from collections.abc import Callable

from flask import Request, g

from deep_predictor.accounts.permissions import Permission, Principal
from deep_predictor.errors import LoginNeeded, NotPermitted


def check_login(request: Request) -> None:
    """Raises LoginNeeded, CredentialRefused, CsrfTokenMissing."""
    if find_principal(request) is None:
        raise LoginNeeded


def permission_check(permission: Permission) -> Callable[[Request], None]:
    """A check that raises LoginNeeded, CredentialRefused, CsrfTokenMissing, NotPermitted."""

    def check(request: Request) -> None:
        principal = find_principal(request)
        if principal is None:
            raise LoginNeeded
        if permission not in principal.permissions:
            raise NotPermitted(permission)

    return check


def current_principal() -> Principal:
    """Who sends this request; the route's access rule has found somebody."""
    principal: Principal = g.principal
    return principal


def find_principal(request: Request) -> Principal | None:
    """Who sends the request, asked once; None when nothing was given.

    Raises CredentialRefused for what is wrong, expired or revoked, CsrfTokenMissing.
    """
    if "principal" not in g:
        g.principal = None
    principal: Principal | None = g.principal
    return principal
