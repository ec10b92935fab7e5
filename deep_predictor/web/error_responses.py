"""The one table from error classes to HTTP: what forms are answered, and what JSON clients are (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from deep_predictor import errors
from deep_predictor.web.json_format import json_response

PROBLEM_TYPE = "urn:deep-predictor:problem:"
PROBLEM_CONTENT_TYPE = "application/problem+json"

#: Seconds after which it is worth trying again, where the error does not know better.
RETRY_AFTER_SECONDS = 5
#: Texts of errors may repeat what the client sent.
LONGEST_DETAIL = 500

#: As the text of a form: what the error itself says.
OWN_TEXT = ""
TOO_LARGE_TEXT = "Your image is too large"
_TRY_AGAIN = "Something went wrong please try again"
_BUSY = "The server is busy, please try again"


@dataclass(frozen=True)
class ErrorRow:
    """`form_status` and `form_text` are the contract's; `status` and `title` go to JSON clients.

    `tells_detail`: the error's own text is for the client too. `asks_again`: the upload page is shown again.
    """

    form_status: int
    form_text: str
    status: int
    title: str
    tells_detail: bool = False
    asks_again: bool = False
    retry: bool = False


ERROR_TABLE: dict[type[errors.DeepPredictorError], ErrorRow] = {
    errors.MissingField: ErrorRow(400, "Unknown key received from form", 422, "A required field is missing", True),
    errors.EmptyField: ErrorRow(
        400, "Required form elements are empty", 422, "A required field is empty", True, asks_again=True
    ),
    errors.InvalidUploadBody: ErrorRow(400, _TRY_AGAIN, 422, "The body cannot be read as an upload", True),
    errors.WrongApiKey: ErrorRow(400, "Api key is incorrect", 401, "The api key is wrong"),
    errors.NoCredential: ErrorRow(400, "Recaptcha or api key is not provided", 401, "A credential is needed"),
    errors.ForeignOrigin: ErrorRow(
        403, "Uploads without a key are for this machine's own pages", 403, "Another site may not do this here", True
    ),
    errors.RecaptchaRefused: ErrorRow(
        400,
        "The check that you are not a robot was not passed, please try again",
        403,
        "The recaptcha answer was refused",
        asks_again=True,
    ),
    errors.RecaptchaUnreachable: ErrorRow(
        503,
        "The check that you are not a robot cannot be reached, please try again later",
        503,
        "The recaptcha service is out of reach",
        asks_again=True,
        retry=True,
    ),
    errors.InvalidPredictionId: ErrorRow(400, _TRY_AGAIN, 422, "The prediction_id is not valid", True),
    errors.UnknownPredictor: ErrorRow(400, "This predictor is not exists", 422, "There is no such predictor", True),
    errors.UnsupportedExtension: ErrorRow(
        400, "Your image extension is not supported", 415, "The image's extension is not supported", True
    ),
    errors.VideoSupportMissing: ErrorRow(
        400, "Your image extension is not supported", 415, "Videos need a library that is not installed", True
    ),
    errors.VideoNotTakenHere: ErrorRow(
        400, "Your image extension is not supported", 415, "This address takes pictures only", True
    ),
    errors.VideoTooLarge: ErrorRow(413, OWN_TEXT, 413, "The video is too large", True),
    errors.VideoTooLong: ErrorRow(400, OWN_TEXT, 413, "The video is too long", True),
    errors.VideoFrameTooLarge: ErrorRow(400, OWN_TEXT, 413, "The video's frames are too large", True),
    errors.PredictionIdUsed: ErrorRow(500, _TRY_AGAIN, 409, "The prediction_id was already used"),
    errors.ImageUnreadable: ErrorRow(400, "Your image is not supported", 415, "The image cannot be read"),
    errors.VideoUnreadable: ErrorRow(400, "Your image is not supported", 415, "The video cannot be read"),
    errors.QueueFull: ErrorRow(503, _BUSY, 503, "The predictor's queue is full", retry=True),
    errors.TooManyWaiting: ErrorRow(503, _BUSY, 503, "Too many requests are waiting", retry=True),
    errors.DatabaseBusy: ErrorRow(503, _BUSY, 503, "The database is busy", retry=True),
    errors.PredictionNotFound: ErrorRow(404, "There is no such prediction", 404, "There is no such prediction"),
    errors.ImageNotStored: ErrorRow(500, _TRY_AGAIN, 500, "The image could not be stored or removed"),
    errors.RequestInvalid: ErrorRow(422, _TRY_AGAIN, 422, "The request does not fit what this address takes", True),
    errors.NotFound: ErrorRow(404, "There is no such page", 404, "There is no such thing", True),
    errors.TrainingJobNotFound: ErrorRow(404, "There is no such page", 404, "There is no such job", True),
    errors.NameTaken: ErrorRow(409, "The name is taken", 409, "The name is taken", True),
    errors.NotExplainable: ErrorRow(
        409, "This prediction cannot be explained", 409, "This prediction cannot be explained", True
    ),
    errors.StateConflict: ErrorRow(409, _TRY_AGAIN, 409, "This does not fit how things stand", True),
    errors.TrainingJobNotResumable: ErrorRow(409, _TRY_AGAIN, 409, "The job cannot be resumed", True),
    errors.ContentRefused: ErrorRow(422, _TRY_AGAIN, 422, "What was sent cannot be used", True),
    errors.TooLarge: ErrorRow(413, "What was sent is too large", 413, "What was sent is too large", True),
    errors.ConfigError: ErrorRow(422, _TRY_AGAIN, 422, "The settings are wrong", True),
    errors.LoginNeeded: ErrorRow(401, "Please log in", 401, "A login or a token is needed"),
    errors.CredentialRefused: ErrorRow(401, "The login or token is not valid", 401, "The login or token is not valid"),
    errors.NotPermitted: ErrorRow(403, "You may not do this", 403, "This is not permitted", True),
    errors.CsrfTokenMissing: ErrorRow(400, _TRY_AGAIN, 400, "The CSRF token is missing or wrong", True),
    errors.TooManyAttempts: ErrorRow(
        429, "Too many attempts, please try again later", 429, "Too many wrong attempts", True, retry=True
    ),
}

_UNEXPECTED = ErrorRow(500, _TRY_AGAIN, 500, "Something went wrong")

#: The test environment's own texts.
_TEST_TEXTS: dict[type[errors.DeepPredictorError], str] = {errors.WrongApiKey: "test api key is incorrect"}

#: Statuses that werkzeug raises: (code of the problem, text for people).
HTTP_ERRORS: dict[int, tuple[str, str]] = {
    400: ("bad_request", _TRY_AGAIN),
    403: ("forbidden", "This is not allowed"),
    404: ("not_found", "There is no such page"),
    405: ("method_not_allowed", "This address does not take that kind of request"),
    413: ("too_large", TOO_LARGE_TEXT),
    415: ("unsupported_media_type", "This kind of content is not supported"),
    416: ("range_not_satisfiable", "The picture has no such part"),
    500: ("internal_error", _TRY_AGAIN),
}


def row_of(error: errors.DeepPredictorError) -> ErrorRow:
    """The table's row for an error; a class that is not in it is answered like its nearest ancestor, or 500."""
    for error_class in type(error).__mro__:
        if error_class in ERROR_TABLE:
            return ERROR_TABLE[error_class]
    return _UNEXPECTED


def form_error(error: errors.DeepPredictorError, environment_name: str = "production") -> tuple[int, str]:
    """(HTTP status, text) for a form and for clients that do not ask for JSON."""
    row = row_of(error)
    if environment_name == "test":
        return row.form_status, _TEST_TEXTS.get(type(error), row.form_text or str(error))
    return row.form_status, row.form_text or str(error)


def http_error(error: HTTPException) -> tuple[int, str, str]:
    """(HTTP status, code, text) of an error that Flask or werkzeug raised."""
    status = error.code or 500
    code, text = HTTP_ERRORS.get(status, (f"http_{status}", error.name))
    return status, code, text


def problem_response(error: errors.DeepPredictorError | HTTPException) -> Response:
    """The error as application/problem+json."""
    if isinstance(error, HTTPException):
        status, code, text = http_error(error)
        return problem(status, code, text if isinstance(error, RequestEntityTooLarge) else error.name)
    row = row_of(error)
    code = error.code if row is not _UNEXPECTED else "internal_error"
    more: dict[str, Any] = {}
    if row.tells_detail:
        more["detail"] = str(error)[:LONGEST_DETAIL]
    if isinstance(error, errors.MissingField | errors.EmptyField):
        more["field"] = error.field
    if isinstance(error, errors.RequestInvalid):
        more["problems"] = [{"where": where, "what": what} for where, what in error.problems]
    response = problem(row.status, code, row.title, more)
    add_headers(response, error)
    return response


def problem(status: int, code: str, title: str, more: Mapping[str, Any] | None = None) -> Response:
    """One problem document. `code` is what programs look at."""
    body = {"type": PROBLEM_TYPE + code, "title": title, "status": status, "code": code, **(more or {})}
    response = json_response(body, status, PROBLEM_CONTENT_TYPE)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer, ApiKey header="X-API-Key"'
    return response


def add_headers(response: Response, error: errors.DeepPredictorError) -> None:
    """Retry-After, for errors that go away."""
    if row_of(error).retry:
        response.headers["Retry-After"] = str(getattr(error, "retry_after_seconds", RETRY_AFTER_SECONDS))
