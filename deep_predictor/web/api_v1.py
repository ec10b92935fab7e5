"""/api/v1: predict in one call, the predictors, one prediction, its picture, and its deletion; production only."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from deep_predictor.environment import Environment
from deep_predictor.errors import PredictionNotFound, PredictionTimedOut, TooManyWaiting
from deep_predictor.predictions import running
from deep_predictor.predictions.cancelling import delete_prediction
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.submitting import submit_upload
from deep_predictor.results import PredictionStatus
from deep_predictor.web.access import KEY_OR_OPEN_UPLOADS, PREDICT_CREDENTIAL, PUBLIC, register
from deep_predictor.web.current import current_application, production_environment
from deep_predictor.web.json_format import answer_of, json_response, outcome_answer, predictor_details
from deep_predictor.web.long_poll import find_prediction, wait_seconds_of
from deep_predictor.web.predict_body import parse_predict
from deep_predictor.web.stored_image import image_response

#: POST /api/v1/predict waits this long; what is stored goes on after it.
PREDICT_SECONDS = 120.0


def create_api_v1() -> Blueprint:
    """The blueprint `api_v1`."""
    blueprint = Blueprint("api_v1", __name__, url_prefix="/api/v1")
    register(blueprint, "/predict", predict, ["POST"], PREDICT_CREDENTIAL)
    register(blueprint, "/predictors", predictors, ["GET"], PUBLIC)
    register(blueprint, "/predictions/<prediction_id>", prediction, ["GET"], PUBLIC)
    register(blueprint, "/predictions/<prediction_id>", delete, ["DELETE"], KEY_OR_OPEN_UPLOADS)
    register(blueprint, "/predictions/<prediction_id>/image", image, ["GET"], PUBLIC)
    return blueprint


def predict() -> ResponseReturnValue:
    """Upload and wait: 200 with the answer, whatever its status; 202 when it is not final in time."""
    application, environment = current_application(), production_environment()
    upload = parse_predict(request, environment, application.main_config.flask_options.max_content_length)
    with application.wait_slots.hold(upload.predictor_name) as granted:
        if not granted:
            raise TooManyWaiting
        job = submit_upload(environment, upload)
        job.wait(PREDICT_SECONDS)
    return _stored_answer(environment, job) if upload.store else _passing_answer(environment, job)


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
    record = find_prediction(environment, prediction_id)
    if record is None:
        raise PredictionNotFound(prediction_id)
    return image_response(environment, record)


def delete(prediction_id: str) -> ResponseReturnValue:
    """204: row and picture are gone, and nothing of it runs any more."""
    environment = production_environment()
    if find_prediction(environment, prediction_id) is None or not delete_prediction(environment, prediction_id):
        raise PredictionNotFound(prediction_id)
    return Response(status=204)


def _stored_answer(environment: Environment, job: Job) -> Response:
    record = job.record or environment.rows.find(job.prediction_id)
    if record is None:  # deleted while it was waited for
        raise PredictionNotFound(job.prediction_id)
    is_final = record.status != PredictionStatus.ACCEPTED
    response = json_response(answer_of(record, environment), 200 if is_final else 202)
    response.headers["Location"] = url_for("api_v1.prediction", prediction_id=job.prediction_id)
    return response


def _passing_answer(environment: Environment, job: Job) -> Response:
    """The answer of a prediction that is stored nowhere, so it ends here at the latest."""
    if job.outcome is None and current_application().stopping.is_set():
        delete_prediction(environment, job.prediction_id)
        raise TooManyWaiting
    if job.outcome is None and running.fail(job, PredictionTimedOut(PREDICT_SECONDS)):
        job.predictor.queue.discard(job)
    job.wait(PREDICT_SECONDS)
    if job.refusal:
        raise job.refusal
    if job.outcome is None:  # deleted while it was waited for
        raise PredictionNotFound(job.prediction_id)
    return json_response(outcome_answer(job, job.outcome))
