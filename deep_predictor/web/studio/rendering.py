"""What every page of the studio shows besides its own: who looks at it, and what they may do."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template, request

from deep_predictor.web.authentication import current_principal
from deep_predictor.web.login_session import csrf_token_of, stored_login
from deep_predictor.web.operations import Answer, Operation

TAG = "Studio"
PAGE = Answer("The page", None, "text/html")


def page_operation(summary: str) -> Operation:
    """A page of the studio; who has no login is led to the login page."""
    return Operation(summary, {200: PAGE, 303: Answer("To the login page", None, "text/html")}, TAG)


def render_studio(template: str, section: str, **facts: Any) -> Response:
    """A page; `section` is the one of the navigation that it belongs to. Nothing of it is kept by a cache."""
    principal, login = current_principal(), stored_login(request)
    who = {
        "name": principal.name,
        "permissions": sorted(principal.permissions),
        "csrf_token": csrf_token_of(login) if login else "",
    }
    response = make_response(render_template(f"studio/{template}", section=section, who=who, **facts))
    response.headers["Cache-Control"] = "no-store"
    return response
