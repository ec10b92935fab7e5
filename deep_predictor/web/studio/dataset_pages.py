"""Pages of data sets, and the cut-out tool."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from deep_predictor.web.access import VIEW, register
from deep_predictor.web.studio.rendering import page_operation, render_studio


def add_dataset_pages(blueprint: Blueprint) -> None:
    register(blueprint, "/studio/datasets", list_datasets, ["GET"], VIEW, page_operation("The page of all data sets"))


def list_datasets() -> ResponseReturnValue:
    return render_studio("datasets.html", "datasets")
