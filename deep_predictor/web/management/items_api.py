"""/api/v1/datasets/<id>/items: labelled pictures, one at a time and in bulk."""

from __future__ import annotations

from typing import Any, Literal

from flask import Blueprint, Response, request, url_for
from pydantic import Field, model_validator
from werkzeug.exceptions import UnsupportedMediaType

from deep_predictor.datasets.library import Split
from deep_predictor.db.dataset_rows import Chosen, DatasetItem
from deep_predictor.errors import MissingField
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.current import current_application, current_management
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Line,
    Operation,
    Page,
    PageQuery,
    RequestModel,
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
MOST_IDS = 10_000
#: Of one list that is asked for by ids.
_MOST_LISTED_IDS = 200
_LONGEST_NAME = 300


class ItemsQuery(PageQuery):
    label: Line | None = None
    split: Split | None = Field(None, description="Empty: those whose split a training decides.")
    ids: str | None = Field(
        None,
        pattern=rf"^[1-9][0-9]{{0,8}}(,[1-9][0-9]{{0,8}}){{0,{_MOST_LISTED_IDS - 1}}}$",
        description=f"Only these, with commas between; at most {_MOST_LISTED_IDS}.",
    )

    def chosen(self) -> Chosen:
        ids = [int(item_id) for item_id in self.ids.split(",")] if self.ids else None
        return Chosen(ids, self.label, self.split)


class ItemForm(RequestModel):
    label: Line
    split: Split = ""


class ItemBody(ItemForm):
    image: str = Field(description="The picture as base64, or as a data URI.")
    filename: str = Field("", max_length=_LONGEST_NAME, description="What it is called, for people.")


class ItemChange(RequestModel):
    label: Line | None = None
    split: Split | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> ItemChange:
        if self.label is None and self.split is None:
            raise ValueError("label or split is needed")
        return self

    def values(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True)


class BulkBody(RequestModel):
    """Items by their ids, those of a label, a split or both, or all there are."""

    ids: list[int] | None = Field(None, max_length=MOST_IDS)
    label: Line | None = None
    split: Split | None = Field(None, description="Empty: those whose split a training decides.")
    all: bool = False
    action: Literal["relabel", "split", "delete"]
    value: str | None = Field(None, max_length=200, description="The new label or split; none to delete.")

    @model_validator(mode="after")
    def _fits_together(self) -> BulkBody:
        if (self.ids is not None) + (self.label is not None or self.split is not None) + self.all != 1:
            raise ValueError("one is needed: ids, or label and split, or all")
        if (self.value is None) != (self.action == "delete"):
            raise ValueError("value is needed to relabel and split, and has no meaning to delete")
        if any(not 0 < item_id < 2**31 for item_id in self.ids or ()):
            raise ValueError("an id is a number from 1")
        return self


class BulkAnswer(AnswerModel):
    changed: int = Field(description="Items that were there.")


class ItemAnswer(AnswerModel):
    """Sizes are of the upright picture in pixels, `size` is the file's in bytes; times are seconds since 1970."""

    id: int
    dataset_id: int
    label: str
    split: Split
    original_name: str
    source: str = Field(description="Items made from one original have the same; empty: an original.")
    sha256: str
    width: int
    height: int
    size: int
    added_at: float
    image: str = Field(description="Address of the picture.")
    thumbnail: str = Field(description="Address of a small JPEG.")


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
    query = read_query(ItemsQuery)
    items, count = current_management().datasets.items(dataset_id, query.chosen(), query.limit, query.offset)
    return respond(Page[ItemAnswer](**page_of([_facts(item) for item in items], count, query)))


def add_item(dataset_id: int) -> Response:
    form, data, filename = _read_item()
    item = current_management().datasets.add_item(dataset_id, data, form.label, form.split, filename)
    response = respond(ItemAnswer(**_facts(item)), 201)
    response.headers["Location"] = url_for("datasets_api.show_item", dataset_id=dataset_id, item_id=item.id)
    return response


def change_items(dataset_id: int) -> Response:
    body = read_json(BulkBody)
    datasets, chosen = current_management().datasets, Chosen(body.ids, body.label, body.split)
    if body.action == "delete":
        return respond(BulkAnswer(changed=datasets.delete_items(dataset_id, chosen)))
    values = {"label" if body.action == "relabel" else "split": body.value or ""}
    return respond(BulkAnswer(changed=datasets.change_items(dataset_id, chosen, **values)))


def show_item(dataset_id: int, item_id: int) -> Response:
    return respond(ItemAnswer(**_facts(current_management().datasets.get_item(dataset_id, item_id))))


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


def _facts(item: DatasetItem) -> dict[str, Any]:
    place: dict[str, Any] = {"dataset_id": item.dataset_id, "item_id": item.id}
    names = set(ItemAnswer.model_fields) - {"image", "thumbnail"}
    return {
        **{name: getattr(item, name) for name in names},
        "image": url_for("datasets_api.item_image", **place),
        "thumbnail": url_for("datasets_api.item_thumbnail", **place),
    }
