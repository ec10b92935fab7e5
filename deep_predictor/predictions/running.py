"""From a job to its one final status: decode, prepare, run, interpret, image action, row."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deep_predictor.db.prediction_rows import FinishedPrediction
from deep_predictor.errors import (
    DatabaseBusy,
    ImageNotStored,
    ImageUnreadable,
    ModelRaised,
    PredictionError,
    ResultInvalid,
)
from deep_predictor.images.decoding import DecodedImage, decode_image
from deep_predictor.predictions.job import Job, Outcome
from deep_predictor.results import Answer, PredictionStatus

if TYPE_CHECKING:
    from deep_predictor.environment import Environment

logger = logging.getLogger(__name__)

#: Seconds between two tries to write to a database that stays locked.
RETRY_SECONDS = 0.5
_DECODERS = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))


def run(job: Job) -> None:
    """Predict, then end the job; whatever is raised on the way becomes its status. Never raises."""
    try:
        answer = _predict(job)
    except PredictionError as error:
        logger.warning("prediction %s by %s: %s", job.prediction_id, job.predictor.name, error)
        _end_in_worker(job, error)
    except BaseException as error:  # a job must end in a stored state, whatever a model throws
        logger.exception("prediction %s by %s: the model raised", job.prediction_id, job.predictor.name)
        _end_in_worker(job, ModelRaised(type(error).__name__))
    else:
        _end_in_worker(job, answer)


def decode_upload(environment: Environment, data: bytes) -> DecodedImage:
    """Decode by the environment's settings, as many pictures at a time as there are cores: one may take 860 MB.

    Raises ImageUnreadable.
    """
    with _DECODERS:
        supported = environment.config.upload_options.supported_extensions
        return decode_image(data, supported, environment.max_image_pixels)


def note_start(job: Job) -> bool:
    """Count this start in the job's row, so that a prediction that kills the process is found out at the next starts.

    False when the job is not to be run: its row is gone, or the server stops while the database is locked.
    """
    if not job.store:
        return True
    stopping = job.predictor.stopping
    while True:
        try:
            if job.environment.rows.mark_started(job.prediction_id) > 0:
                return True
        except DatabaseBusy as error:
            logger.warning("prediction %s: %s; trying again", job.prediction_id, error)
            if stopping.wait(RETRY_SECONDS):
                return False
        except Exception as error:  # a worker must survive whatever is wrong with the database
            logger.exception("prediction %s: its start could not be counted", job.prediction_id)
            _end_in_worker(job, ModelRaised(type(error).__name__))
            return False
        else:
            if job.claim(by_worker=True):  # the row was deleted by somebody else
                if job.image_path:
                    _remove_quietly(job, job.image_path)
                _finish(job, None)
            return False


def fail(job: Job, error: PredictionError, by_worker: bool = False) -> bool:
    """End a job with the error's status, unless it has been ended already. True when this call did it."""
    if not job.claim(by_worker):
        return False
    outcome = _outcome(job, error.status, reason_code=error.code)
    kept = _is_kept(job)
    is_stored = _store(job, outcome, None, job.image_path if kept else None)
    if job.image_path and is_stored and not kept:
        _remove_quietly(job, job.image_path)
    _finish(job, outcome)
    return True


def _end_in_worker(job: Job, result: Answer | PredictionError) -> None:
    """The last step of a worker; should even that raise, the job still ends for those who wait for it."""
    try:
        if isinstance(result, Answer):
            _succeed(job, result)
        else:
            fail(job, result, by_worker=True)
    except Exception:  # a job must end, and its worker must go on
        logger.exception("prediction %s: ending it raised", job.prediction_id)
        if job.outcome is None:
            job.environment.jobs.discard(job)
            job.end(_outcome(job, PredictionStatus.MODEL_RAISED, reason_code=ModelRaised.code))


def _predict(job: Job) -> Answer:
    predictor = job.predictor
    if predictor.failure:
        raise predictor.failure
    backend = predictor.backend
    pixels = job.pixels if job.pixels is not None else _read_image(job)
    height, width = pixels.shape[:2]
    output = backend.run(backend.prepare(pixels)[np.newaxis])
    answer = backend.interpret(output[0], (width, height))
    _check_is_json(answer)
    return answer


def _read_image(job: Job) -> np.ndarray:
    if job.image_path is None:
        if job.image_bytes is None:
            raise ImageUnreadable("neither pixels nor a file")
        return decode_upload(job.environment, job.image_bytes).pixels
    try:
        data = job.image_path.read_bytes()
    except OSError as error:
        raise ImageUnreadable(f"{job.image_path}: {error.strerror}") from error
    return decode_upload(job.environment, data).pixels


def _check_is_json(answer: Answer) -> None:
    try:
        json.dumps([item.to_dict() for item in answer.items], allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise ResultInvalid(f"the result cannot be turned into JSON: {error}") from error


def _succeed(job: Job, answer: Answer) -> None:
    """Image action first, then the row: a picture that cannot be stored changes the status."""
    if not job.claim(by_worker=True):
        logger.warning("prediction %s: a late result is dropped", job.prediction_id)
        return
    set_aside: Path | None = None
    final_path = job.image_path
    outcome = _outcome(job, PredictionStatus.DONE, answer)
    try:
        final_path, set_aside = _act_on_image(job, answer)
    except ImageNotStored as error:
        logger.error("prediction %s: %s", job.prediction_id, error)
        outcome = _outcome(job, error.status, reason_code=error.code)
        set_aside = job.image_path
        final_path = None
    is_stored = _store(job, outcome, answer, final_path)
    if set_aside and is_stored:
        _remove_quietly(job, set_aside)
    _finish(job, outcome)


def _act_on_image(job: Job, answer: Answer) -> tuple[Path | None, Path | None]:
    """Do what `predicted_image_action` says: (where the picture lies now, what to delete once the row is written)."""
    if job.image_path is None:
        return None, None
    images, predictor = job.environment.images, job.predictor
    action = predictor.options.predicted_image_action
    if action == "save":
        if predictor.main_folder is None:
            raise ImageNotStored("the predictor's cfg names no folder for pictures")
        return images.move_to_class(job.image_path, predictor.main_folder, answer.folder_name), None
    if action == "remove":
        return None, images.set_aside(job.image_path)
    return job.image_path, None


def _is_kept(job: Job) -> bool:
    """Whether the upload of a failed prediction stays in the temp folder."""
    return job.predictor.options.predicted_image_action not in ("save", "remove")


def _store(job: Job, outcome: Outcome, answer: Answer | None, image_path: Path | None) -> bool:
    """Write the row, as often as it takes. False when it could not be written: then the prediction runs again at the
    next start, so its picture has to stay."""
    if not job.store:
        return True
    finished = FinishedPrediction(
        status=outcome.status,
        items=[item.to_dict() for item in answer.items] if answer and outcome.status == PredictionStatus.DONE else None,
        image_path=str(image_path) if image_path else None,
        seconds=outcome.seconds,
        reason_code=outcome.reason_code,
    )
    stopping: threading.Event = job.predictor.stopping
    while True:
        try:
            if not job.environment.rows.finish(job.prediction_id, finished):
                logger.warning("prediction %s: its row was deleted meanwhile", job.prediction_id)
                if image_path:
                    _remove_quietly(job, image_path)
            return True
        except DatabaseBusy as error:
            logger.warning("prediction %s: %s; trying again", job.prediction_id, error)
            if stopping.wait(RETRY_SECONDS):
                logger.error("prediction %s: not stored, it runs again at the next start", job.prediction_id)
                return False
        except Exception:  # the job must end, whatever is wrong with the database
            logger.exception("prediction %s: not stored, it runs again at the next start", job.prediction_id)
            return False


def _outcome(
    job: Job, status: PredictionStatus, answer: Answer | None = None, *, reason_code: str | None = None
) -> Outcome:
    return Outcome(
        status=status,
        items=answer.items if answer else None,
        seconds=round(time.monotonic() - job.accepted_at, 5),
        reason_code=reason_code,
        finished_at=int(time.time()),
    )


def _remove_quietly(job: Job, path: Path) -> None:
    try:
        job.environment.images.remove(path)
    except ImageNotStored as error:
        logger.error("prediction %s: %s", job.prediction_id, error)


def _finish(job: Job, outcome: Outcome | None) -> None:
    job.environment.jobs.discard(job)
    job.end(outcome)
    job.environment.keep_house()
