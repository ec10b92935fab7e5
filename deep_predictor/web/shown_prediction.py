"""Gathers what the page of a stored prediction shows, from its row, its files and its predictor."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlencode

from flask import url_for

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.environment import Environment
from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.masks import read_palette
from deep_predictor.images.palette import class_colours, colours_by_name, hexadecimal
from deep_predictor.images.result_files import MASK
from deep_predictor.images.video_container import EXTENSIONS
from deep_predictor.results import VIDEO_KINDS, PredictionStatus
from deep_predictor.web.drawn_results import shown_names
from deep_predictor.web.json_format import answer_of
from deep_predictor.web.model_cards import model_title
from deep_predictor.web.result_page import ImageKept, PageAddresses, ResultPage, Seen, result_page
from deep_predictor.web.stored_image import find_image

_VIDEO_SUFFIXES = frozenset(f".{extension}" for family in EXTENSIONS.values() for extension in family)


def shown_prediction(
    environment: Environment, record: PredictionRecord, addresses: PageAddresses, *, may_cancel: bool
) -> ResultPage:
    """`may_cancel`: whether whoever looks may delete it without a key."""
    seen = Seen(
        model_title=model_title(environment, record.predictor_name) or str(record.model_info.get("method", "")),
        image_kept=_image_kept(environment, record),
        media="video" if is_video(record) else "picture",
        colours=_colours(environment, record),
        may_cancel=may_cancel,
    )
    return result_page(answer_of(record, environment), addresses, seen)


def page_addresses(environment: Environment, prediction_id: str, endpoint: str) -> PageAddresses:
    query = urlencode({environment.config.api_options.get_prediction_endpoint: prediction_id})
    return PageAddresses(
        api=f"{url_for('api.answer')}?{query}",
        image=url_for("api_v1.image", prediction_id=prediction_id),
        page=url_for(endpoint, prediction_id=prediction_id),
        prediction=url_for("api_v1.prediction", prediction_id=prediction_id),
    )


def is_video(record: PredictionRecord) -> bool:
    """By its result, or while there is none by its file's name."""
    suffix = PurePosixPath(record.image_path or "").suffix.lower()
    return record.result_kind in VIDEO_KINDS or suffix in _VIDEO_SUFFIXES


def _image_kept(environment: Environment, record: PredictionRecord) -> ImageKept:
    if find_image(environment, record):
        return "yes"
    return "unknown" if record.status == PredictionStatus.ACCEPTED else "no"


def _colours(environment: Environment, record: PredictionRecord) -> dict[Any, str]:
    """Those that pictures and videos of it are drawn in: by class index of a mask, else by class name."""
    if record.status != PredictionStatus.DONE:
        return {}
    if any("share" in item for item in record.items):
        return _mask_colours(environment, record)
    names = shown_names(environment, record)
    if record.result_kind not in VIDEO_KINDS:
        table = colours_by_name(names)
    else:
        predictor = environment.predictors.get(record.predictor_name or "")
        if predictor is None or predictor.task == "classification":
            return {}
        table = colours_by_name(names, predictor.background_index)
    return {name: hexadecimal(colour) for name, colour in table.items()}


def _mask_colours(environment: Environment, record: PredictionRecord) -> dict[Any, str]:
    """The mask's own; where it is gone, those that its predictor's names give."""
    path = environment.results.find(record.prediction_id, MASK)
    try:
        table = read_palette(path) if path else None
    except ImageUnreadable:
        table = None
    if table is None:
        predictor = environment.predictors.get(record.predictor_name or "")
        table = class_colours(
            shown_names(environment, record), predictor.background_index if predictor is not None else None
        )
    return {index: hexadecimal(colour) for index, colour in enumerate(table)}
