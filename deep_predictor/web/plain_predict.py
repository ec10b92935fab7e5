"""POST /api/v1/predict with a picture, raw or in a form, and a key: past Flask, see `plain_way`.

Plain is: a right key in the header, `store` and `model_name` at most in the address, no Origin, no cookie, no token.
All else, a wrong key too, goes on to Flask. Both ways lead through `predict_body` and `predicting`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from deep_predictor.environment import Application
from deep_predictor.errors import WrongApiKey
from deep_predictor.web.credentials import encoded_key, is_right_key
from deep_predictor.web.load_shedding import PREDICT_PATH
from deep_predictor.web.plain_way import PlainWay, Quick, query_fields
from deep_predictor.web.predict_body import PredictBody, body_of_form, upload_of
from deep_predictor.web.predicting import PREDICT_SECONDS, PredictWait
from deep_predictor.web.upload_form import UploadRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PLAIN_QUERY = re.compile(r"(?:(?:store=[01]|model_name=[A-Za-z0-9._~-]+)(?:&|$))*")
_FORM_TYPE = "multipart/form-data"
_PLAIN_TYPES = ("image/", f"{_FORM_TYPE};")
#: The thread that receives copies no larger body, and none that waitress keeps in a file.
_QUICK_BYTES = 500_000


class PlainPredict(PlainWay):
    """Stands between the load shedder and Flask."""

    method, path = "POST", PREDICT_PATH

    def __init__(self, app: Flask, application: Application, following: Quick) -> None:
        super().__init__(app, following)
        self._application = application
        self._max_bytes = application.main_config.flask_options.max_content_length

    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        length = environ.get("CONTENT_LENGTH", "")
        return (
            environ.get("CONTENT_TYPE", "").startswith(_PLAIN_TYPES)
            and length.isdecimal()
            and 0 < int(length) <= self._max_bytes
            and _PLAIN_QUERY.fullmatch(environ.get("QUERY_STRING", "")) is not None
            and self._has_right_key(environ)
        )

    def _is_quick(self, environ: WSGIEnvironment) -> bool:
        """A raw picture that lies in memory, for a network that is there: its worker does the rest."""
        if environ["CONTENT_TYPE"].startswith(_FORM_TYPE) or int(environ["CONTENT_LENGTH"]) > _QUICK_BYTES:
            return False
        production, main_config = self._application.production, self._application.main_config
        default_name = main_config.production.prediction_options.default_predictor_name
        predictor = production.predictors.get(query_fields(environ).get("model_name") or default_name)
        return predictor is not None and predictor.state == "ready"

    def _begin(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        waiting = self._submit(environ)

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            answered = waiting.answer()
            location = f"/api/v1/predictions/{answered.stored_id}" if answered.stored_id else ""
            return self._answer(start_response, answered.answer, answered.status, location)

        return self._answer_after(waiting, PREDICT_SECONDS, answer, environ, start_response)

    def _has_right_key(self, environ: WSGIEnvironment) -> bool:
        given = environ.get("HTTP_X_API_KEY", "").encode("latin-1", "replace")
        try:
            return is_right_key(given, self._application.production)
        except WrongApiKey:
            return False

    def _submit(self, environ: WSGIEnvironment) -> PredictWait:
        production = self._application.production
        body = self._read_form(environ) if environ["CONTENT_TYPE"].startswith(_FORM_TYPE) else _read_raw(environ)
        return PredictWait(self._application, upload_of(body, production, self._max_bytes))

    def _read_form(self, environ: WSGIEnvironment) -> PredictBody:
        """A key in the form wins over the header's. Raises MissingField, RequestEntityTooLarge, WrongApiKey."""
        body = body_of_form(UploadRequest(environ))
        is_right_key(encoded_key(body.api_key), self._application.production)
        return body


def _read_raw(environ: WSGIEnvironment) -> PredictBody:
    data = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    media_type = environ["CONTENT_TYPE"].partition(";")[0].strip().lower()
    return PredictBody(data, None, media_type, query_fields(environ))
