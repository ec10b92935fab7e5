"""The form of /upload and /test-upload: read in the contract's order, and turned into an `Upload`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from flask import Request
from werkzeug.datastructures import FileStorage

from deep_predictor.config.main_config import ProductionConfig
from deep_predictor.environment import Environment
from deep_predictor.errors import EmptyField, MissingField
from deep_predictor.predictions.submitting import Upload

API_KEY_FIELD = "api_key"
RECAPTCHA_FIELD = "g-recaptcha-response"


class UploadRequest(Request):
    """Keeps a form's files in memory, where they are read to in any case; so a broken form leaves no temp file.

    `open_file`: another place for them, for routes that take what is large.
    """

    open_file: Callable[[], IO[bytes]] = BytesIO

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return self.open_file()


@dataclass(frozen=True)
class UploadForm:
    """The fields as they were sent. Credentials are "" where they are absent or empty."""

    image: FileStorage
    model_name: str
    prediction_id: str
    api_key: str
    recaptcha_answer: str


def read_form(request: Request) -> UploadForm:
    """Raises MissingField, and werkzeug's RequestEntityTooLarge. What else the form holds is ignored."""
    image = request.files.get("image")
    if image is None:
        raise MissingField("image")
    for field in ("model_name", "prediction_id"):
        if field not in request.form:
            raise MissingField(field)
    return UploadForm(
        image=image,
        model_name=request.form["model_name"],
        prediction_id=request.form["prediction_id"],
        api_key=request.form.get(API_KEY_FIELD, ""),
        recaptcha_answer=request.form.get(RECAPTCHA_FIELD, ""),
    )


def parse_upload(request: Request, environment: Environment) -> Upload:
    """The upload of a form whose credential the route's access rule has checked.

    An empty model name means production's default predictor. Raises MissingField, EmptyField.
    """
    form = read_form(request)
    config = environment.config
    default_name = ""
    if isinstance(config, ProductionConfig):
        default_name = config.prediction_options.default_predictor_name
    upload = Upload(
        predictor_name=form.model_name or default_name,
        prediction_id=form.prediction_id,
        filename=form.image.filename or "",
        image_bytes=form.image.read(),
    )
    require_filled(image=upload.filename, prediction_id=upload.prediction_id, model_name=upload.predictor_name)
    return upload


def require_filled(**fields: str | bytes) -> None:
    """Raises EmptyField for the first that is empty."""
    for name, value in fields.items():
        if not value:
            raise EmptyField(name)
