"""What a job looks like as JSON: trainings, searches, augmented sets, imports, exports and all others."""

from __future__ import annotations

from typing import Any, Final, Literal

from flask import Response, url_for
from pydantic import Field

from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.runs.evaluations import has_evaluation
from deep_predictor.runs.history import eta_seconds_of, history_of, progress_of
from deep_predictor.runs.settings import shown_settings
from deep_predictor.web.current import current_management
from deep_predictor.web.operations import AnswerModel, PageQuery, RequestModel, respond

#: What older clients look for in a good answer.
OLDER_STATUS: Final = "200"
MOST_LOG_LINES = 10_000


class JobsQuery(PageQuery):
    state: JobState | None = None


class AllJobsQuery(JobsQuery):
    kind: str = Field("", max_length=40, pattern="^[a-z-]*$")


class LogQuery(RequestModel):
    lines: int = Field(200, ge=1, le=MOST_LOG_LINES)


class JobProgress(AnswerModel):
    """`total` 0: not known. `figures` of a training: epoch, step, loss, accuracy and the like, as they are now."""

    done: int
    total: int
    unit: str
    figures: dict[str, Any]


class JobAnswer(AnswerModel):
    """Times are seconds since 1970."""

    id: int
    kind: str
    name: str
    state: JobState
    reason: str | None
    dataset_id: int | None
    #: The data set that was made.
    result_dataset_id: int | None
    created_by: int | None
    priority: int
    epoch: int
    epochs: int
    created_at: float
    started_at: float | None
    cancel_asked_at: float | None
    ended_at: float | None
    eta_seconds: float | None
    progress: JobProgress


class RunAnswer(JobAnswer):
    """A training or search. `settings`: as they were sent, without what names the server's folders."""

    settings: dict[str, Any]
    has_evaluation: bool = Field(description="Whether it has looked at its test pictures.")


class HistoryAnswer(AnswerModel):
    """A figure an epoch, null where it is none; all lists are of one length. `testing`, `val`: of the validation part.

    Accuracy: the share of right answers, or of a segmenter's right pixels; a detector has none.
    """

    training_loss: list[float | None]
    testing_loss: list[float | None]
    training_accuracy: list[float | None]
    testing_accuracy: list[float | None]
    val_map50: list[float | None] = Field(description="Of a detector.")
    val_map50_95: list[float | None]
    val_miou: list[float | None] = Field(description="Of a segmenter.")


class JobHistoryAnswer(JobAnswer, HistoryAnswer):
    """A job, with what older automation asks of it; the lists of a job that is no training are empty."""

    status_code: Literal["200"] = OLDER_STATUS


def job_answer(job: TrainingJob) -> JobAnswer:
    return JobAnswer(**_facts(job))


def run_answer(job: TrainingJob) -> RunAnswer:
    return RunAnswer(**_facts(job), settings=shown_settings(job.cfg), has_evaluation=has_evaluation(job))


def history_answer(job: TrainingJob) -> HistoryAnswer:
    return HistoryAnswer(**_lists(job))


def job_history_answer(job: TrainingJob) -> JobHistoryAnswer:
    return JobHistoryAnswer(**_facts(job), **_lists(job))


def accepted(job: TrainingJob) -> Response:
    """202: the job is queued."""
    response = respond(job_answer(job), 202)
    response.headers["Location"] = url_for("trainings_api.show_job", job_id=job.id)
    return response


def _lists(job: TrainingJob) -> dict[str, Any]:
    history = history_of(job)
    return {name: list(getattr(history, name)) for name in HistoryAnswer.model_fields}


def _facts(job: TrainingJob) -> dict[str, Any]:
    progress = progress_of(job)
    names = set(JobAnswer.model_fields) - {"progress", "eta_seconds", "result_dataset_id"}
    return {
        **{name: getattr(job, name) for name in names},
        "result_dataset_id": current_management().runs.result_dataset_of(job),
        "eta_seconds": eta_seconds_of(job, progress),
        "progress": JobProgress(
            done=progress.done, total=progress.total, unit=progress.unit, figures=dict(progress.figures)
        ),
    }
