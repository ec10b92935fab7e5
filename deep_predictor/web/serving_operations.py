"""The operations of the serving routes: pages, /api, /api/v1, /health."""

from __future__ import annotations

from typing import Any

from flask.sansio.app import App
from pydantic import Field, create_model

from deep_predictor.environment import Application
from deep_predictor.web import wire_models
from deep_predictor.web.operations import Answer, Operation, RequestModel

PAGES, PREDICTIONS, HEALTH = "Pages", "Predictions", "Health"
_HTML = "text/html"
_TEXT = "text/plain"

HOME = Operation(
    "The home page",
    {200: Answer("The page, or the predictors", wire_models.PredictorsAnswer, also=[_HTML])},
    PAGES,
)
UPLOAD_PAGE = Operation(
    "The upload page",
    {200: Answer("The page, or what an upload may be", wire_models.UploadPageAnswer, also=[_HTML])},
    PAGES,
    query=wire_models.UploadPageQuery,
)
UPLOAD = Operation(
    "Upload a picture",
    {201: Answer("Accepted: the result page, or the prediction", wire_models.PredictionAnswer, also=[_HTML])},
    PREDICTIONS,
    form=wire_models.UploadForm,
    files=["image"],
    description="The client makes the id and asks for it until its status is not 100. Clients that do not ask for "
    "JSON get the statuses and texts of the older contract.",
)
TEST_UPLOAD = Operation(
    "Upload a picture to the test environment",
    {201: Answer("Accepted: `success`, or the prediction", wire_models.PredictionAnswer, also=[_TEXT])},
    PREDICTIONS,
    form=wire_models.TestUploadForm,
    files=["image"],
)
RESULT = Operation(
    "The page of one prediction",
    {200: Answer("The page, or the prediction", wire_models.PredictionAnswer, also=[_HTML])},
    PAGES,
)
MOVED = Operation("The home page, by an older address", {308: Answer("It is at /", None, _HTML)}, PAGES)
PREDICT = Operation(
    "Upload, wait and answer in one call",
    {
        200: Answer("Final, also when it failed", wire_models.PredictAnswer),
        202: Answer("Not final within two minutes; it goes on", wire_models.PredictAnswer),
    },
    PREDICTIONS,
    query=wire_models.PredictQuery,
    body=wire_models.PredictJson,
    form=wire_models.PredictForm,
    files=["image"],
    raw=["image/*", "application/octet-stream"],
    description="With a form or JSON its fields count; the query is for a picture that is the whole body.",
)
PREDICTORS = Operation("List the predictors", {200: Answer("All of them", wire_models.PredictorsAnswer)}, PREDICTIONS)
PREDICTION = Operation(
    "One prediction",
    {200: Answer("It, whatever its status", wire_models.PredictionAnswer)},
    PREDICTIONS,
    query=wire_models.WaitQuery,
)
DELETE = Operation("Delete a prediction and its picture", {204: Answer("It is gone", None, None)}, PREDICTIONS)
IMAGE = Operation(
    "A prediction's picture",
    {
        200: Answer("As it was stored, or with what was asked for over it", None, "image/*"),
        206: Answer("The part of it that was asked for", None, "image/*"),
        304: Answer("The client has it", None, None),
    },
    PREDICTIONS,
    query=wire_models.ImageQuery,
)
MASK = Operation(
    "A prediction's mask",
    {
        200: Answer(
            "An indexed PNG of the picture's size, whose numbers are the classes; or what was asked for",
            wire_models.PolygonsAnswer | wire_models.RunLengthsAnswer,
            also=["image/png"],
        ),
        206: Answer("The part of it that was asked for", None, "image/png"),
        304: Answer("The client has it", None, None),
    },
    PREDICTIONS,
    query=wire_models.MaskQuery,
)
_VIDEO = "video/*"
VIDEO = Operation(
    "A prediction's video",
    {
        200: Answer("With what was seen drawn on it, or the original", None, _VIDEO),
        206: Answer("The part of it that was asked for", None, _VIDEO),
        304: Answer("The client has it", None, None),
    },
    PREDICTIONS,
    query=wire_models.VideoQuery,
)
FRAMES = Operation(
    "What was seen on each predicted frame of a video",
    {
        200: Answer("JSON lines: frame, second, predictions", None, wire_models.JSON_LINES),
        206: Answer("The part of it that was asked for", None, wire_models.JSON_LINES),
        304: Answer("The client has it", None, None),
    },
    PREDICTIONS,
)
LIVE = Operation("Whether the process answers", {200: Answer("It does", wire_models.LiveAnswer)}, HEALTH)
READY = Operation(
    "Whether the server can predict",
    {
        200: Answer("It can", wire_models.ReadyAnswer),
        503: Answer("A required predictor is not ready", wire_models.ReadyAnswer),
    },
    HEALTH,
    query=wire_models.ReadyQuery,
)
STATIC = Operation(
    "Styles, scripts and pictures of the pages",
    {
        200: Answer("The file", None, "*/*"),
        206: Answer("The part of it that was asked for", None, "*/*"),
        304: Answer("The client has it", None, None),
    },
    PAGES,
)


def answer_operation(app: App, environment_name: str) -> Operation:
    """GET /api or /test-api: its parameters are named in the cfg."""
    application: Application = app.extensions["deep_predictor"]
    config = next(one.config for one in application.environments if one.name == environment_name)
    options = config.api_options
    of_id = Field(None, alias=options.get_prediction_endpoint, description="the prediction that is asked for")
    of_list = Field(None, alias=options.get_predictors_endpoint, description="there, even empty: list the predictors")
    fields: dict[str, Any] = {"of_id": (str | None, of_id), "of_list": (str | None, of_list)}
    query: type[RequestModel] = create_model(
        f"{environment_name.title()}Query", __base__=wire_models.WaitQuery, **fields
    )
    kinds = wire_models.PredictionAnswer | wire_models.UnknownAnswer | wire_models.PredictorNames
    return Operation(
        f"A prediction, or the predictors, of {environment_name}",
        {200: Answer("Also for an unknown id and for a failed prediction", kinds)},
        PREDICTIONS,
        query=query,
    )
