"""Pages of models: all of them, one with what can be done with it, and one more that was trained elsewhere."""

from __future__ import annotations

from typing import get_args

from flask import Blueprint
from flask.typing import ResponseReturnValue

from deep_predictor.db.model_rows import ModelRecord
from deep_predictor.errors import NotFound, TrainingJobNotFound
from deep_predictor.images.preprocessing import ColorMode, ResizeFilter, ResizeMode
from deep_predictor.management import Management
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.current import current_management
from deep_predictor.web.studio.rendering import page_operation, render_studio

_CHOICES = {"color_mode": ColorMode, "resize_mode": ResizeMode, "resize_filter": ResizeFilter}


def add_model_pages(blueprint: Blueprint) -> None:
    one = "/studio/models/<id:model_id>"
    adding = page_operation("The page that adds a model which was trained elsewhere")
    register(blueprint, "/studio/models", list_models, ["GET"], VIEW, page_operation("The page of all models"))
    register(blueprint, "/studio/models/new", add_model, ["GET"], TRAIN, adding)
    register(blueprint, one, show_model, ["GET"], VIEW, page_operation("The page of one model"))


def list_models() -> ResponseReturnValue:
    return render_studio("models.html", "models")


def add_model() -> ResponseReturnValue:
    choices = {name: get_args(kind) for name, kind in _CHOICES.items()}
    return render_studio(
        "new_model.html", "models", choices=choices, max_bytes=current_management().models.max_model_bytes
    )


def show_model(model_id: int) -> ResponseReturnValue:
    management = current_management()
    model = management.models.get(model_id)
    facts = {"training_id": _training_of(model, management), "dataset_id": _dataset_of(model, management)}
    return render_studio("model.html", "models", model=model, **facts)


def _training_of(model: ModelRecord, management: Management) -> int | None:
    """The training that made it, where its page is still there; a search has none."""
    if model.origin != "trained" or model.job_id is None:
        return None
    try:
        return model.job_id if management.jobs.get(model.job_id).kind == "train" else None
    except TrainingJobNotFound:
        return None


def _dataset_of(model: ModelRecord, management: Management) -> int | None:
    try:
        return management.datasets.get(model.dataset_id).id if model.dataset_id is not None else None
    except NotFound:
        return None
