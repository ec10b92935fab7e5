"""Pages of data sets, and the cut-out tool."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.current import current_application, current_management, production_config
from deep_predictor.web.studio.rendering import page_operation, render_studio

#: Of a picture's form, besides the picture.
_FORM_BYTES = 16 * 1024


def add_dataset_pages(blueprint: Blueprint) -> None:
    one = "/studio/datasets/<id:dataset_id>"
    cut_out = page_operation("The cut-out tool")
    register(blueprint, "/studio/datasets", list_datasets, ["GET"], VIEW, page_operation("The page of all data sets"))
    register(blueprint, one, show_dataset, ["GET"], VIEW, page_operation("The page of one data set"))
    register(blueprint, f"{one}/doctor", examine_dataset, ["GET"], VIEW, page_operation("What the doctor found in it"))
    boxes = page_operation("The page that draws the boxes of a picture")
    register(blueprint, f"{one}/items/<id:item_id>", draw_boxes, ["GET"], VIEW, boxes)
    register(blueprint, "/studio/cutout", cut_out_picture, ["GET"], TRAIN, cut_out)


def list_datasets() -> ResponseReturnValue:
    return render_studio("datasets.html", "datasets")


def show_dataset(dataset_id: int) -> ResponseReturnValue:
    dataset = current_management().datasets.get(dataset_id)
    return render_studio("dataset.html", "datasets", dataset=dataset, limits=_limits())


def examine_dataset(dataset_id: int) -> ResponseReturnValue:
    datasets = current_management().datasets
    dataset = datasets.get(dataset_id)
    return render_studio("doctor.html", "datasets", dataset=dataset, has_report=datasets.doctor.has_report(dataset_id))


def draw_boxes(dataset_id: int, item_id: int) -> ResponseReturnValue:
    """Pictures of data sets without boxes are shown by the grid alone."""
    datasets = current_management().datasets
    dataset, item = datasets.get(dataset_id), datasets.get_item(dataset_id, item_id)
    if dataset.task != "detection":
        return redirect(url_for("studio.show_dataset", dataset_id=dataset_id), 303)
    return render_studio("boxes.html", "datasets", dataset=dataset, item=item)


def cut_out_picture() -> ResponseReturnValue:
    return render_studio("cutout.html", "datasets", limits=_limits())


def _limits() -> dict[str, Any]:
    """What may be sent: the scripts say so before they send gigabytes."""
    return {
        "extensions": ",".join(production_config().upload_options.supported_extensions),
        "picture_bytes": max(0, current_application().main_config.flask_options.max_content_length - _FORM_BYTES),
        "zip_bytes": current_management().library_options.max_dataset_zip_bytes,
    }
