"""Refuses pictures that nobody could wait for, before anything of Flask runs: a refusal must cost next to nothing.

Under overload most requests are refused, and what refusing takes is missing for predictions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from flask import Flask

from deep_predictor.environment import Application
from deep_predictor.errors import TooManyWaiting
from deep_predictor.web.error_responses import problem_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from deep_predictor.web.plain_way import Quick

logger = logging.getLogger(__name__)

PREDICT_PATH = "/api/v1/predict"
#: Under overload there would be hundreds of lines a second.
LOG_SECONDS = 10.0
#: Longer ones are not worth the time that reading them takes.
_LONGEST_QUERY = 2000
_IS_REFUSED = "deep_predictor.is_refused"


class LoadShedder:
    """Stands before the application. Only for raw pictures: what a form or JSON asks for, its body must be read for."""

    def __init__(self, app: Flask, application: Application, following: Quick) -> None:
        self._following = following
        self._slots = application.wait_slots
        self._default_name = application.main_config.production.prediction_options.default_predictor_name
        self._refused, self._next_line = 0, 0.0
        with app.test_request_context(PREDICT_PATH, method="POST"):
            response = app.process_response(problem_response(TooManyWaiting()))
        self._status, self._headers, self._body = response.status, response.get_wsgi_headers({}), response.get_data()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self._knows_refused(environ):
            return self._following(environ, start_response)
        self._refused += 1
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LOG_SECONDS
            logger.warning("too many requests wait; %d were refused since the start", self._refused)
        start_response(self._status, list(self._headers.items()))
        return [self._body]

    def is_quick(self, environ: WSGIEnvironment) -> bool:
        """Whether the request is refused, or parked, without waiting for anything."""
        return self._knows_refused(environ) or self._following.is_quick(environ)

    def _knows_refused(self, environ: WSGIEnvironment) -> bool:
        """Decided once a request: what was to be refused is no business of the thread that receives it otherwise."""
        if _IS_REFUSED not in environ:
            environ[_IS_REFUSED] = self._is_refused(environ)
        return bool(environ[_IS_REFUSED])

    def _is_refused(self, environ: WSGIEnvironment) -> bool:
        if environ["PATH_INFO"] != PREDICT_PATH or environ["REQUEST_METHOD"] != "POST" or "HTTP_ORIGIN" in environ:
            return False
        if not environ.get("CONTENT_TYPE", "").startswith("image/"):
            return False
        query = environ.get("QUERY_STRING", "")
        if len(query) > _LONGEST_QUERY:
            return False
        names = parse_qs(query).get("model_name")
        return not self._slots.has_free(names[0] if names else self._default_name)
