"""/api/v1/datasets/<id>: class names, boxes and masks of data sets for detectors and segmenters; suggested boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from pydantic import Field

from deep_predictor.db.dataset_records import DatasetItem
from deep_predictor.predictions.asking import ask_predictor
from deep_predictor.results import Detection
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.current import current_application, current_management
from deep_predictor.web.management.box_forms import BoxAnswer, Boxes, box_answers, item_boxes
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Line,
    Operation,
    RequestModel,
    read_json,
    read_query,
    respond,
)
from deep_predictor.web.stored_image import picture_response

TAG = "Data sets"
MOST_CLASSES = 10_000


class ClassNamesBody(RequestModel):
    """The whole list in its new order. A class that is missing in it is removed, unless it is used."""

    class_names: list[Line] = Field(max_length=MOST_CLASSES)
    renamed: dict[Line, Line] = Field(
        default_factory=dict, max_length=MOST_CLASSES, description="Name until now -> new name, which is in the list."
    )


class ClassNamesAnswer(AnswerModel):
    class_names: list[str]
    version: int = Field(description="The data set's.")


class BoxesBody(RequestModel):
    """`boxes` null: nobody has looked at the picture yet; empty: there is nothing on it."""

    boxes: Boxes


class BoxesAnswer(AnswerModel):
    """`width`, `height`: pixels of the upright picture. `boxes` null: nobody has looked at it yet."""

    item_id: int
    width: int
    height: int
    boxes: list[BoxAnswer] | None


class MaskQuery(RequestModel):
    thumbnail: bool = Field(False, description="At most 160 pixels a side.")


class SuggestionBody(RequestModel):
    """`predictor`: a served detector's name."""

    predictor: str = Field(min_length=1, max_length=200)
    environment: Literal["production", "test"] = "production"
    min_confidence: float = Field(0, ge=0, le=1, description="The detector leaves out boxes under its own, too.")


class SuggestedBox(AnswerModel):
    """Centre and size as shares of the upright picture. `is_known`: `class_name` is one of the data set's."""

    class_name: str
    is_known: bool
    confidence: float
    cx: float
    cy: float
    w: float
    h: float


class SuggestionsAnswer(AnswerModel):
    """The most confident first. Nothing of it is stored."""

    item_id: int
    predictor: str
    boxes: list[SuggestedBox]


def register_boxes(blueprint: Blueprint, dataset_path: str) -> None:
    one = f"{dataset_path}/items/<id:item_id>"
    names = {200: Answer("The names as they are now", ClassNamesAnswer)}
    shown = {200: Answer("The boxes", BoxesAnswer)}
    suggested = {200: Answer("What the detector found", SuggestionsAnswer)}
    mask = {
        200: Answer("An indexed PNG, whose numbers are the places of the class names; 255: ignored", None, "image/png"),
        206: Answer("The part of it that was asked for", None, "image/png"),
        304: Answer("The client has it", media_type=None),
    }
    change = Operation("Add, rename, reorder and remove classes", names, TAG, body=ClassNamesBody)
    put = Operation("Say what is on an item's picture", shown, TAG, body=BoxesBody)
    suggest = Operation("Ask a served detector for boxes", suggested, TAG, body=SuggestionBody)
    shown_mask = Operation("An item's mask", mask, TAG, query=MaskQuery)
    register(blueprint, f"{dataset_path}/class_names", change_class_names, ["PUT"], TRAIN, change)
    register(blueprint, f"{one}/boxes", show_boxes, ["GET"], VIEW, Operation("An item's boxes", shown, TAG))
    register(blueprint, f"{one}/boxes", put_boxes, ["PUT"], TRAIN, put)
    register(blueprint, f"{one}/suggested_boxes", suggest_boxes, ["POST"], TRAIN, suggest)
    register(blueprint, f"{one}/mask", item_mask, ["GET"], VIEW, shown_mask)


def change_class_names(dataset_id: int) -> ResponseReturnValue:
    body, datasets = read_json(ClassNamesBody), current_management().datasets
    dataset = datasets.annotations.set_class_names(dataset_id, body.class_names, body.renamed)
    return respond(ClassNamesAnswer(class_names=list(dataset.class_names), version=dataset.version))


def show_boxes(dataset_id: int, item_id: int) -> ResponseReturnValue:
    return _boxes_response(current_management().datasets.get_item(dataset_id, item_id))


def put_boxes(dataset_id: int, item_id: int) -> ResponseReturnValue:
    datasets, boxes = current_management().datasets, item_boxes(read_json(BoxesBody).boxes)
    return _boxes_response(datasets.annotations.put_boxes(dataset_id, item_id, boxes))


def suggest_boxes(dataset_id: int, item_id: int) -> ResponseReturnValue:
    body, datasets = read_json(SuggestionBody), current_management().datasets
    item, class_names = datasets.get_item(dataset_id, item_id), datasets.get(dataset_id).class_names
    application = current_application()
    environment = application.production if body.environment == "production" else application.test
    picture = datasets.picture(item).read_bytes()
    outcome = ask_predictor(application, environment, body.predictor, "detection", picture)
    found = [one for one in outcome.items or () if isinstance(one, Detection) and one.confidence >= body.min_confidence]
    found.sort(key=lambda one: -one.confidence)
    boxes = [box for one in found if (box := _suggested(one, class_names))]
    return respond(SuggestionsAnswer(item_id=item_id, predictor=body.predictor, boxes=boxes))


def item_mask(dataset_id: int, item_id: int) -> Response:
    query, datasets = read_query(MaskQuery), current_management().datasets
    item = datasets.get_item(dataset_id, item_id)
    annotations = datasets.annotations
    return picture_response(annotations.mask_thumbnail(item) if query.thumbnail else annotations.mask(item))


def _suggested(found: Detection, class_names: Sequence[str]) -> SuggestedBox | None:
    """What of it lies in the picture; None where nothing does. Names that differ by case alone are one."""
    left, right = (min(max(found.cx_norm + side * found.w_norm / 2, 0.0), 1.0) for side in (-1, 1))
    top, bottom = (min(max(found.cy_norm + side * found.h_norm / 2, 0.0), 1.0) for side in (-1, 1))
    if right <= left or bottom <= top:
        return None
    alike = {name.casefold(): name for name in reversed(class_names)}
    name = found.class_name if found.class_name in class_names else alike.get(found.class_name.casefold())
    return SuggestedBox(
        class_name=name or found.class_name,
        is_known=name is not None,
        confidence=found.confidence,
        cx=(left + right) / 2,
        cy=(top + bottom) / 2,
        w=right - left,
        h=bottom - top,
    )


def _boxes_response(item: DatasetItem) -> Response:
    boxes = box_answers(current_management().datasets.annotations.boxes_of(item))
    return respond(BoxesAnswer(item_id=item.id, width=item.width, height=item.height, boxes=boxes))
