"""Pages of models: all of them, and one with its versions."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from deep_predictor.web.access import VIEW, register
from deep_predictor.web.studio.rendering import page_operation, render_studio


def add_model_pages(blueprint: Blueprint) -> None:
    register(blueprint, "/studio/models", list_models, ["GET"], VIEW, page_operation("The page of all models"))


def list_models() -> ResponseReturnValue:
    return render_studio("models.html", "models")
