"""GET /api for production; GET /test-api and POST /test-upload for test: the same code, made twice."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from deep_predictor.environment import Environment
from deep_predictor.web import serving_operations as operations
from deep_predictor.web.access import PUBLIC, TEST_CREDENTIAL, register, wants_json
from deep_predictor.web.current import production_environment, test_environment
from deep_predictor.web.error_responses import problem
from deep_predictor.web.json_format import accepted_answer, answer_of, json_response, predictor_names, unknown_answer
from deep_predictor.web.long_poll import find_prediction, wait_seconds_of
from deep_predictor.web.operations import note_operation
from deep_predictor.web.upload_form import submit_form


def create_api() -> Blueprint:
    """The blueprint `api`: GET /api on production."""
    blueprint = Blueprint("api", __name__)
    _register_answer(blueprint, "/api", "production", production_environment)
    return blueprint


def create_test_api() -> Blueprint:
    """The blueprint `test_api`: GET /test-api and POST /test-upload on test."""
    blueprint = Blueprint("test_api", __name__)
    _register_answer(blueprint, "/test-api", "test", test_environment)
    register(blueprint, "/test-upload", send_upload, ["POST"], TEST_CREDENTIAL, operations.TEST_UPLOAD)
    return blueprint


def send_upload() -> ResponseReturnValue:
    """201 and `success`, or the accepted prediction to a client that asks for JSON."""
    environment = test_environment()
    job = submit_form(request, environment)
    if wants_json(request):
        return json_response(accepted_answer(job), 201)
    return _text("success", 201)


def _register_answer(
    blueprint: Blueprint, path: str, environment_name: str, get_environment: Callable[[], Environment]
) -> None:
    def answer() -> ResponseReturnValue:
        return _answer(get_environment())

    def note(state: BlueprintSetupState) -> None:
        note_operation(state.app, f"{state.name}.answer", operations.answer_operation(state.app, environment_name))

    register(blueprint, path, answer, ["GET"], PUBLIC)
    blueprint.record(note)


def _answer(environment: Environment) -> Response:
    """A prediction, or the list of predictors, or 400: the query's parameters are named in the cfg."""
    options = environment.config.api_options
    prediction_id = request.args.get(options.get_prediction_endpoint)
    if prediction_id:
        record = find_prediction(environment, prediction_id, wait_seconds_of(request))
        return json_response(answer_of(record, environment) if record else unknown_answer())
    if options.get_predictors_endpoint in request.args:
        return json_response({options.get_predictors_endpoint: predictor_names(environment)})
    if wants_json(request):
        return problem(400, "no_argument", options.default_api_response)
    return _text(options.default_api_response, 400)


def _text(text: str, status: int) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")
