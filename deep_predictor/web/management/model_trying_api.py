"""POST /api/v1/models/<id>/predict: what a model of the library says of one picture, published or not."""

from __future__ import annotations

from flask import Blueprint, Response, request
from pydantic import Field
from werkzeug.exceptions import UnsupportedMediaType

from deep_predictor.errors import MissingField
from deep_predictor.results import top_label
from deep_predictor.web.access import VIEW, register
from deep_predictor.web.current import current_application, current_management
from deep_predictor.web.json_format import SECONDS_DECIMALS
from deep_predictor.web.operations import Answer, AnswerModel, Operation, RequestModel, read_form, read_json, respond
from deep_predictor.web.predict_body import JSON_SLACK_BYTES, image_of_text
from deep_predictor.web.stored_files import FORM_TYPE
from deep_predictor.web.wire_models import ClassItem, FoundItem, ShareItem

TAG = "Models"


class TryForm(RequestModel):
    """Nothing beside the picture."""


class TryBody(RequestModel):
    image: str = Field(description="The picture as base64, or as a data URI.")


class TryAnswer(AnswerModel):
    """What the model says."""

    model_id: int
    predictions: list[ClassItem | FoundItem | ShareItem]
    results: str = Field(description="The top label, empty when there is none.")
    confidence: float | None = Field(description="The top label's.")
    seconds: float = Field(description="From the picture's acceptance; a model is loaded before that.")


def register_trying(blueprint: Blueprint, model_path: str) -> None:
    """Add the route to the blueprint of the models."""
    operation = Operation(
        "Try a model on a picture",
        {200: Answer("What it says", TryAnswer)},
        TAG,
        body=TryBody,
        form=TryForm,
        files=("image",),
        description="Nothing is stored. A model that is not published is loaded for it, which takes a moment. "
        "409 with the reason's code when it cannot be loaded, or fails.",
    )
    register(blueprint, f"{model_path}/predict", try_model, ["POST"], VIEW, operation)


def try_model(model_id: int) -> Response:
    outcome = current_management().models.outcome_with(model_id, _read_picture())
    items = [item.to_dict() for item in outcome.items or ()]
    label, confidence = top_label(items)
    return respond(
        TryAnswer(
            model_id=model_id,
            predictions=items,
            results=label,
            confidence=confidence,
            seconds=round(outcome.seconds, SECONDS_DECIMALS),
        )
    )


def _read_picture() -> bytes:
    """Raises MissingField, RequestInvalid, InvalidUploadBody, UnsupportedMediaType."""
    if request.mimetype == FORM_TYPE:
        image = request.files.get("image")
        if image is None:
            raise MissingField("image")
        read_form(TryForm)
        return image.read()
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    most_bytes = current_application().main_config.flask_options.max_content_length
    return image_of_text(read_json(TryBody, most_bytes * 4 // 3 + JSON_SLACK_BYTES).image)[0]
