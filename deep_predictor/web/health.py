"""Whether the process answers, and whether it can predict."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from deep_predictor.errors import UnknownPredictor
from deep_predictor.web import serving_operations as operations
from deep_predictor.web.access import PUBLIC, register
from deep_predictor.web.current import production_environment
from deep_predictor.web.error_responses import problem
from deep_predictor.web.json_format import json_response, state_of


def create_health() -> Blueprint:
    """The blueprint `health`: GET /health/live and GET /health/ready."""
    blueprint = Blueprint("health", __name__, url_prefix="/health")
    register(blueprint, "/live", live, ["GET"], PUBLIC, operations.LIVE)
    register(blueprint, "/ready", ready, ["GET"], PUBLIC, operations.READY)
    return blueprint


def live() -> ResponseReturnValue:
    return json_response({"status": "live"})


def ready() -> ResponseReturnValue:
    """200 when there are required production predictors and all are ready; with `?predictor=NAME`, that one alone."""
    predictors = production_environment().predictors
    name = request.args.get("predictor")
    if name is not None:
        if name not in predictors:
            return problem(404, UnknownPredictor.code, "There is no such predictor")
        asked = [predictors[name]]
    else:
        asked = [predictor for predictor in predictors.values() if predictor.required]
    is_ready = bool(asked) and all(predictor.state == "ready" for predictor in asked)
    shown = asked if name is not None else predictors.values()
    body = {
        "status": "ready" if is_ready else "not ready",
        "predictors": {predictor.name: state_of(predictor) for predictor in shown},
    }
    return json_response(body, 200 if is_ready else 503)
