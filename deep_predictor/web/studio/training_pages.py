"""Pages of trainings: all of them, a new one, one run, several compared."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import Field

from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.current import current_management
from deep_predictor.web.operations import Operation, RequestModel, read_query
from deep_predictor.web.page_words import EXAMPLE_WORDS
from deep_predictor.web.studio.rendering import page_operation, render_studio

#: More curves cannot be told apart.
MOST_COMPARED = 6


class NewTrainingQuery(RequestModel):
    dataset: int | None = Field(None, ge=1, le=999_999_999, description="The data set that is chosen already.")


class CompareQuery(RequestModel):
    jobs: Annotated[str, Field(max_length=200, pattern="^([1-9][0-9]{0,8}(,[1-9][0-9]{0,8})*)?$")] = Field(
        "", description=f"Numbers of trainings with commas between, up to {MOST_COMPARED}."
    )


def add_training_pages(blueprint: Blueprint) -> None:
    path = "/studio/trainings"
    register(blueprint, path, list_trainings, ["GET"], VIEW, page_operation("The page of all trainings"))
    new = page_operation("The page of a new training")
    register(blueprint, f"{path}/new", new_training, ["GET"], TRAIN, _with_query(new, NewTrainingQuery))
    one = page_operation("The page of one training")
    register(blueprint, f"{path}/<id:job_id>", show_training, ["GET"], VIEW, one)
    several = page_operation("The page that compares trainings")
    register(blueprint, "/studio/compare", compare_trainings, ["GET"], VIEW, _with_query(several, CompareQuery))


def list_trainings() -> ResponseReturnValue:
    return render_studio(
        "trainings.html",
        "trainings",
        most_compared=MOST_COMPARED,
        examples=current_management().library_options.examples,
        example_words=EXAMPLE_WORDS,
    )


def new_training() -> ResponseReturnValue:
    return render_studio("new_training.html", "trainings", dataset_id=read_query(NewTrainingQuery).dataset)


def show_training(job_id: int) -> ResponseReturnValue:
    return render_studio("training.html", "trainings", job=current_management().runs.get(job_id, "train"))


def compare_trainings() -> ResponseReturnValue:
    given = [int(number) for number in read_query(CompareQuery).jobs.split(",") if number]
    return render_studio("compare.html", "trainings", job_ids=list(dict.fromkeys(given))[:MOST_COMPARED])


def _with_query(operation: Operation, query: type[RequestModel]) -> Operation:
    return Operation(operation.summary, operation.answers, operation.tag, query)
