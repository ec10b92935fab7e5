"""/api/v1/datasets/<id>/items: pictures with what is true of them, one at a time and in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import UnsupportedMediaType

from deep_predictor.db.dataset_records import Chosen, DatasetItem
from deep_predictor.errors import MissingField
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.current import current_application, current_management
from deep_predictor.web.management.box_forms import BoxAnswer, box_answers, item_boxes
from deep_predictor.web.management.item_models import (
    BulkAnswer,
    BulkBody,
    ItemAnswer,
    ItemBody,
    ItemChange,
    ItemForm,
    ItemsQuery,
)
from deep_predictor.web.operations import (
    Answer,
    Operation,
    Page,
    page_of,
    read_form,
    read_json,
    read_query,
    respond,
)
from deep_predictor.web.predict_body import JSON_SLACK_BYTES, image_of_text
from deep_predictor.web.stored_files import FORM_TYPE
from deep_predictor.web.stored_image import picture_response

TAG = "Data sets"


def register_items(blueprint: Blueprint, dataset_path: str) -> None:
    path = f"{dataset_path}/items"
    one = f"{path}/<id:item_id>"
    pages = {200: Answer("Some of the items, oldest first", Page[ItemAnswer])}
    shown = {200: Answer("The item", ItemAnswer)}
    added = {201: Answer("The item", ItemAnswer)}
    gone = {204: Answer("It is gone", media_type=None)}
    changed = {200: Answer("How many there were", BulkAnswer)}
    known = Answer("The client has it", media_type=None)
    picture = {
        200: Answer("The picture as it was sent", media_type="image/*"),
        206: Answer("The part of it that was asked for", media_type="image/*"),
        304: known,
    }
    thumbnail = {
        200: Answer("At most 160 pixels a side", media_type="image/jpeg"),
        206: Answer("The part of it that was asked for", media_type="image/jpeg"),
        304: known,
    }
    listing = Operation("List items", pages, TAG, query=ItemsQuery)
    add = Operation("Add an item", added, TAG, body=ItemBody, form=ItemForm, files=("image",))
    change = Operation("Relabel an item, or set its split", shown, TAG, body=ItemChange)
    bulk = Operation("Change many items", changed, TAG, body=BulkBody)
    register(blueprint, path, list_items, ["GET"], VIEW, listing)
    register(blueprint, path, add_item, ["POST"], TRAIN, add)
    register(blueprint, f"{path}/bulk", change_items, ["POST"], TRAIN, bulk)
    register(blueprint, one, show_item, ["GET"], VIEW, Operation("Show an item", shown, TAG))
    register(blueprint, one, change_item, ["PATCH"], TRAIN, change)
    register(blueprint, one, delete_item, ["DELETE"], TRAIN, Operation("Delete an item", gone, TAG))
    register(blueprint, f"{one}/image", item_image, ["GET"], VIEW, Operation("An item's picture", picture, TAG))
    register(
        blueprint, f"{one}/thumbnail", item_thumbnail, ["GET"], VIEW, Operation("An item's thumbnail", thumbnail, TAG)
    )


def list_items(dataset_id: int) -> Response:
    query, datasets = read_query(ItemsQuery), current_management().datasets
    chosen = datasets.annotations.chosen(dataset_id, query.wanted())
    items, count = datasets.items(dataset_id, chosen, query.limit, query.offset)
    return respond(Page[ItemAnswer](**page_of(_answers(dataset_id, items), count, query)))


def add_item(dataset_id: int) -> Response:
    form, data, filename = _read_item()
    datasets, boxes = current_management().datasets, form.boxes if isinstance(form, ItemBody) else None
    item = datasets.add_item(dataset_id, data, form.label or "", form.split, filename, boxes=item_boxes(boxes))
    response = respond(_answers(dataset_id, [item])[0], 201)
    response.headers["Location"] = url_for("datasets_api.show_item", dataset_id=dataset_id, item_id=item.id)
    return response


def change_items(dataset_id: int) -> Response:
    body = read_json(BulkBody)
    datasets = current_management().datasets
    chosen = datasets.annotations.chosen(dataset_id, body.wanted())
    if body.action == "delete":
        return respond(BulkAnswer(changed=datasets.delete_items(dataset_id, chosen)))
    if body.action in ("nothing_there", "not_annotated"):
        is_annotated = body.action == "nothing_there"
        return respond(BulkAnswer(changed=datasets.annotations.put_no_boxes(dataset_id, chosen, is_annotated)))
    values = {"label" if body.action == "relabel" else "split": body.value or ""}
    return respond(BulkAnswer(changed=datasets.change_items(dataset_id, chosen, **values)))


def show_item(dataset_id: int, item_id: int) -> Response:
    return respond(_answers(dataset_id, [current_management().datasets.get_item(dataset_id, item_id)])[0])


def change_item(dataset_id: int, item_id: int) -> Response:
    datasets, change = current_management().datasets, read_json(ItemChange)
    datasets.get_item(dataset_id, item_id)
    datasets.change_items(dataset_id, Chosen([item_id]), **change.values())
    return show_item(dataset_id, item_id)


def delete_item(dataset_id: int, item_id: int) -> Response:
    datasets = current_management().datasets
    datasets.get_item(dataset_id, item_id)
    datasets.delete_items(dataset_id, Chosen([item_id]))
    return Response(status=204)


def item_image(dataset_id: int, item_id: int) -> Response:
    datasets = current_management().datasets
    return picture_response(datasets.picture(datasets.get_item(dataset_id, item_id)))


def item_thumbnail(dataset_id: int, item_id: int) -> Response:
    datasets = current_management().datasets
    return picture_response(datasets.thumbnail(datasets.get_item(dataset_id, item_id)))


def _read_item() -> tuple[ItemForm, bytes, str]:
    """The fields, the picture, and what it is called. Raises RequestInvalid, MissingField, InvalidUploadBody."""
    if request.mimetype == FORM_TYPE:
        image = request.files.get("image")
        if image is None:
            raise MissingField("image")
        return read_form(ItemForm), image.read(), image.filename or ""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    most_bytes = current_application().main_config.flask_options.max_content_length
    body = read_json(ItemBody, most_bytes * 4 // 3 + JSON_SLACK_BYTES)
    return body, image_of_text(body.image)[0], body.filename


def _answers(dataset_id: int, items: Sequence[DatasetItem]) -> list[ItemAnswer]:
    annotations = current_management().datasets.annotations
    found = annotations.boxes_of_all(dataset_id, items)
    return [_answer(item, box_answers(boxes)) for item, boxes in zip(items, found, strict=True)]


def _answer(item: DatasetItem, boxes: list[BoxAnswer] | None) -> ItemAnswer:
    place: dict[str, Any] = {"dataset_id": item.dataset_id, "item_id": item.id}
    names = set(ItemAnswer.model_fields) - {"image", "thumbnail", "mask", "boxes"}
    return ItemAnswer(
        **{name: getattr(item, name) for name in names},
        boxes=boxes,
        image=url_for("datasets_api.item_image", **place),
        thumbnail=url_for("datasets_api.item_thumbnail", **place),
        mask=url_for("datasets_api.item_mask", **place) if item.mask_file else None,
    )
