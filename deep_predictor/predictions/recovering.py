"""At start: what an earlier process accepted and did not end is queued again, or ended where it cannot be."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from deep_predictor.config.written_values import KNOWN_VIDEO_EXTENSIONS
from deep_predictor.db.prediction_rows import FinishedPrediction, PredictionRecord
from deep_predictor.environment import Environment
from deep_predictor.errors import BackendNotReady, ImageNotStored, ImageUnreadable, PredictionError, TooManyStarts
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.predictor import Predictor

logger = logging.getLogger(__name__)

#: A prediction that ran twice when the process died is not started a third time.
MAX_STARTS = 2


class _PredictorGone(BackendNotReady):
    """Nobody can say what was to be done with the picture, so it stays."""

    def __init__(self, record: PredictionRecord) -> None:
        super().__init__(f"its predictor {record.predictor_name!r} is not configured any more", "unknown_predictor")


def recover(environment: Environment) -> None:
    """Requeue the rows at 100 in the order of their acceptance, and sweep uploads that never got a row.

    Runs before the port opens and before any predictor is loaded. Raises DatabaseBusy when the database stays locked.
    """
    rows = environment.rows.unfinished()
    for record in rows:
        try:
            _requeue(environment, record)
        except PredictionError as error:
            _end(environment, record, error)
        except (OSError, ValueError, RuntimeError) as error:  # a path that the disk refuses, or that is none
            _end(environment, record, ImageUnreadable(f"{record.image_path!r}: {error}"))
    environment.images.remove_orphans(environment.rows.known_image_names(), owner=environment.database_name)
    environment.results.remove_orphans(environment.rows.known_ids(), owner=environment.database_name)
    if rows:
        logger.warning("%s: %d unfinished predictions of an earlier run were taken up", environment.name, len(rows))


def _requeue(environment: Environment, record: PredictionRecord) -> None:
    predictor = _find_predictor(environment, record)
    if predictor is None:
        raise _PredictorGone(record)
    image_path = _find_image(environment, predictor, record)
    if record.attempts >= MAX_STARTS:
        raise TooManyStarts(record.attempts)
    job = Job(record.prediction_id, predictor, environment, image_path=image_path, alone=record.attempts > 0)
    environment.jobs.add(job)
    is_video = image_path.suffix.lstrip(".").lower() in KNOWN_VIDEO_EXTENSIONS
    (environment.videos if is_video else predictor.queue).put_recovered(job)


def _find_predictor(environment: Environment, record: PredictionRecord) -> Predictor | None:
    """By name; rows of earlier versions have none, but the predictor's `model_info`, and its `model_id`."""
    if record.predictor_name:
        return environment.predictors.get(record.predictor_name)
    predictors = list(environment.predictors.values())
    same_info = [p for p in predictors if record.model_info and p.model_info == record.model_info]
    same_id = [p for p in predictors if record.model_id and p.model_id == record.model_id]
    for found in (same_info, same_id):
        if len(found) == 1:
            return found[0]
    return None


def _find_image(environment: Environment, predictor: Predictor, record: PredictionRecord) -> Path:
    """Where the upload lies, brought back if the process died between the image action and the row."""
    if not record.image_path:
        raise ImageUnreadable("its row names no image")
    path = environment.root / record.image_path
    if path.is_file() or environment.images.restore(path):
        return path
    moved = environment.images.find_moved(path, predictor.main_folder) if predictor.main_folder else None
    if moved:
        environment.images.move_back(moved, path)
        return path
    raise ImageUnreadable(f"{path}: the image is gone")


def _end(environment: Environment, record: PredictionRecord, error: PredictionError) -> None:
    logger.error("prediction %s of an earlier run: %s", record.prediction_id, error)
    is_kept = isinstance(error, _PredictorGone)
    finished = FinishedPrediction(
        prediction_id=record.prediction_id,
        status=error.status,
        items=None,
        image_path=record.image_path if is_kept else None,
        seconds=0.0,
        reason_code=error.code,
        finished_at=int(time.time()),
    )
    environment.rows.finish([finished])
    if record.image_path and not is_kept:
        try:
            environment.images.remove(environment.root / record.image_path)
        except (ImageNotStored, OSError, ValueError, RuntimeError) as removal_error:
            logger.error("prediction %s: %s", record.prediction_id, removal_error)
