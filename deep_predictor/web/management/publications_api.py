"""Publishing: /api/v1/models/<id>/publish and /api/v1/publications."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Blueprint, Response
from pydantic import AfterValidator, Field

from deep_predictor.db.model_rows import ModelRecord, PublicationRecord
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.authentication import current_principal
from deep_predictor.web.current import current_management
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Line,
    Operation,
    Page,
    PageQuery,
    RequestModel,
    page_of,
    read_json,
    read_query,
    respond,
)

TAG = "Publishing"
PATH = "/api/v1/publications"

EnvironmentName = Literal["production", "test"]


def _no_slash(text: str) -> str:
    if "/" in text:
        raise ValueError("must not hold a slash")
    return text


#: Stands in addresses.
ModelName = Annotated[Line, Field(max_length=100), AfterValidator(_no_slash)]


class PublishBody(RequestModel):
    environment: EnvironmentName
    predictor_name: ModelName | None = Field(None, description="Absent: the model's name.")


class Place(AnswerModel):
    """Where a model is served."""

    environment: EnvironmentName
    predictor_name: str


class ServedModel(AnswerModel):
    model_id: int
    model_name: str
    model_version: int


class PublicationAnswer(ServedModel, Place):
    state: Literal["loading", "ready", "failed"] | None = Field(
        description="The predictor's; null where the main config has a predictor of this name, which goes before it."
    )
    published_by: int | None
    published_at: float
    earlier: ServedModel | None = Field(description="What going back would serve; null: there is nothing.")


def register_publications(blueprint: Blueprint, model_path: str) -> None:
    """Add the routes to the blueprint of the models."""
    name = f"{PATH}/<any(production, test):environment>/<predictor_name>"
    served = {200: Answer("What is served now", PublicationAnswer)}
    some = {200: Answer("What is published, oldest first", Page[PublicationAnswer])}
    gone = {204: Answer("The name is served no more", media_type=None)}
    publish = Operation(
        "Publish a model as a predictor",
        served,
        TAG,
        body=PublishBody,
        description="Answers when the model is ready and has the name. 409 with the reason's code when it cannot "
        "become ready: then nothing has changed.",
    )
    roll_back = Operation("Serve what was published before", served, TAG)
    register(blueprint, f"{model_path}/publish", publish_model, ["POST"], TRAIN, publish)
    register(blueprint, PATH, list_publications, ["GET"], VIEW, Operation("List", some, TAG, query=PageQuery))
    register(blueprint, f"{name}/rollback", roll_back_publication, ["POST"], TRAIN, roll_back)
    register(blueprint, name, unpublish, ["DELETE"], TRAIN, Operation("Unpublish a predictor", gone, TAG))


def publish_model(model_id: int) -> Response:
    body, models = read_json(PublishBody), current_management().models
    name = body.predictor_name or models.get(model_id).name
    return respond(_answer(models.publisher.publish(model_id, body.environment, name, current_principal().user_id)))


def list_publications() -> Response:
    query, publications = read_query(PageQuery), current_management().models.publisher.published()
    some = [_answer(one) for one in publications[query.offset : query.offset + query.limit]]
    return respond(Page[PublicationAnswer](**page_of(some, len(publications), query)))


def roll_back_publication(environment: str, predictor_name: str) -> Response:
    publisher = current_management().models.publisher
    return respond(_answer(publisher.roll_back(environment, predictor_name, current_principal().user_id)))


def unpublish(environment: str, predictor_name: str) -> Response:
    current_management().models.publisher.unpublish(environment, predictor_name, current_principal().user_id)
    return Response(status=204)


def _answer(publication: PublicationRecord) -> PublicationAnswer:
    models = current_management().models
    assert publication.model_id is not None
    earlier_id = models.publisher.earlier_model(publication)
    names = ("environment", "predictor_name", "published_by", "published_at")
    return PublicationAnswer(
        **{name: getattr(publication, name) for name in names},
        **_served(models.get(publication.model_id)).model_dump(),
        state=models.publisher.state_of(publication),
        earlier=_served(models.get(earlier_id)) if earlier_id is not None else None,
    )


def _served(model: ModelRecord) -> ServedModel:
    return ServedModel(model_id=model.id, model_name=model.name, model_version=model.version)
