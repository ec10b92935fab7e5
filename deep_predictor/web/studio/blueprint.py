"""The studio: data sets, training and models in the browser. Its pages ask the management API and nothing else."""

from __future__ import annotations

from flask import Blueprint

from deep_predictor.web.studio.access_pages import add_access_pages
from deep_predictor.web.studio.dataset_pages import add_dataset_pages
from deep_predictor.web.studio.login_pages import add_login_pages
from deep_predictor.web.studio.model_pages import add_model_pages
from deep_predictor.web.studio.prediction_pages import add_prediction_pages
from deep_predictor.web.studio.training_pages import add_training_pages


def create_studio() -> Blueprint:
    """The blueprint `studio`."""
    blueprint = Blueprint("studio", __name__)
    add_login_pages(blueprint)
    add_dataset_pages(blueprint)
    add_training_pages(blueprint)
    add_model_pages(blueprint)
    add_prediction_pages(blueprint)
    add_access_pages(blueprint)
    return blueprint
