"""/api/v1/trainings, /api/v1/searches and /api/v1/architectures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from pydantic import AliasChoices, Field

from deep_predictor.backends.base import Task
from deep_predictor.db.training_job_rows import TrainingJob
from deep_predictor.runs.history import log_of, trials_of
from deep_predictor.runs.starting import RunKind, RunOrder
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.authentication import current_principal
from deep_predictor.web.current import current_management
from deep_predictor.web.management.evaluation_api import register_evaluation
from deep_predictor.web.management.examples_api import register_examples
from deep_predictor.web.management.job_answers import (
    HistoryAnswer,
    JobAnswer,
    JobsQuery,
    LogQuery,
    RunAnswer,
    accepted,
    history_answer,
    job_answer,
    run_answer,
)
from deep_predictor.web.management.jobs_api import register_jobs
from deep_predictor.web.management.preview_api import register_previews
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Line,
    Operation,
    Page,
    RequestModel,
    page_of,
    read_json,
    read_query,
    respond,
)

TAG = "Trainings"
_GONE = {204: Answer("It is gone, with its run's folder; the model that came of it stays", None, None)}
_QUEUED = {202: Answer("Queued", JobAnswer)}
_QUEUED_TO_END = {202: Answer("It ends soon; one that waited has ended", JobAnswer)}
_LOG = {200: Answer("The last lines of what the run noted and printed", None, "text/plain")}


class NewRun(RequestModel):
    """`settings`: the keys of a training cfg but those that name folders; see docs/trainings_api.md."""

    dataset_id: int = Field(ge=1, le=999_999_999)
    settings: dict[str, Any]
    name: Line | None = Field(None, validation_alias=AliasChoices("name", "model_name"))
    priority: int = Field(0, ge=-1000, le=1000)


class Trials(AnswerModel):
    """A line of a search's metrics.jsonl each: number, state, value, epoch, seconds, values, reason."""

    trials: list[dict[str, Any]]


class ArchitectureAnswer(AnswerModel):
    """`smallest_side`: pixels that each side of its input needs; `width`, `height`, `color_mode`: what it gets where
    settings say nothing. `needs`: architecture_options without which it cannot be built, one of them."""

    name: str
    summary: str
    task: Task = Field(description="What the data sets that it learns from are for.")
    older_names: list[str]
    smallest_side: int
    width: int
    height: int
    color_mode: str
    takes: list[str]
    needs: list[str]
    million_products: float | None = Field(
        description="Multiplications that one picture of that size takes, in millions."
    )


class Architectures(AnswerModel):
    architectures: list[ArchitectureAnswer]


def create_trainings_api() -> Blueprint:
    """The blueprint `trainings_api`."""
    blueprint = Blueprint("trainings_api", __name__, url_prefix="/api/v1")
    _register_trainings(blueprint)
    _register_searches(blueprint)
    register_jobs(blueprint)
    register_previews(blueprint)
    register_examples(blueprint, TAG)
    listed = Operation("The networks that settings may name", {200: Answer("All of them", Architectures)}, TAG)
    register(blueprint, "/architectures", list_architectures, ["GET"], VIEW, listed)
    return blueprint


def _register_trainings(blueprint: Blueprint) -> None:
    path, one = "/trainings", "/trainings/<id:job_id>"
    start = Operation("Train on a data set", _QUEUED, TAG, body=NewRun)
    register(blueprint, path, start_training, ["POST"], TRAIN, start)
    page = Operation("Trainings, newest first", {200: Answer("Some of them", Page[JobAnswer])}, TAG, query=JobsQuery)
    register(blueprint, path, list_trainings, ["GET"], VIEW, page)
    register(
        blueprint, one, show_training, ["GET"], VIEW, Operation("One training", {200: Answer("It", RunAnswer)}, TAG)
    )
    register(blueprint, one, delete_training, ["DELETE"], TRAIN, Operation("Remove an ended training", _GONE, TAG))
    history = Operation("Its figures by epoch", {200: Answer("Lists of one length", HistoryAnswer)}, TAG)
    register(blueprint, f"{one}/history", show_history, ["GET"], VIEW, history)
    log = Operation("Its log", _LOG, TAG, query=LogQuery)
    register(blueprint, f"{one}/log", show_training_log, ["GET"], VIEW, log)
    cancel = Operation("End it after its batch", _QUEUED_TO_END, TAG)
    register(blueprint, f"{one}/cancel", cancel_training, ["POST"], TRAIN, cancel)
    resume = Operation("Go on from its last finished epoch", _QUEUED, TAG)
    register(blueprint, f"{one}/resume", resume_training, ["POST"], TRAIN, resume)
    register_evaluation(blueprint, one)


def _register_searches(blueprint: Blueprint) -> None:
    path, one = "/searches", "/searches/<id:job_id>"
    start = Operation("Look for the best settings on a data set", _QUEUED, TAG, body=NewRun)
    register(blueprint, path, start_search, ["POST"], TRAIN, start)
    page = Operation("Searches, newest first", {200: Answer("Some of them", Page[JobAnswer])}, TAG, query=JobsQuery)
    register(blueprint, path, list_searches, ["GET"], VIEW, page)
    register(blueprint, one, show_search, ["GET"], VIEW, Operation("One search", {200: Answer("It", RunAnswer)}, TAG))
    register(blueprint, one, delete_search, ["DELETE"], TRAIN, Operation("Remove an ended search", _GONE, TAG))
    trials = Operation("Its trials that have ended", {200: Answer("All of them", Trials)}, TAG)
    register(blueprint, f"{one}/trials", show_trials, ["GET"], VIEW, trials)
    log = Operation("Its log", _LOG, TAG, query=LogQuery)
    register(blueprint, f"{one}/log", show_search_log, ["GET"], VIEW, log)
    register(blueprint, f"{one}/cancel", cancel_search, ["POST"], TRAIN, Operation("End it", _QUEUED_TO_END, TAG))
    resume = Operation("Run the trials that are missing", _QUEUED, TAG)
    register(blueprint, f"{one}/resume", resume_search, ["POST"], TRAIN, resume)


def start_training() -> ResponseReturnValue:
    return _start("train")


def start_search() -> ResponseReturnValue:
    return _start("search")


def list_trainings() -> ResponseReturnValue:
    return _list("train")


def list_searches() -> ResponseReturnValue:
    return _list("search")


def show_training(job_id: int) -> ResponseReturnValue:
    return respond(run_answer(_get(job_id, "train")))


def show_search(job_id: int) -> ResponseReturnValue:
    return respond(run_answer(_get(job_id, "search")))


def delete_training(job_id: int) -> ResponseReturnValue:
    current_management().runs.remove(job_id, "train")
    return Response(status=204)


def delete_search(job_id: int) -> ResponseReturnValue:
    current_management().runs.remove(job_id, "search")
    return Response(status=204)


def show_history(job_id: int) -> ResponseReturnValue:
    return respond(history_answer(_get(job_id, "train")))


def show_trials(job_id: int) -> ResponseReturnValue:
    return respond(Trials(trials=trials_of(_get(job_id, "search"))))


def show_training_log(job_id: int) -> ResponseReturnValue:
    return _log(_get(job_id, "train"))


def show_search_log(job_id: int) -> ResponseReturnValue:
    return _log(_get(job_id, "search"))


def cancel_training(job_id: int) -> ResponseReturnValue:
    return accepted(current_management().runs.cancel(job_id, "train"))


def cancel_search(job_id: int) -> ResponseReturnValue:
    return accepted(current_management().runs.cancel(job_id, "search"))


def resume_training(job_id: int) -> ResponseReturnValue:
    return accepted(current_management().runs.resume(job_id, "train"))


def resume_search(job_id: int) -> ResponseReturnValue:
    return accepted(current_management().runs.resume(job_id, "search"))


def list_architectures() -> ResponseReturnValue:
    found = current_management().runs.architectures()
    return respond(Architectures(architectures=[ArchitectureAnswer(**one) for one in found]))


def _start(kind: RunKind) -> Response:
    body = read_json(NewRun)
    order = RunOrder(
        settings=body.settings,
        name=body.name or "",
        priority=body.priority,
        created_by=current_principal().user_id,
    )
    return accepted(current_management().runs.start(kind, body.dataset_id, order))


def _list(kind: RunKind) -> Response:
    query = read_query(JobsQuery)
    states = [query.state] if query.state else []
    count, jobs = current_management().runs.page([kind], states, query.limit, query.offset)
    return respond(Page[JobAnswer](**page_of([job_answer(job) for job in jobs], count, query)))


def _get(job_id: int, kind: RunKind) -> TrainingJob:
    return current_management().runs.get(job_id, kind)


def _log(job: TrainingJob) -> Response:
    return Response(log_of(job, read_query(LogQuery).lines), content_type="text/plain; charset=utf-8")
