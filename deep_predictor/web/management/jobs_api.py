"""/api/v1/jobs: any kind of job, by its number."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from deep_predictor.runs.history import log_of
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.current import current_management
from deep_predictor.web.management.job_answers import (
    AllJobsQuery,
    JobAnswer,
    JobHistoryAnswer,
    LogQuery,
    accepted,
    job_answer,
    job_history_answer,
)
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Operation,
    Page,
    PageQuery,
    page_of,
    read_query,
    respond,
)

TAG = "Jobs"


class ImportProblemAnswer(AnswerModel):
    """A file that an import left out, and why."""

    name: str
    reason: str


def register_jobs(blueprint: Blueprint) -> None:
    one = "/jobs/<id:job_id>"
    page = Operation("Jobs of every kind", {200: Answer("Newest first", Page[JobAnswer])}, TAG, query=AllJobsQuery)
    register(blueprint, "/jobs", list_jobs, ["GET"], VIEW, page)
    answers = {200: Answer("It, and the figures of a training by epoch", JobHistoryAnswer)}
    register(blueprint, one, show_job, ["GET"], VIEW, Operation("One job", answers, TAG))
    register(blueprint, one, ask_job, ["POST"], VIEW, Operation("One job, as older automation asks", answers, TAG))
    gone = {204: Answer("It is gone, with its run's folder", None, None)}
    register(blueprint, one, delete_job, ["DELETE"], TRAIN, Operation("Remove an ended job", gone, TAG))
    log = {200: Answer("The last lines of what it noted and printed", None, "text/plain")}
    register(blueprint, f"{one}/log", show_job_log, ["GET"], VIEW, Operation("Its log", log, TAG, query=LogQuery))
    problems = {200: Answer("The first thousand, as they came", Page[ImportProblemAnswer])}
    left_out = Operation("Files that an import left out", problems, TAG, query=PageQuery)
    register(blueprint, f"{one}/problems", show_job_problems, ["GET"], VIEW, left_out)
    cancel = {202: Answer("It ends soon; one that waited has ended", JobAnswer)}
    register(blueprint, f"{one}/cancel", cancel_job, ["POST"], TRAIN, Operation("End a job", cancel, TAG))


def list_jobs() -> ResponseReturnValue:
    query = read_query(AllJobsQuery)
    kinds, states = [query.kind] if query.kind else [], [query.state] if query.state else []
    count, jobs = current_management().runs.page(kinds, states, query.limit, query.offset)
    return respond(Page[JobAnswer](**page_of([job_answer(job) for job in jobs], count, query)))


def show_job(job_id: int) -> ResponseReturnValue:
    return respond(job_history_answer(current_management().runs.get(job_id)))


def ask_job(job_id: int) -> ResponseReturnValue:
    return show_job(job_id)


def delete_job(job_id: int) -> ResponseReturnValue:
    current_management().runs.remove(job_id)
    return Response(status=204)


def show_job_log(job_id: int) -> ResponseReturnValue:
    log = log_of(current_management().runs.get(job_id), read_query(LogQuery).lines)
    return Response(log, content_type="text/plain; charset=utf-8")


def show_job_problems(job_id: int) -> ResponseReturnValue:
    management, query = current_management(), read_query(PageQuery)
    problems = management.datasets.imports.problems(management.runs.get(job_id))
    shown = [ImportProblemAnswer(**asdict(one)) for one in problems[query.offset : query.offset + query.limit]]
    return respond(Page[ImportProblemAnswer](**page_of(shown, len(problems), query)))


def cancel_job(job_id: int) -> ResponseReturnValue:
    return accepted(current_management().runs.cancel(job_id))
