"""What stands before Socket.IO: who may ask at all, by Host and Origin, and the headers of every answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response

from deep_predictor.environment import Application
from deep_predictor.errors import DeepPredictorError, ForeignOrigin, RequestInvalid, TooManyWaiting
from deep_predictor.web.cors import PREFLIGHT_SECONDS
from deep_predictor.web.credentials import KEY_HEADER, check_open_site
from deep_predictor.web.error_responses import problem_response
from deep_predictor.web.open_uploads import is_own_origin
from deep_predictor.web.security_headers import FIXED_HEADERS, NOTHING_POLICY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/socket.io/"
ALLOWED_METHODS = "GET, POST, OPTIONS"
ALLOWED_HEADERS = f"Authorization, Content-Type, {KEY_HEADER}"
_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OWN_HEADERS = [*FIXED_HEADERS.items(), ("Content-Security-Policy", NOTHING_POLICY), ("Cache-Control", "no-store")]


class LiveGate:
    """`live` answers PATH, `following` everything else."""

    def __init__(self, app: Flask, application: Application, live: WSGIApplication, following: WSGIApplication) -> None:
        self._app, self._live, self._following = app, live, following
        self._stopping = application.stopping
        self._origins = application.main_config.production.api_options.cors_origins

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            return self._following(environ, start_response)
        request = Request(environ)
        try:
            is_foreign = self._check(request)
        except DeepPredictorError as error:
            return self._refuse(error, environ, start_response)
        headers = self._headers_for(request.headers.get("Origin"))
        if request.method == "OPTIONS":
            return Response(status=204, headers=[*headers, ("Allow", ALLOWED_METHODS)])(environ, start_response)
        if is_foreign:  # other origins show a key or a token: a cookie is sent without their knowing it
            environ = {key: value for key, value in environ.items() if key != "HTTP_COOKIE"}

        def start(status: str, answered: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*answered, *headers], *rest)

        return self._live(environ, start)

    def _check(self, request: Request) -> bool:
        """Whether it comes from another origin that may. Raises ForeignOrigin, RequestInvalid, TooManyWaiting."""
        if self._stopping.is_set() and "sid" not in request.args:  # who is connected is answered, and told
            raise TooManyWaiting
        with self._app.app_context():
            check_open_site(request)
        origin = request.headers.get("Origin")
        is_foreign = origin is not None and not _is_own(request, origin)
        if is_foreign and origin not in self._origins:
            raise ForeignOrigin("Origin")
        if "j" in request.args:
            raise RequestInvalid([("j", "JSONP is not served")])
        if "sid" in request.args and not _SID.fullmatch(request.args["sid"]):
            raise RequestInvalid([("sid", "is no connection's")])
        return is_foreign

    def _headers_for(self, origin: str | None) -> list[tuple[str, str]]:
        if not self._origins:
            return _OWN_HEADERS
        if origin not in self._origins:
            return [*_OWN_HEADERS, ("Vary", "Origin")]
        headers = [header for header in _OWN_HEADERS if header[0] != "Cross-Origin-Resource-Policy"]
        return [
            *headers,
            ("Vary", "Origin"),
            ("Cross-Origin-Resource-Policy", "cross-origin"),
            ("Access-Control-Allow-Origin", str(origin)),
            ("Access-Control-Allow-Methods", ALLOWED_METHODS),
            ("Access-Control-Allow-Headers", ALLOWED_HEADERS),
            ("Access-Control-Max-Age", str(PREFLIGHT_SECONDS)),
        ]

    def _refuse(
        self, error: DeepPredictorError, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        with self._app.request_context(environ):
            response = self._app.process_response(problem_response(error))
        return response(environ, start_response)


def _is_own(request: Request, origin: str) -> bool:
    """A browser knows it, also behind a proxy that changes the Host."""
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site:
        return fetch_site.lower() == "same-origin"
    return is_own_origin(origin, request.headers.get("Host", ""))
