"""Sends videos and what was seen on their frames, in parts where a player asks for parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Response, send_file

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.environment import Environment
from deep_predictor.errors import PredictionNotFound
from deep_predictor.images.result_files import FRAMES, ORIGINAL_VIDEO, VIDEO
from deep_predictor.images.video import is_video_supported
from deep_predictor.results import VIDEO_KINDS
from deep_predictor.web.stored_image import find_image
from deep_predictor.web.wire_models import JSON_LINES

#: A video that is opened as a page can do nothing but play.
VIDEO_POLICY = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
#: Of what is kept as it was sent. Browsers play a .mov of H.264 only when it is called an MP4.
_MEDIA_TYPES = {
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mov": "video/mp4",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
}


def video_limits(environment: Environment) -> dict[str, Any]:
    """What a client has to know before it sends one."""
    options = environment.config.upload_options
    return {
        "supported_video_extensions": list(options.supported_video_extensions) if is_video_supported() else [],
        "max_video_bytes": options.max_video_bytes,
        "max_video_seconds": options.max_video_seconds,
    }


def video_response(environment: Environment, record: PredictionRecord, original: bool) -> Response:
    """Raises PredictionNotFound where there is no such video, or not yet."""
    path = _find_original(environment, record) if original else _find_result(environment, record, VIDEO)
    return _sent(record, path, _MEDIA_TYPES.get(path.suffix.lstrip(".").lower(), "") if path else "")


def frames_response(environment: Environment, record: PredictionRecord) -> Response:
    """Raises PredictionNotFound where there are none, or not yet."""
    return _sent(record, _find_result(environment, record, FRAMES), JSON_LINES)


def _find_original(environment: Environment, record: PredictionRecord) -> Path | None:
    """The form of the upload that browsers play, else the upload."""
    return _find_result(environment, record, ORIGINAL_VIDEO) or find_image(environment, record)


def _find_result(environment: Environment, record: PredictionRecord, name: str) -> Path | None:
    return environment.results.find(record.prediction_id, name) if record.result_kind in VIDEO_KINDS else None


def _sent(record: PredictionRecord, path: Path | None, media_type: str) -> Response:
    if path is None or not media_type:
        raise PredictionNotFound(record.prediction_id)
    try:
        response = send_file(path, mimetype=media_type, conditional=True, max_age=0)
    except OSError:  # gone since it was looked up
        raise PredictionNotFound(record.prediction_id) from None
    response.headers["Content-Security-Policy"] = VIDEO_POLICY
    response.headers["Cache-Control"] = "private, no-cache"
    return response
