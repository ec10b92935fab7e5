"""One picture asked of a predictor by the server's own pages: it is stored nowhere, and somebody waits for the end."""

from __future__ import annotations

import threading

from deep_predictor.environment import Application, Environment
from deep_predictor.errors import PredictionTimedOut, StateConflict, TooManyWaiting
from deep_predictor.predictions import running
from deep_predictor.predictions.job import Job, Outcome
from deep_predictor.predictions.submitting import submit_picture
from deep_predictor.results import PredictionStatus

PREDICT_SECONDS = 120.0


def ask_predictor(
    application: Application, environment: Environment, predictor_name: str, task: str, image_bytes: bytes
) -> Outcome:
    """How it ended: always well.

    Raises UnknownPredictor, StateConflict for one of another task and one that fails, ImageUnreadable, QueueFull,
    TooManyWaiting.
    """
    with application.wait_slots.hold(predictor_name) as granted:
        if not granted:
            raise TooManyWaiting
        while True:
            predictor = environment.get_predictor(predictor_name)
            if predictor.task != task:
                raise StateConflict("wrong_task", f"the predictor {predictor_name!r} does no {task}")
            job = submit_picture(environment, predictor, image_bytes)
            if job:  # else another one has taken its place meanwhile
                return outcome_of(job, application.stopping)


def outcome_of(job: Job, stopping: threading.Event) -> Outcome:
    """Wait for its end. Raises StateConflict where it did not end well, TooManyWaiting when the server stops."""
    job.wait(PREDICT_SECONDS)
    if job.outcome is None and stopping.is_set():
        raise TooManyWaiting
    if job.outcome is None and running.fail(job, PredictionTimedOut(PREDICT_SECONDS)):
        job.predictor.queue.discard(job)
    job.wait(PREDICT_SECONDS)
    outcome = job.outcome
    if outcome is None or outcome.status != PredictionStatus.DONE:
        code = (outcome.reason_code if outcome else None) or "prediction_failed"
        raise StateConflict(code, f"the picture could not be predicted ({code})")
    return outcome
