"""Deleting a prediction: its row, its picture, and its job when it is not final yet."""

from __future__ import annotations

import logging
from contextlib import nullcontext

from deep_predictor.environment import Environment
from deep_predictor.errors import ImageNotStored
from deep_predictor.predictions.job import Job

logger = logging.getLogger(__name__)

#: A job whose result is being stored at this moment is waited for.
STORING_SECONDS = 15.0


def delete_prediction(environment: Environment, prediction_id: str) -> bool:
    """Forget a prediction; one that waits is cancelled, one that runs is dropped when it comes back.

    False when there is none of that id. Raises DatabaseBusy.
    """
    job = environment.jobs.find(prediction_id)
    with job.predictor.queue.held() if job else nullcontext():
        return _delete(environment, prediction_id, job)


def drop(job: Job) -> None:
    """Give up a prediction of which nothing is stored; one that runs is dropped when it comes back."""
    if job.claim():
        job.predictor.queue.discard(job)
        job.environment.jobs.discard(job)
        job.end(None)


def _delete(environment: Environment, prediction_id: str, job: Job | None) -> bool:
    """As `delete_prediction`. Whoever claims the job finds its queue alive, also one that is retired meanwhile."""
    cancelled = job if job and job.claim() else None
    if cancelled:
        cancelled.predictor.queue.discard(cancelled)
        environment.videos.discard(cancelled)
    elif job:
        job.wait_until_final(STORING_SECONDS)
    try:
        record = environment.rows.find(prediction_id)
        deleted = record is not None and environment.rows.delete(prediction_id, record.image_path)
    except BaseException:
        if cancelled:
            _take_up_again(environment, cancelled)
        raise
    if cancelled:  # who waits for it wakes after the row is gone, and finds none
        environment.jobs.discard(cancelled)
        cancelled.end(None)
    if deleted and record and record.image_path:
        try:
            environment.images.remove(environment.root / record.image_path)
        except ImageNotStored as error:  # its row is gone already; a picture that is not ours stays
            logger.error("prediction %s: %s", prediction_id, error)
    if deleted:
        environment.results.remove(prediction_id)
    return deleted or job is not None


def _take_up_again(environment: Environment, cancelled: Job) -> None:
    """The row could not be deleted: it stays, so its prediction must still end."""
    environment.jobs.discard(cancelled)
    cancelled.end(None)
    if cancelled.image_path:
        again = Job(cancelled.prediction_id, cancelled.predictor, environment, image_path=cancelled.image_path)
        environment.jobs.add(again)
        queue = environment.videos if cancelled.progress else cancelled.predictor.queue
        queue.put_recovered(again)
