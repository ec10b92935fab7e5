"""The body of POST /api/v1/predict: a form, a raw picture, or JSON with base64 or a data URI."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from flask import Request, g
from werkzeug.exceptions import RequestEntityTooLarge

from deep_predictor.config.main_config import ProductionConfig
from deep_predictor.environment import Environment
from deep_predictor.errors import InvalidUploadBody, MissingField
from deep_predictor.predictions.submitting import Upload
from deep_predictor.web.upload_form import API_KEY_FIELD, require_filled

#: Letters of the ids that the server makes.
ID_LETTERS = string.ascii_letters + string.digits
#: Characters of a data URI before its data: a media type and `base64`.
LONGEST_URI_HEAD = 200
#: Bytes of a JSON body that are not the picture.
JSON_SLACK_BYTES = 64 * 1024

#: What the client calls its picture's type -> the extensions that may be configured for it.
MEDIA_TYPE_EXTENSIONS: dict[str, tuple[str, ...]] = {
    "image/jpeg": ("jpg", "jpeg"),
    "image/jpg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "image/bmp": ("bmp",),
    "image/x-ms-bmp": ("bmp",),
    "image/gif": ("gif",),
    "image/heic": ("heic", "heif"),
    "image/heif": ("heic", "heif"),
    "image/webp": ("webp",),
}

_STORE_WORDS = {"0": False, "false": False, "1": True, "true": True, "": True}


@dataclass(frozen=True)
class PredictBody:
    """What was sent, not yet checked. `image` is text where it is base64 or a data URI."""

    image: bytes | str
    #: None for a body that has no place for a file name.
    filename: str | None
    media_type: str
    fields: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A field's text, "" where it is absent. Raises InvalidUploadBody when it is no text."""
        value = self.fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InvalidUploadBody(f"{name} must be a string")
        return value

    @property
    def api_key(self) -> str:
        return self.text(API_KEY_FIELD)


def read_predict_body(request: Request, max_image_bytes: int) -> PredictBody:
    """Read the body once a request. Raises MissingField, InvalidUploadBody, RequestEntityTooLarge."""
    body: PredictBody | None = g.get("predict_body")
    if body is None:
        body = g.predict_body = _read(request, max_image_bytes)
    return body


def parse_predict(request: Request, environment: Environment, max_image_bytes: int) -> Upload:
    """The upload of a body whose credential the route's access rule has checked.

    An absent or empty model name means the default predictor, an absent or empty id is made here. Raises MissingField,
    EmptyField, InvalidUploadBody, RequestEntityTooLarge.
    """
    return upload_of(read_predict_body(request, max_image_bytes), environment, max_image_bytes)


def upload_of(body: PredictBody, environment: Environment, max_image_bytes: int) -> Upload:
    """As `parse_predict`, of a body that was read."""
    config = environment.config
    default_name = ""
    if isinstance(config, ProductionConfig):
        default_name = config.prediction_options.default_predictor_name
    if body.filename is not None:
        require_filled(image=body.filename)
    require_filled(image=body.image)
    image_bytes, media_type = _image_bytes(body)
    if len(image_bytes) > max_image_bytes:
        raise RequestEntityTooLarge
    return Upload(
        predictor_name=body.text("model_name") or default_name,
        prediction_id=body.text("prediction_id") or make_id(config.api_options.prediction_id_length),
        filename=_filename(body.filename or "", media_type, config.upload_options.supported_extensions),
        image_bytes=image_bytes,
        store=_store(body),
        has_new_id=not body.text("prediction_id"),
    )


def make_id(length: int) -> str:
    """A prediction_id that nobody can guess: letters and digits, each as likely as any other."""
    made = ""
    fair = 256 - 256 % len(ID_LETTERS)
    while len(made) < length:  # one call of the system for many characters
        made += "".join(ID_LETTERS[byte % len(ID_LETTERS)] for byte in secrets.token_bytes(2 * length) if byte < fair)
    return made[:length]


def _read(request: Request, max_image_bytes: int) -> PredictBody:
    if request.mimetype == "multipart/form-data":
        return body_of_form(request)
    if request.mimetype == "application/json":
        return _read_json(request, max_image_bytes)
    fields = _query_fields(request)
    return PredictBody(request.get_data(), fields.get("filename") or None, request.mimetype, fields)


def body_of_form(request: Request) -> PredictBody:
    """Raises MissingField, RequestEntityTooLarge."""
    image = request.files.get("image")
    if image is None:
        raise MissingField("image")
    fields = {**_query_fields(request), **request.form.to_dict()}
    return PredictBody(image.read(), image.filename or "", image.mimetype, fields)


def _query_fields(request: Request) -> dict[str, str]:
    """Addresses end up in logs, so a key in one is not taken."""
    return {name: value for name, value in request.args.items() if name != API_KEY_FIELD}


def _read_json(request: Request, max_image_bytes: int) -> PredictBody:
    request.max_content_length = max_image_bytes * 4 // 3 + JSON_SLACK_BYTES
    try:
        fields = json.loads(request.get_data())
    except (ValueError, RecursionError):
        raise InvalidUploadBody("it is not JSON in UTF-8") from None
    if not isinstance(fields, dict):
        raise InvalidUploadBody("it must be a JSON object")
    image = fields.get("image")
    if image is None:
        raise MissingField("image")
    if not isinstance(image, str):
        raise InvalidUploadBody("image must be a string: base64, or a data URI")
    body = PredictBody(image, None, "", {key: value for key, value in fields.items() if key != "image"})
    return PredictBody(image, body.text("filename") or None, "", body.fields)


def _image_bytes(body: PredictBody) -> tuple[bytes, str]:
    """The picture and its media type."""
    if isinstance(body.image, bytes):
        return body.image, body.media_type
    return image_of_text(body.image, body.media_type)


def image_of_text(text: str, media_type: str = "") -> tuple[bytes, str]:
    """A picture sent as base64 or as a data URI, and its media type where that says it. Raises InvalidUploadBody."""
    if text[:5].lower() == "data:":
        head, comma, text = text[5:].partition(",")
        if len(head) > LONGEST_URI_HEAD:
            raise InvalidUploadBody("the head of the image's data URI is too long")
        media_type, *parameters = (part.strip().lower() for part in head.split(";"))
        if not comma or "base64" not in parameters:
            raise InvalidUploadBody("the image's data URI must be data:<type>;base64,<data>")
    try:
        return base64.b64decode("".join(text.split()), validate=True), media_type
    except (binascii.Error, ValueError):
        raise InvalidUploadBody("the image is not base64") from None


def _filename(filename: str, media_type: str, supported: tuple[str, ...]) -> str:
    """A name whose extension says what the client says of the picture.

    Where it says nothing, an extension that is supported: the picture is decoded by its content in any case.
    """
    if PurePosixPath(filename.replace("\\", "/")).suffix:
        return filename
    if media_type.startswith("video/"):
        return "video.mp4"
    candidates = MEDIA_TYPE_EXTENSIONS.get(media_type.lower())
    if candidates is None and media_type.startswith("image/"):
        candidates = (media_type.removeprefix("image/"),)
    extension = next((one for one in candidates or supported if one in supported), (candidates or ("",))[0])
    return f"image.{extension}"


def _store(body: PredictBody) -> bool:
    value = body.fields.get("store", "")
    word = str(int(value)) if isinstance(value, bool) else str(value).lower()
    if word not in _STORE_WORDS:
        raise InvalidUploadBody("store must be 0 or 1")
    return _STORE_WORDS[word]
