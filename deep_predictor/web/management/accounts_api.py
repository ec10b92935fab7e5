"""Users, logins and API keys."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from flask.typing import RouteCallable
from pydantic import Field

from deep_predictor.accounts.passwords import LONGEST_PASSWORD
from deep_predictor.accounts.permissions import SCOPE_PERMISSIONS, Role, Scope
from deep_predictor.db.account_rows import KeyRecord, User
from deep_predictor.errors import NotFound, NotPermitted
from deep_predictor.web.access import ADMIN, LOGIN, Access, register
from deep_predictor.web.authentication import current_principal
from deep_predictor.web.current import current_management
from deep_predictor.web.management.login_api import add_login_routes
from deep_predictor.web.operations import (
    LONGEST_TEXT,
    Answer,
    AnswerModel,
    Line,
    Operation,
    Page,
    PageQuery,
    RequestModel,
    page_of,
    read_json,
    read_query,
    respond,
)

#: Seconds since 1970 that a date can be made of.
LAST_SECOND = 253_402_300_799


class NewUserBody(RequestModel):
    username: str = Field(min_length=1, max_length=LONGEST_TEXT)
    password: str = Field(min_length=1, max_length=LONGEST_PASSWORD, repr=False)
    role: Role


class UserChange(RequestModel):
    """What is absent stays."""

    role: Role | None = None
    is_disabled: bool | None = None
    password: str | None = Field(None, min_length=1, max_length=LONGEST_PASSWORD, repr=False)


class UserAnswer(AnswerModel):
    """Times are seconds since 1970."""

    id: int
    username: str
    role: Role
    is_disabled: bool
    created_at: float
    last_login_at: float | None


class NewKeyBody(RequestModel):
    name: Line
    scopes: list[Scope] = Field(min_length=1, max_length=10)
    expires_at: float | None = Field(None, gt=0, le=LAST_SECOND, description="Seconds since 1970; null: never.")


class KeyAnswer(AnswerModel):
    """Times are seconds since 1970. `prefix`: the key's first characters; `created_by`: a user's id."""

    id: int
    name: str
    prefix: str
    scopes: list[Scope]
    created_by: int | None
    created_at: float
    expires_at: float | None
    last_used_at: float | None
    revoked_at: float | None


class NewKeyAnswer(KeyAnswer):
    key: str = Field(description="Nothing tells it again.")


_USER, _KEY = Answer("The user", UserAnswer), Answer("The key, without itself", KeyAnswer)
_GONE = Answer("It counts no more", None, None)
OPERATIONS = {
    "users": Operation("List users", {200: Answer("Users", Page[UserAnswer])}, "Users", query=PageQuery),
    "create_user": Operation("Add a user", {201: _USER}, "Users", body=NewUserBody),
    "show_user": Operation("Show a user", {200: _USER}, "Users"),
    "change_user": Operation("Change a user's role, state or password", {200: _USER}, "Users", body=UserChange),
    "keys": Operation("List API keys", {200: Answer("Keys", Page[KeyAnswer])}, "Keys", query=PageQuery),
    "create_key": Operation("Make an API key", {201: Answer("The key", NewKeyAnswer)}, "Keys", body=NewKeyBody),
    "show_key": Operation("Show an API key", {200: _KEY}, "Keys"),
    "revoke_key": Operation("Revoke an API key", {204: _GONE}, "Keys"),
}


def create_accounts_api() -> Blueprint:
    """The blueprint `accounts_api`."""
    blueprint = Blueprint("accounts_api", __name__)
    add_login_routes(blueprint)
    routes: list[tuple[str, RouteCallable, str, Access]] = [
        ("/users", users, "GET", ADMIN),
        ("/users", create_user, "POST", ADMIN),
        ("/users/<id:user_id>", show_user, "GET", ADMIN),
        ("/users/<id:user_id>", change_user, "PATCH", ADMIN),
        ("/keys", keys, "GET", LOGIN),
        ("/keys", create_key, "POST", LOGIN),
        ("/keys/<id:key_id>", show_key, "GET", LOGIN),
        ("/keys/<id:key_id>", revoke_key, "DELETE", LOGIN),
    ]
    for path, view, method, access in routes:
        register(blueprint, f"/api/v1{path}", view, [method], access, OPERATIONS[view.__name__])
    return blueprint


def users() -> Response:
    query = read_query(PageQuery)
    some, count = current_management().accounts.users(query.limit, query.offset)
    return respond(Page[UserAnswer](**page_of([_user_answer(user) for user in some], count, query)))


def create_user() -> Response:
    body = read_json(NewUserBody)
    user = current_management().accounts.add_user(body.username, body.password, body.role)
    response = respond(_user_answer(user), 201)
    response.headers["Location"] = url_for("accounts_api.show_user", user_id=user.id)
    return response


def show_user(user_id: int) -> Response:
    return respond(_user_answer(current_management().accounts.get_user(user_id)))


def change_user(user_id: int) -> Response:
    change = read_json(UserChange)
    user = current_management().accounts.change_user(user_id, **change.model_dump())
    return respond(_user_answer(user))


def keys() -> Response:
    """An admin's list has everybody's."""
    query = read_query(PageQuery)
    some, count = current_management().accounts.keys.page(query.limit, query.offset, _whose_keys())
    return respond(Page[KeyAnswer](**page_of([_key_answer(key) for key in some], count, query)))


def create_key() -> Response:
    """Nobody gives away more than they have. Raises NotPermitted, RequestInvalid."""
    _whose_keys()
    principal, body = current_principal(), read_json(NewKeyBody)
    for scope in body.scopes:
        for permission in sorted(SCOPE_PERMISSIONS[scope] - principal.permissions):
            raise NotPermitted(permission)
    create = current_management().accounts.keys.create
    key, plain = create(body.name, body.scopes, principal.user_id, body.expires_at)
    response = respond(NewKeyAnswer(**_key_answer(key).model_dump(), key=plain), 201)
    response.headers["Location"] = url_for("accounts_api.show_key", key_id=key.id)
    return response


def show_key(key_id: int) -> Response:
    return respond(_key_answer(_get_key(key_id)))


def revoke_key(key_id: int) -> Response:
    current_management().accounts.keys.revoke(_get_key(key_id).id)
    return Response(status=204)


def _get_key(key_id: int) -> KeyRecord:
    """Of others' keys only an admin learns that they are there. Raises NotFound, NotPermitted."""
    whose = _whose_keys()
    key = current_management().accounts.keys.get(key_id)
    if whose is not None and key.created_by != whose:
        raise NotFound("key", key_id)
    return key


def _whose_keys() -> int | None:
    """The user whose keys the request may see and change; None: everybody's.

    Raises NotPermitted for programs that are no admin's: a token of an hour must not make a key that lasts.
    """
    principal = current_principal()
    if "admin" in principal.permissions:
        return None
    if principal.user_id is None or principal.kind not in ("session", "jwt"):
        raise NotPermitted("admin")
    return principal.user_id


def _user_answer(user: User) -> UserAnswer:
    return UserAnswer(**{name: getattr(user, name) for name in UserAnswer.model_fields})


def _key_answer(key: KeyRecord) -> KeyAnswer:
    return KeyAnswer(**{**vars(key), "scopes": key.scopes.split()})
