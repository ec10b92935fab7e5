"""Waiting for a prediction inside a request, without ever holding more threads than the server can spare."""

from __future__ import annotations

import math

from flask import Request

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.environment import Application, Environment
from deep_predictor.predictions.slot_wait import SlotWait
from deep_predictor.web.current import current_application

LONGEST_WAIT_SECONDS = 30.0
#: Longer texts cannot be an id that anybody was given.
LONGEST_ID = 1024


def wait_seconds_of(request: Request) -> float:
    """The query's `wait`, at most 30; 0 when it is absent, negative or no number."""
    try:
        seconds = float(request.args.get("wait", 0))
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS) if math.isfinite(seconds) else 0.0


def find_prediction(environment: Environment, prediction_id: str, wait_seconds: float = 0.0) -> PredictionRecord | None:
    """The prediction as it is once it is final, or when the time is over; at once where no slot is free to wait in.

    None when there is none of that id. Raises DatabaseBusy.
    """
    if not _may_be_id(prediction_id):
        return None
    waiting = wait_for(current_application(), environment, prediction_id) if wait_seconds > 0 else None
    if waiting is None:
        return environment.rows.find(prediction_id)
    waiting.wait(wait_seconds)
    return waiting.record()


def wait_for(application: Application, environment: Environment, prediction_id: str) -> PollWait | None:
    """None for a prediction that is not under way, or stored nowhere, and where no slot is free to wait in."""
    job = environment.jobs.find(prediction_id)
    slot = application.wait_slots.take(job.predictor.name) if job and job.store else None
    return PollWait(job, slot) if job and slot else None


class PollWait(SlotWait):
    """For a prediction that is stored."""

    def record(self) -> PredictionRecord | None:
        """As it is now; None when it was deleted meanwhile. Raises DatabaseBusy."""
        self.give_back()
        return self.job.record or self.job.environment.rows.find(self.job.prediction_id)


def _may_be_id(text: str) -> bool:
    """Whether a database can be asked for it: some refuse NUL, and none can store a lone surrogate."""
    return 0 < len(text) <= LONGEST_ID and text.isprintable()
