"""The page of predictions: a gallery for admins."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from deep_predictor.web.access import ADMIN, register
from deep_predictor.web.current import production_environment
from deep_predictor.web.page_words import status_titles
from deep_predictor.web.studio.rendering import page_operation, render_studio


def add_prediction_pages(blueprint: Blueprint) -> None:
    operation = page_operation("The page of predictions")
    register(blueprint, "/studio/predictions", list_predictions, ["GET"], ADMIN, operation)


def list_predictions() -> ResponseReturnValue:
    """Predictors that are gone may be asked for too: the names are only proposals."""
    names = sorted(production_environment().predictors)
    return render_studio("predictions.html", "predictions", predictor_names=names, status_titles=status_titles())
