"""/api/v1/examples: trainings that the main config offers, and starting them."""

from __future__ import annotations

from flask import Blueprint, Response
from pydantic import Field

from deep_predictor.publishing.examples import Example, ExampleState
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.authentication import current_principal
from deep_predictor.web.current import current_management
from deep_predictor.web.management.job_answers import JobAnswer, accepted, job_answer
from deep_predictor.web.operations import Answer, AnswerModel, Operation, respond


class ExampleAnswer(AnswerModel):
    """`predictor_name`: what its model is served as in production; the last training of it is `job`."""

    predictor_name: str
    title: str
    description: str
    state: ExampleState
    job: JobAnswer | None = Field(description="null: it was never trained here.")


class ExamplesAnswer(AnswerModel):
    examples: list[ExampleAnswer]


def register_examples(blueprint: Blueprint, tag: str) -> None:
    """Add the routes to the blueprint of the trainings."""
    listed = Operation("Trainings that the server offers", {200: Answer("All of them", ExamplesAnswer)}, tag)
    register(blueprint, "/examples", list_examples, ["GET"], VIEW, listed)
    train = Operation(
        "Train an example",
        {202: Answer("Queued", JobAnswer)},
        tag,
        description="When it is done, its model is served in production under the example's name. 409 where it waits, "
        "runs, is loaded or is served already.",
    )
    register(blueprint, "/examples/<predictor_name>/train", train_example, ["POST"], TRAIN, train)


def list_examples() -> Response:
    return respond(ExamplesAnswer(examples=[_answer(one) for one in current_management().examples.all()]))


def train_example(predictor_name: str) -> Response:
    return accepted(current_management().examples.start(predictor_name, current_principal().user_id))


def _answer(example: Example) -> ExampleAnswer:
    return ExampleAnswer(
        predictor_name=example.predictor_name,
        title=example.title,
        description=example.description,
        state=example.state,
        job=job_answer(example.job) if example.job else None,
    )
