"""Pages of predictions: a gallery for admins, and many pictures at once."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from deep_predictor.web.access import ADMIN, register
from deep_predictor.web.studio.rendering import page_operation, render_studio


def add_prediction_pages(blueprint: Blueprint) -> None:
    register(
        blueprint, "/studio/predictions", list_predictions, ["GET"], ADMIN, page_operation("The page of predictions")
    )


def list_predictions() -> ResponseReturnValue:
    return render_studio("predictions.html", "predictions")
