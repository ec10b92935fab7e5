"""The pages for people: home, upload, result, errors. What is checked and decided elsewhere is only shown here."""

from __future__ import annotations

import shlex
from typing import Any, Literal

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from deep_predictor.config.main_config import ProductionConfig
from deep_predictor.environment import Environment
from deep_predictor.errors import PredictionNotFound
from deep_predictor.publishing.examples import Example
from deep_predictor.web import serving_operations as operations
from deep_predictor.web.access import PUBLIC, UPLOAD_CREDENTIAL, register, wants_json
from deep_predictor.web.current import current_application, current_management, production_environment
from deep_predictor.web.json_format import accepted_answer, answer_of, json_response, predictor_details
from deep_predictor.web.long_poll import find_prediction
from deep_predictor.web.model_cards import choose_model, model_cards
from deep_predictor.web.page_words import (
    ERROR_TITLES,
    EXAMPLE_WORDS,
    KEEPING_WORDS,
    STATE_WORDS,
    status_words_for_script,
)
from deep_predictor.web.predict_body import make_id
from deep_predictor.web.result_page import empty_page
from deep_predictor.web.shown_prediction import page_addresses, shown_prediction
from deep_predictor.web.upload_form import submit_form
from deep_predictor.web.upload_limits import upload_limits
from deep_predictor.web.video_answers import video_limits

#: Stands for the id in the addresses that the upload page's script fills.
ID_PLACE = "PREDICTION_ID"

Credential = Literal["open", "recaptcha", "api_key", "none"]


def create_pages() -> Blueprint:
    """The blueprint `pages`: GET /, GET and POST /upload, GET /result/ID, and the two addresses that moved."""
    blueprint = Blueprint("pages", __name__)
    blueprint.add_app_template_filter(shlex.quote, "shell_word")
    register(blueprint, "/", home, ["GET"], PUBLIC, operations.HOME)
    register(blueprint, "/upload", upload, ["GET"], PUBLIC, operations.UPLOAD_PAGE)
    register(blueprint, "/upload", send_upload, ["POST"], UPLOAD_CREDENTIAL, operations.UPLOAD)
    register(blueprint, "/result/<prediction_id>", result, ["GET"], PUBLIC, operations.RESULT)
    register(blueprint, "/predictions/<prediction_id>", prediction, ["GET"], PUBLIC, operations.RESULT)
    register(blueprint, "/result", moved_home, ["GET"], PUBLIC, operations.MOVED)
    register(blueprint, "/test-upload", moved_home, ["GET"], PUBLIC, operations.MOVED)
    return blueprint


def home() -> ResponseReturnValue:
    if wants_json(request):
        return json_response({"predictors": predictor_details(production_environment())})
    return render_template(
        "pages/home.html",
        predict_address=url_for("api_v1.predict", _external=True),
        examples=_examples(production_environment()),
        example_words=EXAMPLE_WORDS,
        **_about_models(production_environment()),
    )


def upload() -> ResponseReturnValue:
    if wants_json(request):
        environment = production_environment()
        limits = {
            "supported_extensions": list(environment.config.upload_options.supported_extensions),
            "max_content_length": current_application().main_config.flask_options.max_content_length,
            "prediction_id_length": environment.config.api_options.prediction_id_length,
            **video_limits(environment),
        }
        return json_response({"predictors": predictor_details(environment), **limits})
    return render_upload_page()


def send_upload() -> ResponseReturnValue:
    """201 with the result page; refusals are raised, and `error_responses` turns them into pages."""
    environment = production_environment()
    job = submit_form(request, environment)
    if wants_json(request):
        return json_response(accepted_answer(job), 201)
    return _result_response(environment, job.prediction_id, 201)


def result(prediction_id: str) -> ResponseReturnValue:
    return _result_response(production_environment(), prediction_id, 200)


def prediction(prediction_id: str) -> ResponseReturnValue:
    """The same page by the name that lists of predictions give it."""
    return _result_response(production_environment(), prediction_id, 200, "pages.prediction")


def moved_home() -> ResponseReturnValue:
    return redirect(url_for("pages.home"), 308)


def render_upload_page(message: str = "", status: int = 200) -> ResponseReturnValue:
    """The upload page, with what went wrong the last time. The id in it is fresh, so the page is not to be cached."""
    environment = production_environment()
    config = _production_config(environment)
    credential = _credential(environment)
    about_models = _about_models(environment)
    page = render_template(
        "pages/upload.html",
        message=message,
        prediction_id=make_id(config.api_options.prediction_id_length),
        id_length=config.api_options.prediction_id_length,
        limits=upload_limits(environment),
        selected_model=choose_model(
            about_models["models"],
            request.form.get("model_name") if request.method == "POST" else request.args.get("model"),
            config.prediction_options.default_predictor_name,
        ),
        recaptcha_sitekey=config.recaptcha_options.recaptcha_sitekey,
        result=empty_page(
            page_addresses(environment, ID_PLACE, "pages.result"), may_cancel=credential in ("open", "api_key")
        ),
        status_words=status_words_for_script(),
        **about_models,
    )
    return _not_cached(page, status)


def render_error_page(status: int, text: str) -> ResponseReturnValue:
    """A page that says what went wrong; never fails for want of an environment."""
    return render_template(
        "pages/error.html", status=status, title=ERROR_TITLES.get(status, "Error"), text=text
    ), status


def _about_models(environment: Environment) -> dict[str, Any]:
    return {
        "models": model_cards(environment, current_management().library_options.examples),
        "state_words": STATE_WORDS,
        "keeping_words": KEEPING_WORDS,
        "credential": _credential(environment),
        "predictors_url": url_for("api_v1.predictors"),
    }


def _examples(environment: Environment) -> list[Example]:
    """Those that have no predictor yet."""
    return [one for one in current_management().examples.all() if one.predictor_name not in environment.predictors]


def _credential(environment: Environment) -> Credential:
    """What a person needs to upload on this server."""
    config = _production_config(environment)
    if config.upload_options.open_uploads:
        return "open"
    if config.recaptcha_options.recaptcha_secret_key:
        return "recaptcha"
    return "api_key" if config.api_options.api_key else "none"


def _result_response(
    environment: Environment, prediction_id: str, status: int, endpoint: str = "pages.result"
) -> ResponseReturnValue:
    """The prediction as a page, whose address is the endpoint's, or as JSON to a client that asks for it.

    Raises PredictionNotFound.
    """
    record = find_prediction(environment, prediction_id)
    if record is None:
        raise PredictionNotFound(prediction_id)
    if wants_json(request):
        return json_response(answer_of(record, environment), status)
    page = shown_prediction(
        environment,
        record,
        page_addresses(environment, prediction_id, endpoint),
        may_cancel=_credential(environment) == "open",
    )
    return _not_cached(
        render_template("pages/result.html", result=page, status_words=status_words_for_script()), status
    )


def _production_config(environment: Environment) -> ProductionConfig:
    assert isinstance(environment.config, ProductionConfig)
    return environment.config


def _not_cached(page: str, status: int) -> ResponseReturnValue:
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response
