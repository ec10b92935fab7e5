"""Before a training begins: what its augmentation makes of the data set's own pictures, and how long it may take."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import Field

from deep_predictor.runs.estimating import Planned
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.current import current_management
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Line,
    Operation,
    RequestModel,
    read_json,
    read_query,
    respond,
)

_MOST_OPERATIONS = 50
Side = Annotated[int, Field(ge=1, le=4096)]


class PreviewRequest(RequestModel):
    """`operations`: as `augmentation` of a training's settings. Equal seeds give equal pictures."""

    operations: list[dict[str, Any]] = Field(max_length=_MOST_OPERATIONS)
    seed: int = Field(1, ge=0, lt=2**31)


class PreviewedPictureAnswer(AnswerModel):
    """PNGs as base64, of at most 144 pixels a side."""

    original: str
    drawn: list[str]


class PreviewAnswer(AnswerModel):
    pictures: list[PreviewedPictureAnswer]


class EstimateQuery(RequestModel):
    architecture: Line
    epochs: int = Field(ge=1, le=100_000)
    width: Side | None = Field(None, description="Of what the network gets; absent: the architecture's own.")
    height: Side | None = None
    val_share: float = Field(0.1, ge=0, lt=1)
    test_share: float = Field(0.2, ge=0, lt=1)


class EstimateAnswer(AnswerModel):
    """`seconds`: of the whole training, null where nothing is known. Rough."""

    seconds: float | None
    train_count: int = Field(description="Pictures of the training part, about.")
    basis: Literal["earlier_run", "doctor", "unknown"]
    job_id: int | None = Field(description="The earlier training that it is made of.")


def register_previews(blueprint: Blueprint) -> None:
    """On the blueprint of trainings."""
    one = "/datasets/<id:dataset_id>"
    drawn = {200: Answer("A few pictures, and what was drawn of each", PreviewAnswer)}
    shown = Operation("What operations make of a few pictures", drawn, "Augmentation", body=PreviewRequest)
    register(blueprint, f"{one}/augmentation-preview", preview_augmentation, ["POST"], TRAIN, shown)
    estimate = {200: Answer("About how long", EstimateAnswer)}
    asked = Operation("How long a training may take", estimate, "Trainings", query=EstimateQuery)
    register(blueprint, f"{one}/training-estimate", estimate_training, ["GET"], VIEW, asked)


def preview_augmentation(dataset_id: int) -> ResponseReturnValue:
    body = read_json(PreviewRequest)
    pictures = current_management().runs.preview(dataset_id, body.operations, body.seed)
    answers = [PreviewedPictureAnswer(original=one.original, drawn=list(one.drawn)) for one in pictures]
    return respond(PreviewAnswer(pictures=answers))


def estimate_training(dataset_id: int) -> ResponseReturnValue:
    found = current_management().runs.estimate(dataset_id, Planned(**read_query(EstimateQuery).model_dump()))
    return respond(EstimateAnswer(**vars(found)))
