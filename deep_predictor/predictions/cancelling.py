"""Deleting a prediction: its row, its picture, and its job when it is not final yet."""

from __future__ import annotations

from deep_predictor.environment import Environment

#: A job whose result is being stored at this moment is waited for.
STORING_SECONDS = 15.0


def delete_prediction(environment: Environment, prediction_id: str) -> bool:
    """Forget a prediction; one that waits is cancelled, one that runs is dropped when it comes back.

    False when there is none of that id. Raises DatabaseBusy, ImageNotStored.
    """
    job = environment.jobs.find(prediction_id)
    cancelled = job is not None and job.claim()
    if job and cancelled:
        job.predictor.queue.discard(job)
    elif job:
        job.wait(STORING_SECONDS)
    try:
        record = environment.rows.find(prediction_id)
        deleted = environment.rows.delete(prediction_id)
        if record and record.image_path:
            environment.images.remove(environment.root / record.image_path)
    finally:
        if job and cancelled:  # who waits for it wakes after the row is gone, and finds none
            environment.jobs.discard(job)
            job.end(None)
    return deleted or job is not None
