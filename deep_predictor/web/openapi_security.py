"""How each access rule reads in OpenAPI: which credentials a route takes, and what they must allow."""

from __future__ import annotations

from typing import Any

from flask.sansio.app import App

from deep_predictor.accounts.permissions import SCOPE_PERMISSIONS, SCOPES, Permission
from deep_predictor.web import access
from deep_predictor.web.access import Access
from deep_predictor.web.credentials import KEY_HEADER

Requirement = dict[str, list[str]]

TOKEN_PATH = "/o/token/"  # noqa: S105  an address
SCOPE_WORDS = {
    "predict": "ask predictors",
    "train": "see and change data sets, trainings and models",
    "admin": "users, keys, everything",
}
SAFE_METHODS = ("GET", "HEAD")

_KEY: Requirement = {"apiKey": []}
#: What OpenAPI has no word for: a field of the body, or open uploads.
_OTHERWISE: Requirement = {}

#: Every rule: what opens it that belongs to nobody, and the permission that a login, key or token needs for it.
RULES: dict[Access, tuple[list[Requirement], Permission | None]] = {
    access.PUBLIC: ([], None),
    access.UPLOAD_CREDENTIAL: ([_OTHERWISE], "predict"),
    access.TEST_CREDENTIAL: ([_OTHERWISE], None),
    access.PREDICT_CREDENTIAL: ([_OTHERWISE], "predict"),
    access.KEY_OR_OPEN_UPLOADS: ([_OTHERWISE], "predict"),
    access.OAUTH_CLIENT: ([{"oauthClient": []}], None),
    access.PASSWORD: ([_OTHERWISE], None),
    access.LOGIN: ([], "predict"),
    access.PREDICT: ([], "predict"),
    access.VIEW: ([], "view"),
    access.TRAIN: ([], "train"),
    access.ADMIN: ([], "admin"),
}


def security_schemes(app: App) -> dict[str, Any]:
    scopes = {scope: SCOPE_WORDS[scope] for scope in SCOPES}
    flow = {"tokenUrl": TOKEN_PATH, "refreshUrl": TOKEN_PATH, "scopes": scopes}
    return {
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": KEY_HEADER,
            "description": "A key of /api/v1/keys; where predictions are asked for, api_key of the main config too.",
        },
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of /auth (`Authorization: JWT …` is the same), or a key of /api/v1/keys.",
        },
        "oauth2": {"type": "oauth2", "flows": {"password": flow, "clientCredentials": flow}},
        "oauthClient": {"type": "http", "scheme": "basic", "description": "Client id and secret."},
        "session": {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]},
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "X-CSRF-Token",
            "description": "With the cookie, for whatever changes something; GET /api/v1/session tells it.",
        },
    }


def security_of(rule: Access, method: str) -> list[Requirement]:
    """Each is one way in; none for a public route. Raises KeyError for a rule that RULES does not know."""
    others, permission = RULES[rule]
    if permission is None:
        return others
    cookie: Requirement = {"session": []} if method in SAFE_METHODS else {"session": [], "csrf": []}
    scopes: list[Requirement] = [{"oauth2": [scope]} for scope in SCOPES if permission in SCOPE_PERMISSIONS[scope]]
    return [_KEY, {"bearer": []}, *scopes, cookie, *others]
