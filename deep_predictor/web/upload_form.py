"""The form of /upload and /test-upload: read in the contract's order, and submitted as a picture or a video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from deep_predictor.config.main_config import ProductionConfig
from deep_predictor.environment import Environment
from deep_predictor.errors import EmptyField, MissingField, VideoTooLarge
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.submitting import Upload, submit_upload
from deep_predictor.predictions.submitting_video import VideoUpload, is_video_name, submit_video

API_KEY_FIELD = "api_key"
RECAPTCHA_FIELD = "g-recaptcha-response"
#: Of a form, beside its file: other fields, and what stands between the parts.
FORM_SLACK_BYTES = 1024 * 1024
#: Of a form that is too large for memory: each of its files holds one open.
_MAX_LARGE_PARTS = 20


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


def read_form(request: Request, environment: Environment) -> UploadForm:
    """Raises MissingField, VideoTooLarge, and werkzeug's RequestEntityTooLarge. What else the form holds is ignored."""
    is_large = _is_large(request)
    if is_large:
        _prepare_for_video(request, environment)
    image = request.files.get("image")
    if is_large:
        _check_is_video(image, environment)
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


def submit_form(request: Request, environment: Environment) -> Job:
    """Submit the form of a request whose credential the route's access rule has checked.

    An empty model name means production's default predictor. Raises MissingField, EmptyField, and what `submit_upload`
    or `submit_video` raises.
    """
    form = read_form(request, environment)
    config, filename = environment.config, form.image.filename or ""
    default_name = ""
    if isinstance(config, ProductionConfig):
        default_name = config.prediction_options.default_predictor_name
    model_name = form.model_name or default_name
    require_filled(image=filename, prediction_id=form.prediction_id, model_name=model_name)
    if is_video_name(environment, filename):
        return submit_video(environment, VideoUpload(model_name, form.prediction_id, filename, form.image.stream))
    return submit_upload(environment, Upload(model_name, form.prediction_id, filename, form.image.read()))


def video_body_bytes(environment: Environment) -> int:
    """The largest body that a form with a video may have; 0 where none is taken."""
    options = environment.config.upload_options
    return options.max_video_bytes + FORM_SLACK_BYTES if options.supported_video_extensions else 0


def _is_large(request: Request) -> bool:
    """Whether it says itself that it is larger than a picture's form may be."""
    usual_bytes, length = request.max_content_length, request.content_length
    return usual_bytes is not None and length is not None and length > usual_bytes


def _prepare_for_video(request: Request, environment: Environment) -> None:
    """Let a large form be read, its files to the disk: only that tells whether it holds a video."""
    assert isinstance(request, UploadRequest)
    request.max_content_length = max(request.max_content_length or 0, video_body_bytes(environment))
    request.max_form_parts = _MAX_LARGE_PARTS
    request.open_file = environment.images.open_spool


def _check_is_video(image: FileStorage | None, environment: Environment) -> None:
    if image is None or not is_video_name(environment, image.filename or ""):
        raise RequestEntityTooLarge
    limit = environment.config.upload_options.max_video_bytes
    size = image.stream.seek(0, 2)
    image.stream.seek(0)
    if size > limit:
        raise VideoTooLarge(limit)


def require_filled(**fields: str | bytes) -> None:
    """Raises EmptyField for the first that is empty."""
    for name, value in fields.items():
        if not value:
            raise EmptyField(name)
