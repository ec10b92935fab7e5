"""From a valid upload to a queued job: the checks in the contract's order, and nothing stored before the last."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from pathlib import PurePosixPath

from deep_predictor.environment import Environment
from deep_predictor.errors import (
    ImageUnreadable,
    InvalidPredictionId,
    PredictionIdUsed,
    QueueFull,
    UnsupportedExtension,
    VideoNotTakenHere,
)
from deep_predictor.images.decoding import DecodedImage
from deep_predictor.predictions.cancelling import delete_prediction
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.predictor import Predictor
from deep_predictor.predictions.storing import decode_upload, insert_saved, save_picture, stored_extension

_ID_PATTERN = re.compile(r"[A-Za-z0-9._~-]+")


@dataclass(frozen=True)
class Upload:
    """What a client sent, its form and credentials already checked. `store=False` leaves no row and no file."""

    predictor_name: str
    prediction_id: str
    filename: str
    image_bytes: bytes
    store: bool = True
    #: The server made the id at random, and tells it with the answer.
    has_new_id: bool = False


def submit_upload(environment: Environment, upload: Upload) -> Job:
    """Check, save, insert, queue. The unique index decides a race for one id.

    With `store=False`, or a new id, what is wrong with the picture may only be found later: `job.refusal`.
    Raises, in this order: InvalidPredictionId, UnknownPredictor, UnsupportedExtension, PredictionIdUsed,
    ImageUnreadable, QueueFull, ImageNotStored, DatabaseBusy.
    """
    check_id(environment, upload.prediction_id)
    predictor = environment.get_predictor(upload.predictor_name)
    extension = _check_extension(environment, upload.filename)
    if not upload.store and not upload.has_new_id:
        _check_unused(environment, upload)
    try:
        image = _decode(environment, predictor, upload)
        while not predictor.queue.reserve():  # since it was looked up, another one has taken its place
            predictor = environment.get_predictor(upload.predictor_name)
            image = _decode(environment, predictor, upload)
    except (ImageUnreadable, QueueFull):
        if not upload.has_new_id:
            _check_unused(environment, upload)  # which comes first; else the index says it when the row is inserted
        raise
    try:
        return _accept(environment, predictor, upload, image, extension)
    except BaseException:
        predictor.queue.release()
        raise


def submit_picture(environment: Environment, predictor: Predictor, image_bytes: bytes) -> Job | None:
    """Queue a picture that is stored nowhere, for a predictor at hand; None when it is retired.

    Raises ImageUnreadable, QueueFull.
    """
    image = decode_upload(environment, predictor, image_bytes)
    if not predictor.queue.reserve():
        return None
    job = Job(uuid.uuid4().hex, predictor, environment, pixels=image.pixels)
    environment.jobs.add(job)
    predictor.queue.put(job)
    return job


def _decode(environment: Environment, predictor: Predictor, upload: Upload) -> DecodedImage | None:
    """None where the worker decodes: the caller waits for the answer in any case, so one thread less wants a core.

    Nobody asks for such a prediction before: either it is not stored, or its id is not known yet.

    Raises ImageUnreadable.
    """
    if predictor.state == "ready" and (upload.has_new_id or not upload.store):
        return None
    return decode_upload(environment, predictor, upload.image_bytes)


def _check_unused(environment: Environment, upload: Upload) -> None:
    """Raises PredictionIdUsed."""
    if is_used(environment, upload.prediction_id):
        raise PredictionIdUsed(upload.prediction_id)


def is_used(environment: Environment, prediction_id: str) -> bool:
    return environment.jobs.find(prediction_id) is not None or environment.rows.exists(prediction_id)


def check_id(environment: Environment, prediction_id: str) -> None:
    """Raises InvalidPredictionId."""
    length = environment.config.api_options.prediction_id_length
    if len(prediction_id) != length or not _ID_PATTERN.fullmatch(prediction_id):
        raise InvalidPredictionId(length)


def extension_of(filename: str) -> str:
    """In lower case and without its dot."""
    return PurePosixPath(filename.replace("\\", "/")).suffix.lstrip(".").lower()


def _check_extension(environment: Environment, filename: str) -> str:
    options, extension = environment.config.upload_options, extension_of(filename)
    if extension in options.supported_extensions:
        return extension
    if extension in options.supported_video_extensions:
        raise VideoNotTakenHere
    raise UnsupportedExtension(extension, options.supported_extensions)


def _accept(
    environment: Environment, predictor: Predictor, upload: Upload, image: DecodedImage | None, extension: str
) -> Job:
    job = Job(upload.prediction_id, predictor, environment, pixels=image.pixels if image else None)
    environment.jobs.add(job)
    try:
        job.image_bytes = upload.image_bytes
        job.keep_as = extension if upload.store else None
        if image and upload.store:
            job.keep_as = stored_extension(image, extension)
            insert_saved(job, save_picture(job))
        job.keep_pixels_within(environment.pixel_budget)
        if job.store and job.is_claimed:  # deleted by a client before its row was there
            delete_prediction(environment, job.prediction_id)
        predictor.queue.put(job)
    except BaseException:
        environment.jobs.discard(job)
        raise
    return job
