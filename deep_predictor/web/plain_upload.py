"""POST /upload with a right key in the form, by a client that asks for JSON: past Flask, see `plain_way`.

The form is read to see the key. With none, or a wrong one, Flask reads it again, which knows the other credentials.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from deep_predictor.environment import Application
from deep_predictor.errors import WrongApiKey
from deep_predictor.web.credentials import encoded_key, is_right_key
from deep_predictor.web.json_format import accepted_answer
from deep_predictor.web.plain_way import PlainWay, Quick
from deep_predictor.web.upload_form import UploadRequest, read_form, submit_form

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class PlainUpload(PlainWay):
    """Pictures, whose forms lie in memory; a video's form is larger."""

    method, path = "POST", "/upload"

    def __init__(self, app: Flask, application: Application, following: Quick) -> None:
        super().__init__(app, following)
        self._production, self._options = application.production, application.main_config.production.upload_options
        self._max_bytes = application.main_config.flask_options.max_content_length

    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        length = environ.get("CONTENT_LENGTH", "")
        return (
            environ.get("HTTP_ACCEPT") == "application/json"
            and environ.get("CONTENT_TYPE", "").startswith("multipart/form-data;")
            and length.isdecimal()
            and 0 < int(length) <= self._max_bytes
            and not environ.get("QUERY_STRING")
            and not self._options.open_uploads
            and _can_be_read_again(environ)
        )

    def _is_quick(self, environ: WSGIEnvironment) -> bool:
        return False

    def _begin(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start = environ["wsgi.input"].tell()
        request = UploadRequest(environ, populate_request=False)
        if not self._has_right_key(request):
            environ["wsgi.input"].seek(start)
            return self._following(environ, start_response)
        job = submit_form(request, self._production)
        return self._answer(start_response, accepted_answer(job), 201)

    def _has_right_key(self, request: UploadRequest) -> bool:
        """Raises MissingField, RequestEntityTooLarge."""
        try:
            return is_right_key(encoded_key(read_form(request, self._production).api_key), self._production)
        except WrongApiKey:
            return False


def _can_be_read_again(environ: WSGIEnvironment) -> bool:
    seekable = getattr(environ["wsgi.input"], "seekable", None)
    return seekable is not None and bool(seekable())
