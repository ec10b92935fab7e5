"""POST /api/v1/predict with a picture, raw or in a form, and a key: answered past Flask: it took a tenth of the cores.

Only what is plain goes this way: a right key in the header, `store` and `model_name` at most in the address, no Origin,
no cookie, no token. All else, a wrong key too, goes on to Flask. Both ways lead through `predict_body` and
`predict_upload`; an error is answered by Flask's handlers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from deep_predictor.environment import Application
from deep_predictor.errors import WrongApiKey
from deep_predictor.web.credentials import encoded_key, is_right_key
from deep_predictor.web.json_format import encoded, json_response
from deep_predictor.web.load_shedding import PREDICT_PATH
from deep_predictor.web.predict_body import PredictBody, body_of_form, upload_of
from deep_predictor.web.predicting import Answered, predict_upload
from deep_predictor.web.upload_form import UploadRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PLAIN_QUERY = re.compile(r"(?:(?:store=[01]|model_name=[A-Za-z0-9._~-]+)(?:&|$))*")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?")
_FORM_TYPE = "multipart/form-data"
_PLAIN_TYPES = ("image/", f"{_FORM_TYPE};")
#: With one of these a request is none of the plain ones.
_STRANGERS = ("HTTP_ORIGIN", "HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_ENCODING")
_STATUS_LINES = {200: "200 OK", 202: "202 ACCEPTED"}


class PlainPredict:
    """Stands between the load shedder and Flask."""

    def __init__(self, app: Flask, application: Application, following: WSGIApplication) -> None:
        self._app, self._application, self._following = app, application, following
        self._max_bytes = application.main_config.flask_options.max_content_length
        with app.test_request_context(PREDICT_PATH, method="POST"):
            response = app.process_response(json_response({}))
        self._headers = [(name, value) for name, value in response.headers if name != "Content-Length"]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self._is_plain(environ):
            return self._following(environ, start_response)
        try:
            answered = self._predict(environ)
        except Exception as error:  # answered, and logged, as if a view had raised it
            return self._answer_error(error, environ, start_response)
        body = encoded(answered.answer)
        headers = [*self._headers, ("Content-Length", str(len(body)))]
        if answered.stored_id:
            headers.append(("Location", f"/api/v1/predictions/{answered.stored_id}"))
        start_response(_STATUS_LINES[answered.status], headers)
        return [body]

    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        length = environ.get("CONTENT_LENGTH", "")
        return (
            environ["PATH_INFO"] == PREDICT_PATH
            and environ["REQUEST_METHOD"] == "POST"
            and not environ.get("SCRIPT_NAME")
            and environ.get("CONTENT_TYPE", "").startswith(_PLAIN_TYPES)
            and not any(name in environ for name in _STRANGERS)
            and length.isdecimal()
            and 0 < int(length) <= self._max_bytes
            and _PLAIN_QUERY.fullmatch(environ.get("QUERY_STRING", "")) is not None
            and _PLAIN_HOST.fullmatch(environ.get("HTTP_HOST", "")) is not None
            and self._has_right_key(environ)
        )

    def _has_right_key(self, environ: WSGIEnvironment) -> bool:
        given = environ.get("HTTP_X_API_KEY", "").encode("latin-1", "replace")
        try:
            return is_right_key(given, self._application.production)
        except WrongApiKey:
            return False

    def _predict(self, environ: WSGIEnvironment) -> Answered:
        production = self._application.production
        body = self._read_form(environ) if environ["CONTENT_TYPE"].startswith(_FORM_TYPE) else _read_raw(environ)
        return predict_upload(self._application, upload_of(body, production, self._max_bytes))

    def _read_form(self, environ: WSGIEnvironment) -> PredictBody:
        """A key in the form wins over the header's. Raises MissingField, RequestEntityTooLarge, WrongApiKey."""
        body = body_of_form(UploadRequest(environ))
        is_right_key(encoded_key(body.api_key), self._application.production)
        return body

    def _answer_error(
        self, error: Exception, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        with self._app.request_context(environ):
            try:
                value = self._app.handle_user_exception(error)
            except Exception as unexpected:
                response = self._app.handle_exception(unexpected)
            else:
                response = self._app.finalize_request(value)
            return response(environ, start_response)


def _read_raw(environ: WSGIEnvironment) -> PredictBody:
    query = environ.get("QUERY_STRING", "")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    fields = {name: value for name, _, value in reversed(list(pairs))}  # of two, the first counts
    data = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return PredictBody(data, None, environ["CONTENT_TYPE"].partition(";")[0].strip().lower(), fields)
