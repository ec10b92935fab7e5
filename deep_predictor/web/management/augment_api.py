"""Augmented data sets, and cut-outs: POST /api/v1/datasets/<id>/augmentations and /api/v1/cutouts."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import AliasChoices, Field, model_validator

from deep_predictor.runs.augmenting import CANVAS_SIDE, AugmentOrder, Windows
from deep_predictor.runs.cutting import source_of
from deep_predictor.web.access import TRAIN, register
from deep_predictor.web.authentication import current_principal
from deep_predictor.web.current import current_application, current_management
from deep_predictor.web.management.job_answers import JobAnswer, accepted
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Line,
    Operation,
    RequestModel,
    read_json,
    respond,
)
from deep_predictor.web.predict_body import JSON_SLACK_BYTES, image_of_text

TAG = "Augmentation"
_MOST_LISTED = 100
#: Pixels of a picture of CANVAS_SIDE.
CanvasPixels = Annotated[int, Field(ge=1, lt=CANVAS_SIDE)]
Angle = Annotated[float, Field(ge=-360, le=360)]
Id = Annotated[int, Field(ge=1, le=999_999_999)]
#: Pixels from the left or top of an upright picture.
Coordinate = Annotated[int, Field(ge=0, le=1_000_000)]


class AugmentRequest(RequestModel):
    """Numbers may be texts. Scales and crop windows are pixels of a picture of 512 a side, angles are degrees."""

    number_backgrounds: int = Field(1, ge=1, le=1000)
    training_transforms: list[Annotated[str, Field(max_length=100)] | dict[str, Any]] = Field(
        [], max_length=_MOST_LISTED
    )
    testing_transforms: list[Annotated[str, Field(max_length=100)] | dict[str, Any]] = Field(
        [], max_length=_MOST_LISTED
    )
    scales: list[CanvasPixels] = Field([], max_length=_MOST_LISTED)
    flip_vertically: bool = False
    flip_horizontally: bool = False
    flip_both: bool = False
    angles: list[Angle] = Field([], max_length=_MOST_LISTED, validation_alias=AliasChoices("angles", "angels"))
    test_angles: list[Angle] = Field(
        [], max_length=_MOST_LISTED, validation_alias=AliasChoices("test_angles", "test_angels")
    )
    apply_occlusion: bool = Field(False, validation_alias=AliasChoices("apply_occlusion", "apply_occulsion"))
    occlusion_window: int = Field(
        0, ge=0, lt=CANVAS_SIDE, validation_alias=AliasChoices("occlusion_window", "occulsion_window")
    )
    occlusion_stride: int = Field(
        0, ge=0, lt=CANVAS_SIDE, validation_alias=AliasChoices("occlusion_stride", "occulsion_stride")
    )
    apply_center_crop: bool = False
    center_crop_windows: list[CanvasPixels] = Field([], max_length=_MOST_LISTED)
    combined: int = Field(0, ge=0, le=1000)
    seed: int = Field(1, ge=0, lt=2**32)
    backgrounds_dataset_id: Id | None = None
    cutouts_dataset_id: Id | None = None

    @model_validator(mode="after")
    def _has_windows(self) -> AugmentRequest:
        if self.apply_occlusion and not self.occlusion_window:
            raise ValueError("occlusion_window must be at least 1 where apply_occlusion is 1")
        if self.apply_center_crop and not self.center_crop_windows:
            raise ValueError("center_crop_windows must hold a window where apply_center_crop is 1")
        return self

    def to_order(self, backgrounds_dataset_id: int | None = None) -> AugmentOrder:
        window = self.occlusion_window
        plain = (
            "number_backgrounds training_transforms testing_transforms scales flip_vertically flip_horizontally "
            "flip_both angles test_angles combined seed cutouts_dataset_id"
        )
        return AugmentOrder(
            **{name: getattr(self, name) for name in plain.split()},
            occlusion=Windows(window, self.occlusion_stride or window) if self.apply_occlusion else None,
            center_crop_windows=self.center_crop_windows if self.apply_center_crop else (),
            backgrounds_dataset_id=self.backgrounds_dataset_id or backgrounds_dataset_id,
        )


class CutoutRequest(RequestModel):
    """`image`: base64, or a data URI. The box is in pixels of the upright picture; x2 and y2 are the first outside."""

    image: str
    x1: Coordinate
    y1: Coordinate
    x2: Coordinate
    y2: Coordinate
    dataset_id: Id | None = None
    label: Line | None = None

    @model_validator(mode="after")
    def _has_both_or_none(self) -> CutoutRequest:
        if (self.dataset_id is None) != (self.label is None):
            raise ValueError("dataset_id and label go together: the cut-out is stored there, or nowhere")
        return self


class CutoutAnswer(AnswerModel):
    """`output_image`: a PNG with transparency as base64. `item_id`: of the item that it became."""

    output_image: str
    item_id: int | None


def create_augment_api() -> Blueprint:
    """The blueprint `augment_api`."""
    blueprint = Blueprint("augment_api", __name__, url_prefix="/api/v1")
    queued = {202: Answer("Queued; what comes of it is a new data set", JobAnswer)}
    augmented = Operation("Make an augmented data set", queued, TAG, body=AugmentRequest)
    register(blueprint, "/datasets/<id:dataset_id>/augmentations", augment, ["POST"], TRAIN, augmented)
    answers = {200: Answer("The cut-out", CutoutAnswer)}
    cut = Operation("Cut out what a box holds", answers, TAG, body=CutoutRequest)
    register(blueprint, "/cutouts", cut_out, ["POST"], TRAIN, cut)
    return blueprint


def augment(dataset_id: int) -> ResponseReturnValue:
    order = read_json(AugmentRequest).to_order()
    return accepted(current_management().runs.augment(dataset_id, order, current_principal().user_id))


def cut_out() -> ResponseReturnValue:
    body = read_json(CutoutRequest, picture_body_bytes())
    management = current_management()
    if body.dataset_id:
        management.datasets.get(body.dataset_id)
    image, _ = image_of_text(body.image)
    cutout = management.runs.cut_out(image, (body.x1, body.y1, body.x2, body.y2))
    item_id = None
    if body.dataset_id and body.label:
        item_id = management.datasets.add_item(body.dataset_id, cutout, body.label, source=source_of(image)).id
    return respond(CutoutAnswer(output_image=base64.b64encode(cutout).decode(), item_id=item_id))


def picture_body_bytes() -> int:
    """Of a JSON body with one picture in it."""
    return current_application().main_config.flask_options.max_content_length * 4 // 3 + JSON_SLACK_BYTES
