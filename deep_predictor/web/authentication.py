"""Who sends a request, and whether they may: a login's cookie, an API key, or a token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Request, g

from deep_predictor.accounts.api_keys import KEY_PREFIX
from deep_predictor.accounts.permissions import Permission, Principal
from deep_predictor.errors import CredentialRefused, CsrfTokenMissing, ForeignOrigin, LoginNeeded, NotPermitted
from deep_predictor.web.current import current_management, production_config
from deep_predictor.web.login_session import StoredLogin, has_csrf_token, stored_login
from deep_predictor.web.open_uploads import is_own_origin

KEY_HEADER = "X-API-Key"
#: Other schemes are for somebody else: a proxy before us may ask for a password of its own.
_TOKEN_SCHEMES = ("bearer", "jwt")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
#: What a browser says of a request by a page of ours, or by its user.
_OWN_FETCH_SITES = ("same-origin", "none")


@dataclass(frozen=True)
class Credential:
    """What a request showed: a key or token, or else a login's cookie."""

    token: str | None
    login: StoredLogin | None


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


def check_own_page(request: Request) -> None:
    """A login from a browser is sent by a page of ours: another site's could log its visitor in as somebody else.

    Raises ForeignOrigin.
    """
    origin = request.headers.get("Origin")
    if origin is None or origin in production_config().api_options.cors_origins:
        return
    fetch_site = request.headers.get("Sec-Fetch-Site")
    is_own = (
        fetch_site.lower() in _OWN_FETCH_SITES if fetch_site else is_own_origin(origin, request.headers.get("Host", ""))
    )
    if not is_own:
        raise ForeignOrigin("Origin")


def current_principal() -> Principal:
    """Who sends this request; the route's access rule has found somebody."""
    principal: Principal = g.principal
    return principal


def find_principal(request: Request) -> Principal | None:
    """Who sends the request, asked once; None when nothing was given.

    Raises CredentialRefused for what is wrong, expired or revoked, CsrfTokenMissing.
    """
    if "principal" not in g:
        g.principal = _identify(request)
    principal: Principal | None = g.principal
    return principal


def find_predictor_user(request: Request, key: str, csrf_token: str) -> Principal | None:
    """Who wants a prediction, on the routes that never ask for a CSRF token: a cookie without one is as none.

    `key`: an API key that the request's header or body holds, or "". Raises CredentialRefused, NotPermitted.
    """
    if key:
        principal: Principal | None = current_management().accounts.principal_of_token(key)
    elif (credential := given_credential(request)) is None:
        return None
    elif credential.login is None:
        principal = principal_of(credential)
    elif credential.login.has_ended() or not has_csrf_token(request, credential.login, csrf_token):
        return None
    else:
        principal = principal_of(credential)
    if principal and "predict" not in principal.permissions:
        raise NotPermitted("predict")
    return principal


def given_credential(request: Request) -> Credential | None:
    """What counts of the request's credentials, unchecked: a header before the cookie."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in _TOKEN_SCHEMES:
        return Credential(text.strip(), None)
    key = request.headers.get(KEY_HEADER, "")
    if key.startswith(KEY_PREFIX):
        return Credential(key, None)
    login = stored_login(request)
    return Credential(None, login) if login else None


def principal_of(credential: Credential) -> Principal:
    """Whose it is now; may be asked again later, without the request. Raises CredentialRefused."""
    accounts = current_management().accounts
    login = credential.login
    if login is None:
        return accounts.principal_of_token(credential.token or "")
    if login.has_ended():
        raise CredentialRefused("the login has ended")
    return accounts.principal_of_user(login.user_id, login.session_version, "session")


def _identify(request: Request) -> Principal | None:
    credential = given_credential(request)
    if credential is None:
        return None
    principal = principal_of(credential)
    login = credential.login
    if login and request.method not in _SAFE_METHODS and not has_csrf_token(request, login):
        raise CsrfTokenMissing
    return principal
