"""Upload, wait, answer: what POST /api/v1/predict does, without a word of HTTP but its status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deep_predictor.environment import Application
from deep_predictor.errors import PredictionNotFound, PredictionTimedOut, TooManyWaiting
from deep_predictor.predictions import running
from deep_predictor.predictions.cancelling import delete_prediction
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.submitting import Upload, submit_upload
from deep_predictor.results import PredictionStatus
from deep_predictor.web.json_format import answer_of, outcome_answer, with_top_label

#: What is stored goes on after it.
PREDICT_SECONDS = 120.0


@dataclass(frozen=True)
class Answered:
    """The wire form of an answer; 202 when it is not final in time. `stored_id`: under which it can be asked for."""

    answer: dict[str, Any]
    status: int = 200
    stored_id: str | None = None


def predict_upload(application: Application, upload: Upload) -> Answered:
    """Raises what submit_upload raises, TooManyWaiting, PredictionNotFound."""
    environment = application.production
    with application.wait_slots.hold(upload.predictor_name) as granted:
        if not granted:
            raise TooManyWaiting
        job = submit_upload(environment, upload)
        job.wait(PREDICT_SECONDS)
    return _stored(application, job) if upload.store else _passing(application, job)


def _stored(application: Application, job: Job) -> Answered:
    record = job.record or application.production.rows.find(job.prediction_id)
    if record is None:  # deleted while it was waited for
        raise PredictionNotFound(job.prediction_id)
    is_final = record.status != PredictionStatus.ACCEPTED
    answer = with_top_label(answer_of(record, application.production), job.predictor.background_index)
    return Answered(answer, 200 if is_final else 202, job.prediction_id)


def _passing(application: Application, job: Job) -> Answered:
    """The answer of a prediction that is stored nowhere, so it ends here at the latest."""
    if job.outcome is None and application.stopping.is_set():
        delete_prediction(application.production, job.prediction_id)
        raise TooManyWaiting
    if job.outcome is None and running.fail(job, PredictionTimedOut(PREDICT_SECONDS)):
        job.predictor.queue.discard(job)
    job.wait(PREDICT_SECONDS)
    if job.refusal:
        raise job.refusal
    if job.outcome is None:  # deleted while it was waited for
        raise PredictionNotFound(job.prediction_id)
    return Answered(with_top_label(outcome_answer(job, job.outcome), job.predictor.background_index))
