"""The login page, and the way to it from pages that need a login."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import Field

from deep_predictor.errors import CredentialRefused
from deep_predictor.web.access import PUBLIC, VIEW, register
from deep_predictor.web.authentication import Credential, principal_of
from deep_predictor.web.current import current_management
from deep_predictor.web.login_session import stored_login
from deep_predictor.web.operations import Answer, Operation, RequestModel, read_query
from deep_predictor.web.studio.rendering import PAGE, TAG, page_operation

STUDIO_PREFIX = "/studio"


class LoginQuery(RequestModel):
    #: Where to go after the login: a path of the studio, else it is not followed.
    next: str = Field("", max_length=2000)


def add_login_pages(blueprint: Blueprint) -> None:
    answers = {200: PAGE, 303: Answer("On, for somebody who is logged in", None, "text/html")}
    register(blueprint, "/login", login, ["GET"], PUBLIC, Operation("The login page", answers, TAG, LoginQuery))
    register(blueprint, STUDIO_PREFIX, first_page, ["GET"], VIEW, page_operation("The studio's first page"))


def login() -> ResponseReturnValue:
    """Who is logged in already is led on; a login that has ended is as none."""
    asked = read_query(LoginQuery).next
    target = asked if _is_ours(asked) else STUDIO_PREFIX
    response: Response
    if _is_logged_in():
        response = make_response(redirect(target, 303))
    else:
        needs_setup = current_management().accounts.needs_setup()
        response = make_response(render_template("studio/login.html", target=target, needs_setup=needs_setup))
    response.headers["Cache-Control"] = "no-store"
    return response


def first_page() -> ResponseReturnValue:
    return redirect(url_for("studio.list_datasets"), 303)


def to_login() -> Response:
    """Leads a browser to the login page, and from there back."""
    target = request.full_path.rstrip("?") if request.method == "GET" else STUDIO_PREFIX
    return make_response(redirect(url_for("studio.login", next=target), 303))


def _is_logged_in() -> bool:
    """By the cookie, and so that pages of the studio may be seen."""
    login = stored_login(request)
    try:
        return login is not None and "view" in principal_of(Credential(None, login)).permissions
    except CredentialRefused:
        return False


def _is_ours(target: str) -> bool:
    """Whether it is a path of the studio: an address of another site would be a gift to phishers."""
    parts = urlsplit(target)
    is_plain = not parts.scheme and not parts.netloc and "\\" not in target and "//" not in parts.path
    return is_plain and (parts.path == STUDIO_PREFIX or parts.path.startswith(f"{STUDIO_PREFIX}/"))
