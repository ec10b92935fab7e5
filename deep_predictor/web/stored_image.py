"""Sends pictures: only from the configured folders, with its decoded type, never as what could run."""

from __future__ import annotations

from pathlib import Path

from flask import Response, send_file

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.environment import Environment
from deep_predictor.errors import NotFound, PredictionNotFound
from deep_predictor.images.decoding import content_type

#: A picture that is opened as a page can do nothing at all.
IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


def image_response(environment: Environment, record: PredictionRecord) -> Response:
    """Raises PredictionNotFound when the picture was not kept, or lies where this server keeps none."""
    path = find_image(environment, record)
    if path is None:
        raise PredictionNotFound(record.prediction_id)
    try:
        return picture_response(path)
    except NotFound:
        raise PredictionNotFound(record.prediction_id) from None


def picture_response(path: Path) -> Response:
    """A picture that this server keeps. Raises NotFound for what is no picture by its name, and one that is gone."""
    media_type = content_type(path.suffix.lstrip("."))
    if not media_type.startswith("image/"):
        raise NotFound("picture", path.name)
    try:
        response = send_file(path, mimetype=media_type, conditional=True, max_age=0)
    except OSError:  # gone since it was looked up
        raise NotFound("picture", path.name) from None
    response.headers["Content-Security-Policy"] = IMAGE_POLICY
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def find_image(environment: Environment, record: PredictionRecord) -> Path | None:
    """Where the picture lies, None where there is none. A row may have been written by an older version, or by hand."""
    if not record.image_path or "\x00" in record.image_path:
        return None
    try:
        path = (environment.root / record.image_path).resolve()
        is_kept = path.is_file() and any(path.is_relative_to(folder.resolve()) for folder in _folders(environment))
    except (OSError, RuntimeError):
        return None
    return path if is_kept else None


def _folders(environment: Environment) -> list[Path]:
    main_folders = [p.main_folder for p in environment.predictors.values() if p.main_folder]
    return [environment.config.path_options.temp_save_path, *main_folders]
