"""A login in the browser: a signed cookie that says whose it is, and the CSRF token that goes with it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask, Request, current_app, request, session
from flask.sessions import SecureCookieSessionInterface

from deep_predictor.db.account_rows import User
from deep_predictor.web.client_address import is_https
from deep_predictor.web.current import current_management

CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
_FORM_TYPE = "application/x-www-form-urlencoded"
_KEYS = {"user": int, "version": int, "began": float, "id": str}


@dataclass(frozen=True)
class StoredLogin:
    """What a cookie says that we signed. `began_at`: seconds since 1970; `id`: chance, the login's own."""

    user_id: int
    session_version: int
    began_at: float
    id: str

    @property
    def over_at(self) -> float:
        """However much it is used."""
        return self.began_at + current_management().accounts_options.session_hours * 3600

    def has_ended(self) -> bool:
        return time.time() >= self.over_at or self.id in current_management().accounts.ended_logins


class _Sessions(SecureCookieSessionInterface):
    def get_cookie_secure(self, app: Flask) -> bool:
        """Over https only, where the login came by https."""
        return is_https(request)


def prepare_sessions(app: Flask, session_hours: float) -> None:
    """Called once, while the application is built."""
    app.session_interface = _Sessions()
    app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(hours=session_hours)
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False  # a login ends, however much it is used


def begin_session(user: User) -> StoredLogin:
    """The answer to this request logs the browser in, in place of whoever was."""
    session.clear()
    session.permanent = True
    login = StoredLogin(user.id, user.session_version, time.time(), secrets.token_urlsafe(16))
    session.update(user=login.user_id, version=login.session_version, began=login.began_at, id=login.id)
    return login


def end_session(request: Request) -> None:
    """The browser forgets its login, and a copy of the cookie counts no more."""
    login = stored_login(request)
    if login:
        current_management().accounts.ended_logins.add(login.id, login.over_at)
    session.clear()


def stored_login(request: Request) -> StoredLogin | None:
    """What the request's cookie says; None where there is none, or it is not ours."""
    if current_app.config["SESSION_COOKIE_NAME"] not in request.cookies:
        return None
    if not all(isinstance(session.get(key), kind) for key, kind in _KEYS.items()):
        return None
    return StoredLogin(session["user"], session["version"], session["began"], session["id"])


def csrf_token_of(login: StoredLogin) -> str:
    """What a page of ours sends with whatever changes something: another site's page cannot know it."""
    key: str = current_app.config["CSRF_KEY"]
    return hmac.new(key.encode(), login.id.encode(), hashlib.sha256).hexdigest()


def has_csrf_token(request: Request, login: StoredLogin, in_form: str = "") -> bool:
    """In the header, in a form's field, or `in_form`, where a view has read that from a form with files."""
    given = request.headers.get(CSRF_HEADER) or in_form
    if not given and request.mimetype == _FORM_TYPE:
        given = request.form.get(CSRF_FIELD, "")
    return hmac.compare_digest(csrf_token_of(login).encode(), given.encode("utf-8", "surrogatepass"))
