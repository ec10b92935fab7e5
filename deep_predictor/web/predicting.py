"""Upload, wait, answer: what POST /api/v1/predict does, without a word of HTTP but its status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deep_predictor.environment import Application
from deep_predictor.errors import PredictionNotFound, PredictionTimedOut, TooManyWaiting
from deep_predictor.predictions import running
from deep_predictor.predictions.cancelling import STORING_SECONDS, delete_prediction, drop
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.slot_wait import SlotWait
from deep_predictor.predictions.storing import store_accepted
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


class PredictWait(SlotWait):
    """For an upload that was submitted."""

    def __init__(self, application: Application, upload: Upload) -> None:
        """Raises what submit_upload raises, TooManyWaiting."""
        slot = application.wait_slots.take(upload.predictor_name)
        if slot is None:
            raise TooManyWaiting
        try:
            super().__init__(submit_upload(application.production, upload), slot)
        except BaseException:
            slot.give_back()
            raise
        self._application, self._stores = application, upload.store

    def answer(self) -> Answered:
        """As it is now; what is stored nowhere ends here at the latest.

        Raises TooManyWaiting when the server stops, PredictionNotFound, and what a worker found: ImageUnreadable,
        ImageNotStored, DatabaseBusy.
        """
        self.give_back()
        return _stored(self._application, self.job) if self._stores else _passing(self._application, self.job)


def predict_upload(application: Application, upload: Upload) -> Answered:
    """Submit, wait and answer. Raises what PredictWait and its `answer` raise."""
    waiting = PredictWait(application, upload)
    waiting.wait(PREDICT_SECONDS)
    return waiting.answer()


def _stored(application: Application, job: Job) -> Answered:
    if job.outcome is None and job.keep_as is not None:
        _keep(application, job)
    if job.refusal:
        raise job.refusal
    record = job.record or application.production.rows.find(job.prediction_id)
    if record is None and job.outcome and job.keep_as:  # it could be neither stored nor refused
        return Answered(with_top_label(outcome_answer(job, job.outcome), job.predictor.background_index))
    if record is None:  # deleted while it was waited for
        raise PredictionNotFound(job.prediction_id)
    is_final = record.status != PredictionStatus.ACCEPTED
    answer = with_top_label(answer_of(record, application.production), job.predictor.background_index)
    return Answered(answer, 200 if is_final else 202, job.prediction_id)


def _keep(application: Application, job: Job) -> None:
    """No worker came to it in time: who gets its id now must find it. Raises TooManyWaiting when the server stops."""
    if application.stopping.is_set():
        delete_prediction(application.production, job.prediction_id)
        raise TooManyWaiting
    try:
        store_accepted(job)
    except Exception:
        drop(job)
        raise
    if job.is_claimed:  # it ends at this moment
        job.wait_until_final(STORING_SECONDS)


def _passing(application: Application, job: Job) -> Answered:
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
