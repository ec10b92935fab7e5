"""Access rules, and the one way to register a route: every route says beside its path who may use it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, Request, abort, current_app, request
from flask.blueprints import BlueprintSetupState
from flask.sansio.app import App
from flask.typing import RouteCallable

from deep_predictor.web import authentication, credentials
from deep_predictor.web.oauth_client import check_oauth_client
from deep_predictor.web.operations import Operation, note_operation

logger = logging.getLogger(__name__)

EXTENSION = "deep_predictor_access"


@dataclass(frozen=True)
class Access:
    """`check` returns when the request may go on, and raises a SubmissionError when it may not."""

    name: str
    check: Callable[[Request], None]


def _everybody(request: Request) -> None:
    """Nothing to check."""


PUBLIC = Access("public", _everybody)
UPLOAD_CREDENTIAL = Access("api key, recaptcha, or open uploads", credentials.check_upload)
TEST_CREDENTIAL = Access("test api key", credentials.check_test_upload)
PREDICT_CREDENTIAL = Access("api key in header or body, or open uploads", credentials.check_predict)
KEY_OR_OPEN_UPLOADS = Access("api key in header, or open uploads", credentials.check_key_or_open)
OAUTH_CLIENT = Access("client id and secret by Basic", check_oauth_client)
#: Who is about to log in.
PASSWORD = Access("password or set-up token in the body", authentication.check_own_page)
#: A login, a key or a token with this permission.
PREDICT = Access("permission predict", authentication.permission_check("predict"))
LOGIN = Access("login or token", authentication.check_login)
VIEW = Access("permission view", authentication.permission_check("view"))
TRAIN = Access("permission train", authentication.permission_check("train"))
ADMIN = Access("permission admin", authentication.permission_check("admin"))


def register(
    blueprint: Blueprint,
    path: str,
    view: RouteCallable,
    methods: Sequence[str],
    access: Access,
    operation: Operation | None = None,
) -> None:
    """Add a route with its access rule and description. The endpoint is the view's name; Flask answers OPTIONS."""
    if "OPTIONS" in methods:
        raise ValueError(f"{path}: OPTIONS is answered without an access check, so no view may take it")
    endpoint = view.__name__

    def note(state: BlueprintSetupState) -> None:
        grant(state.app, f"{state.name}.{endpoint}", access)
        if operation:
            note_operation(state.app, f"{state.name}.{endpoint}", operation)

    blueprint.add_url_rule(path, endpoint, view, methods=list(methods))
    blueprint.record(note)


def grant(app: App, endpoint: str, access: Access) -> None:
    """Write down the access rule of an endpoint. Raises ValueError when it has another one."""
    rules: dict[str, Access] = app.extensions.setdefault(EXTENSION, {})
    if rules.setdefault(endpoint, access) is not access:
        raise ValueError(f"{endpoint} has two access rules: {rules[endpoint].name}; {access.name}")


def enforce_access() -> None:
    """Runs before every view. A route without a rule is closed."""
    if request.endpoint is None or request.method == "OPTIONS":
        return
    access: Access | None = current_app.extensions[EXTENSION].get(request.endpoint)
    if access is None:
        logger.error("the route %r has no access rule", request.endpoint)
        abort(403)
    credentials.check_open_site(request)
    access.check(request)


def wants_json(request: Request) -> bool:
    """Whether the client asks for JSON rather than a page. `*/*` alone, or nothing, asks for neither."""
    wishes = ["text/html", "application/json", "application/problem+json"]
    return request.accept_mimetypes.best_match(wishes) in wishes[1:]
