"""Gives every error its form: the upload page again, an error page, a line of text, or a problem document."""

from __future__ import annotations

import logging
from typing import Literal

from flask import Flask, Response, make_response, request
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from deep_predictor.errors import DeepPredictorError
from deep_predictor.web.access import wants_json
from deep_predictor.web.error_responses import add_headers, form_error, http_error, problem_response, row_of
from deep_predictor.web.pages import render_error_page, render_upload_page
from deep_predictor.web.studio.login_pages import STUDIO_PREFIX, to_login

logger = logging.getLogger(__name__)

Form = Literal["problem", "text", "page"]

#: Addresses for programs only.
PROBLEM_PATHS = ("/api/v1/", "/api/test/", "/auth", "/o/", "/health/", "/openapi.json")
_TEXT_PATHS = ("/api", "/test-api", "/test-upload")
_UPLOAD_PATH = "/upload"
_TEST_PATHS = ("/test-api", "/test-upload")


def register_error_handlers(app: Flask) -> None:
    app.register_error_handler(DeepPredictorError, answer_error)
    app.register_error_handler(HTTPException, answer_http_error)


def answer_error(error: DeepPredictorError) -> ResponseReturnValue:
    """An error of the project. Its own text goes to the log, unless it repeats what a client sent."""
    row = row_of(error)
    status, text = form_error(error, "test" if request.path in _TEST_PATHS else "production")
    if row.status >= 500:
        logger.warning("%s %r: %d %s: %s", request.method, request.path, row.status, error.code, error)
    else:
        logger.info("%s %r: refused: %s", request.method, request.path, error.code)
    form = _wanted_form()
    if form == "problem":
        return problem_response(error)
    if form == "page" and row.status == 401 and request.path.startswith(STUDIO_PREFIX):
        return to_login()
    if form == "text":
        response = _text(text, status)
    elif row.asks_again and request.path == _UPLOAD_PATH:
        response = make_response(render_upload_page(text, status))
    else:
        response = make_response(render_error_page(status, text))
    add_headers(response, error)
    return response


def answer_http_error(error: HTTPException) -> ResponseReturnValue:
    """An error of Flask or werkzeug: no such page, wrong method, too large, and what nobody foresaw (500)."""
    if error.response is not None:
        return error.get_response()
    status, _, text = http_error(error)
    form = _wanted_form()
    if form == "problem":
        response = problem_response(error)
    elif form == "text":
        response = _text(text, status)
    else:
        response = make_response(render_error_page(status, text))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "Content-Range"):
            response.headers[name] = value
    return response


def _wanted_form() -> Form:
    if wants_json(request) or request.path.startswith(PROBLEM_PATHS):
        return "problem"
    if request_ctx.url_adapter is None:  # the Host header is none, so no page can name its addresses
        return "text"
    return "text" if request.path in _TEXT_PATHS else "page"


def _text(text: str, status: int) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")
