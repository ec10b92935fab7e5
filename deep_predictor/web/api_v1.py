"""/api/v1: predict in one call, the predictors, one prediction, its picture, and its deletion; production only."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.environment import Environment
from deep_predictor.errors import PredictionNotFound
from deep_predictor.predictions.cancelling import delete_prediction
from deep_predictor.web import serving_operations as operations
from deep_predictor.web.access import KEY_OR_OPEN_UPLOADS, PREDICT_CREDENTIAL, PUBLIC, register
from deep_predictor.web.current import current_application, production_environment
from deep_predictor.web.drawn_results import annotated_response, mask_response, thumbnail_response
from deep_predictor.web.explained_image import explained_response
from deep_predictor.web.json_format import answer_of, json_response, predictor_details
from deep_predictor.web.long_poll import find_prediction, wait_seconds_of
from deep_predictor.web.operations import read_query
from deep_predictor.web.predict_body import parse_predict
from deep_predictor.web.predicting import predict_upload
from deep_predictor.web.stored_image import image_response
from deep_predictor.web.video_answers import frames_response, video_response
from deep_predictor.web.wire_models import ImageQuery, MaskQuery, VideoQuery


def create_api_v1() -> Blueprint:
    """The blueprint `api_v1`."""
    blueprint = Blueprint("api_v1", __name__, url_prefix="/api/v1")
    register(blueprint, "/predict", predict, ["POST"], PREDICT_CREDENTIAL, operations.PREDICT)
    register(blueprint, "/predictors", predictors, ["GET"], PUBLIC, operations.PREDICTORS)
    register(blueprint, "/predictions/<prediction_id>", prediction, ["GET"], PUBLIC, operations.PREDICTION)
    register(blueprint, "/predictions/<prediction_id>", delete, ["DELETE"], KEY_OR_OPEN_UPLOADS, operations.DELETE)
    register(blueprint, "/predictions/<prediction_id>/image", image, ["GET"], PUBLIC, operations.IMAGE)
    register(blueprint, "/predictions/<prediction_id>/mask", mask, ["GET"], PUBLIC, operations.MASK)
    register(blueprint, "/predictions/<prediction_id>/video", video, ["GET"], PUBLIC, operations.VIDEO)
    register(blueprint, "/predictions/<prediction_id>/frames", frames, ["GET"], PUBLIC, operations.FRAMES)
    return blueprint


def predict() -> ResponseReturnValue:
    """Upload and wait: 200 with the answer, whatever its status; 202 when it is not final in time."""
    application, environment = current_application(), production_environment()
    upload = parse_predict(request, environment, application.main_config.flask_options.max_content_length)
    answered = predict_upload(application, upload)
    response = json_response(answered.answer, answered.status)
    if answered.stored_id:
        response.headers["Location"] = url_for("api_v1.prediction", prediction_id=answered.stored_id)
    return response


def predictors() -> ResponseReturnValue:
    return json_response({"predictors": predictor_details(production_environment())})


def prediction(prediction_id: str) -> ResponseReturnValue:
    environment = production_environment()
    record = find_prediction(environment, prediction_id, wait_seconds_of(request))
    if record is None:
        raise PredictionNotFound(prediction_id)
    return json_response(answer_of(record, environment))


def image(prediction_id: str) -> ResponseReturnValue:
    environment = production_environment()
    query = read_query(ImageQuery)
    record = find_prediction(environment, prediction_id)
    if record is None:
        raise PredictionNotFound(prediction_id)
    if query.annotated:
        return annotated_response(environment, record, query.opacity, query.shown_classes)
    if query.explain:
        return explained_response(environment, record, query.class_index, query.opacity)
    if query.thumbnail:
        return thumbnail_response(environment, record)
    return image_response(environment, record)


def mask(prediction_id: str) -> ResponseReturnValue:
    environment = production_environment()
    query = read_query(MaskQuery)
    record = find_prediction(environment, prediction_id)
    if record is None:
        raise PredictionNotFound(prediction_id)
    return mask_response(environment, record, query.format)


def video(prediction_id: str) -> ResponseReturnValue:
    environment = production_environment()
    query = read_query(VideoQuery)
    return video_response(environment, _found(environment, prediction_id), query.original)


def frames(prediction_id: str) -> ResponseReturnValue:
    environment = production_environment()
    return frames_response(environment, _found(environment, prediction_id))


def _found(environment: Environment, prediction_id: str) -> PredictionRecord:
    record = find_prediction(environment, prediction_id)
    if record is None:
        raise PredictionNotFound(prediction_id)
    return record


def delete(prediction_id: str) -> ResponseReturnValue:
    """204: row and picture are gone, and nothing of it runs any more."""
    environment = production_environment()
    if find_prediction(environment, prediction_id) is None or not delete_prediction(environment, prediction_id):
        raise PredictionNotFound(prediction_id)
    return Response(status=204)
