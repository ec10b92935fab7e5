"""Logging in and out, tokens for programs of the older kind, one's own password, and the first account."""

from __future__ import annotations

from typing import Literal, get_args

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue, RouteCallable
from pydantic import Field

from deep_predictor.accounts.passwords import LONGEST_PASSWORD
from deep_predictor.accounts.permissions import CredentialKind, Permission, Principal, Role
from deep_predictor.db.account_rows import User
from deep_predictor.errors import CredentialRefused, LoginNeeded
from deep_predictor.web.access import LOGIN, PASSWORD, PUBLIC, Access, register
from deep_predictor.web.authentication import current_principal, given_credential, principal_of
from deep_predictor.web.client_address import client_address
from deep_predictor.web.current import current_management
from deep_predictor.web.login_session import StoredLogin, begin_session, csrf_token_of, end_session
from deep_predictor.web.operations import LONGEST_TEXT, Answer, AnswerModel, Operation, RequestModel, read_json, respond

TAG = "Login"


class LoginBody(RequestModel):
    username: str = Field(min_length=1, max_length=LONGEST_TEXT)
    password: str = Field(min_length=1, max_length=LONGEST_PASSWORD, repr=False)


class SetupBody(LoginBody):
    token: str = Field(min_length=1, max_length=LONGEST_TEXT, repr=False)


class PasswordBody(RequestModel):
    old_password: str = Field(min_length=1, max_length=LONGEST_PASSWORD, repr=False)
    new_password: str = Field(min_length=1, max_length=LONGEST_PASSWORD, repr=False)


class SessionUser(AnswerModel):
    id: int
    username: str
    role: Role


class SessionAnswer(AnswerModel):
    """Who asks. `csrf_token` goes into the header X-CSRF-Token where the cookie is the credential."""

    user: SessionUser | None
    kind: CredentialKind | None
    permissions: list[Permission]
    csrf_token: str | None


class AccessTokenAnswer(AnswerModel):
    """`expires_in`: seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  a word of the protocol
    expires_in: int


_NOBODY = SessionAnswer(user=None, kind=None, permissions=[], csrf_token=None)
_SESSION = Answer("Who asks, and the CSRF token of a login in the browser", SessionAnswer)
_TOKEN = Answer("For the header Authorization, as `Bearer …` or `JWT …`", AccessTokenAnswer)

OPERATIONS = {
    "setup_page": Operation("The page of the first account", {200: Answer("The page", None, "text/html")}, TAG),
    "set_up": Operation("Make the first account, an admin, and log in", {201: _SESSION}, TAG, body=SetupBody),
    "show_session": Operation("Who am I", {200: _SESSION}, TAG),
    "log_in": Operation("Log in with a cookie", {201: _SESSION}, TAG, body=LoginBody),
    "log_out": Operation("Log out", {204: Answer("The login counts no more", None, None)}, TAG),
    "change_password": Operation("Change one's own password", {200: _SESSION}, TAG, body=PasswordBody),
    "give_token": Operation("A token for username and password", {200: _TOKEN}, TAG, body=LoginBody),
}


def add_login_routes(blueprint: Blueprint) -> None:
    """Setup, session, password and /auth, on the blueprint of the accounts."""
    routes: list[tuple[str, RouteCallable, str, Access]] = [
        ("/setup", setup_page, "GET", PUBLIC),
        ("/api/v1/setup", set_up, "POST", PASSWORD),
        ("/api/v1/session", show_session, "GET", PUBLIC),
        ("/api/v1/session", log_in, "POST", PASSWORD),
        ("/api/v1/session", log_out, "DELETE", LOGIN),
        ("/api/v1/password", change_password, "POST", LOGIN),
        ("/auth", give_token, "POST", PASSWORD),
    ]
    for path, view, method, access in routes:
        register(blueprint, path, view, [method], access, OPERATIONS[view.__name__])


def setup_page() -> ResponseReturnValue:
    """The page reads the token from its address; there is none once there is an account."""
    management = current_management()
    if not management.accounts.needs_setup():
        abort(404)
    page = render_template("management/setup.html", min_length=management.accounts_options.min_password_length)
    return page, {"Cache-Control": "no-store"}


def set_up() -> Response:
    body = read_json(SetupBody)
    user = current_management().accounts.take_setup(body.token, body.username, body.password)
    return _begin(user, 201)


def show_session() -> Response:
    """Public: who has no login learns that, and a login that has ended is as none. A wrong token is refused."""
    credential = given_credential(request)
    if credential is None:
        return respond(_NOBODY)
    try:
        principal = principal_of(credential)
    except CredentialRefused:
        if credential.login is None:
            raise
        return respond(_NOBODY)
    return respond(_session_answer(principal, credential.login))


def log_in() -> Response:
    return _begin(_checked_user(read_json(LoginBody)), 201)


def log_out() -> Response:
    end_session(request)
    return Response(status=204)


def change_password() -> Response:
    """One's logins and tokens end, but for the browser's that asks, which gets a new cookie. Raises LoginNeeded."""
    principal, body, accounts = current_principal(), read_json(PasswordBody), current_management().accounts
    if principal.user_id is None or principal.kind not in ("session", "jwt"):
        raise LoginNeeded
    username = accounts.get_user(principal.user_id).username
    user = accounts.check_password(username, body.old_password, client_address(request))
    user = accounts.change_user(user.id, password=body.new_password)
    return _begin(user, 200) if principal.kind == "session" else respond(_session_answer(principal, None))


def give_token() -> Response:
    accounts, user = current_management().accounts, _checked_user(read_json(LoginBody))
    seconds = current_management().accounts_options.access_token_seconds
    return respond(AccessTokenAnswer(access_token=accounts.make_token(user), expires_in=seconds))


def _checked_user(body: LoginBody) -> User:
    """Raises CredentialRefused, TooManyAttempts."""
    return current_management().accounts.check_password(body.username, body.password, client_address(request))


def _begin(user: User, status: int) -> Response:
    login = begin_session(user)
    principal = current_management().accounts.principal_of_user(user.id, user.session_version, "session")
    response = respond(_session_answer(principal, login), status)
    if status == 201:
        response.headers["Location"] = url_for("accounts_api.show_session")
    return response


def _session_answer(principal: Principal, login: StoredLogin | None) -> SessionAnswer:
    user = current_management().accounts.find_user(principal.user_id) if principal.user_id else None
    return SessionAnswer(
        user=SessionUser(id=user.id, username=user.username, role=user.role) if user else None,
        kind=principal.kind,
        permissions=[permission for permission in get_args(Permission) if permission in principal.permissions],
        csrf_token=csrf_token_of(login) if login else None,
    )
