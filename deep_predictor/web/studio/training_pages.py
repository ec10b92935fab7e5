"""Pages of trainings: a new one, one run, several compared."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from deep_predictor.web.access import VIEW, register
from deep_predictor.web.studio.rendering import page_operation, render_studio


def add_training_pages(blueprint: Blueprint) -> None:
    register(blueprint, "/studio/trainings", list_trainings, ["GET"], VIEW, page_operation("The page of all trainings"))


def list_trainings() -> ResponseReturnValue:
    return render_studio("trainings.html", "trainings")
