"""What a prediction found, drawn: boxes or a mask over its picture, and the mask by itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from flask import Response

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.environment import Environment
from deep_predictor.errors import ImageUnreadable, NotFound, PredictionNotFound, StateConflict, TooManyWaiting
from deep_predictor.images.decoding import EXTENSION_FORMATS, DecodedImage, decode_image
from deep_predictor.images.drawing import draw_detections, encode_drawn, lay_mask
from deep_predictor.images.masks import compressed_counts, polygons_of, read_mask, refuse_noise, run_lengths
from deep_predictor.images.palette import colours_by_name, hexadecimal
from deep_predictor.images.result_files import MASK
from deep_predictor.images.thumbnails import encode_thumbnail
from deep_predictor.predictions.waiting import WorkPlaces
from deep_predictor.results import PredictionStatus
from deep_predictor.web.current import current_application
from deep_predictor.web.json_format import json_response
from deep_predictor.web.stored_image import IMAGE_POLICY, find_image, image_response, picture_response
from deep_predictor.web.wire_models import MaskFormat

logger = logging.getLogger(__name__)

#: Drawing takes a core and much memory: so many at a time, and who waits longer is told to come again.
_PLACES = WorkPlaces.one_a_core()
_WAIT_SECONDS = 20.0
#: Pixels of a thumbnail's longest side, at most.
THUMBNAIL_SIDE = 320


def annotated_response(
    environment: Environment, record: PredictionRecord, opacity: float, classes: frozenset[int] | None
) -> Response:
    """The picture with boxes and labels, as JPEG where it is one, else as PNG; or with its mask, as PNG.

    `classes`: only these are drawn; None: all but the background. Raises StateConflict where there is nothing to draw,
    PredictionNotFound or NotFound where the picture or the mask is gone, TooManyWaiting.
    """
    if record.status != PredictionStatus.DONE:
        raise StateConflict("nothing_to_draw", "the prediction has no result yet, or failed")
    has_mask = record.result_kind == "mask"
    if not (has_mask or _is_detection(environment, record)):
        raise StateConflict("nothing_to_draw", "only detections and segmentations of pictures can be drawn")
    with _drawing(record):
        decoded = _picture(environment, record)
        if has_mask:
            drawn, extension = _with_mask(environment, record, decoded.pixels, opacity, classes), "png"
        else:
            drawn, extension = _with_boxes(environment, record, decoded.pixels, classes), decoded.extension
        body, media_type = encode_drawn(drawn, extension)
    response = Response(body, mimetype=media_type)
    response.headers["Content-Security-Policy"] = IMAGE_POLICY
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def thumbnail_response(environment: Environment, record: PredictionRecord) -> Response:
    """The picture as a small JPEG; as it was stored where all places to draw are taken.

    Raises PredictionNotFound where it is gone, StateConflict where it cannot be read.
    """
    try:
        with _drawing(record):
            decoded = _picture(environment, record, (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            response = Response(encode_thumbnail(decoded.pixels, THUMBNAIL_SIDE), mimetype="image/jpeg")
    except TooManyWaiting:
        return image_response(environment, record)
    response.headers["Content-Security-Policy"] = IMAGE_POLICY
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def mask_response(environment: Environment, record: PredictionRecord, form: MaskFormat) -> Response:
    """The mask as indexed PNG of the picture's size, or as JSON. Raises NotFound, StateConflict, TooManyWaiting."""
    path = environment.results.find(record.prediction_id, MASK) if record.result_kind == "mask" else None
    if path is None:
        raise NotFound("mask", record.prediction_id)
    if form == "png":
        return picture_response(path)
    with _drawing(record):
        mask, colours = _mask(record, path)
        refuse_noise(mask)
        size = [int(side) for side in mask.shape]
        classes = [_class_region(item, mask, colours, form) for item in record.items]
    return json_response({"size": size, "classes": classes})


def shown_names(environment: Environment, record: PredictionRecord) -> tuple[str, ...]:
    """The names that colours hang on: its predictor's, or those found where that is gone."""
    predictor = environment.predictors.get(record.predictor_name or "")
    found = dict.fromkeys(str(item.get("class_name", "")) for item in record.items)
    return predictor.class_names if predictor and predictor.class_names else tuple(found)


@contextmanager
def _drawing(record: PredictionRecord) -> Iterator[None]:
    """One of the places to draw. Raises TooManyWaiting, and StateConflict for a file that cannot be read inside it."""
    with current_application().wait_slots.hold(record.predictor_name or "") as granted:
        if not granted:
            raise TooManyWaiting
        with _PLACES.hold(_WAIT_SECONDS) as has_place:
            if not has_place:
                raise TooManyWaiting
            try:
                yield
            except ImageUnreadable as error:  # what this server keeps is broken, not what the client sent
                logger.error("prediction %s: %s", record.prediction_id, error)
                raise StateConflict("file_damaged", "the stored picture or mask cannot be read") from error


def _is_detection(environment: Environment, record: PredictionRecord) -> bool:
    predictor = environment.predictors.get(record.predictor_name or "")
    is_detector = predictor is not None and predictor.task == "detection"
    return not record.result_kind and (is_detector or any("bbox" in item for item in record.items))


def _picture(
    environment: Environment, record: PredictionRecord, smallest: tuple[int, int] | None = None
) -> DecodedImage:
    path = find_image(environment, record)
    try:
        data = path.read_bytes() if path else None
    except OSError:  # gone since it was looked up
        data = None
    if data is None:
        raise PredictionNotFound(record.prediction_id)
    return decode_image(data, tuple(EXTENSION_FORMATS), environment.max_image_pixels, smallest)


def _mask(record: PredictionRecord, path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        return read_mask(path)
    except OSError:  # gone since it was looked up
        raise NotFound("mask", record.prediction_id) from None


def _with_mask(
    environment: Environment,
    record: PredictionRecord,
    pixels: np.ndarray,
    opacity: float,
    classes: frozenset[int] | None,
) -> np.ndarray:
    path = environment.results.find(record.prediction_id, MASK)
    if path is None:
        raise NotFound("mask", record.prediction_id)
    mask, colours = _mask(record, path)
    if mask.shape != pixels.shape[:2]:
        raise ImageUnreadable(f"{path}: a mask of another size than its picture's")
    if classes is None:  # only the background is black
        classes = frozenset(np.flatnonzero(colours.any(axis=1)).tolist())
    return lay_mask(pixels, mask, colours, opacity, classes)


def _with_boxes(
    environment: Environment, record: PredictionRecord, pixels: np.ndarray, classes: frozenset[int] | None
) -> np.ndarray:
    names = shown_names(environment, record)
    found = [str(item.get("class_name", "")) for item in record.items]
    shown = {names[index] for index in classes if index < len(names)} if classes is not None else set(found)
    items = [item for item, name in zip(record.items, found, strict=True) if name in shown]
    return draw_detections(pixels, items, colours_by_name(names))


def _class_region(item: dict[str, Any], mask: np.ndarray, colours: np.ndarray, form: str) -> dict[str, Any]:
    """One class of a mask, for the wire."""
    index = int(item["class_index"])
    region = mask == index
    shape: dict[str, Any] = (
        {"polygons": polygons_of(region)}
        if form == "polygons"
        else {"rle": {"size": [int(side) for side in mask.shape], "counts": compressed_counts(run_lengths(region))}}
    )
    return {**item, "colour": hexadecimal(colours[index]), **shape}
