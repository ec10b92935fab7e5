"""/api/v1/trainings/<id>/evaluation: how good the model of a training is, and its test pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from pydantic import Field

from deep_predictor.runs.evaluations import TestedPicture, Wanted, evaluation_of, tested_pictures
from deep_predictor.web.access import VIEW, register
from deep_predictor.web.current import current_management
from deep_predictor.web.management.evaluation_models import (
    AnyEvaluation,
    DetectionEvaluationAnswer,
    EvaluationAnswer,
    SegmentationEvaluationAnswer,
)
from deep_predictor.web.management.tested_models import (
    AnyTested,
    TestedBoxesAnswer,
    TestedMaskAnswer,
    TestedPictureAnswer,
)
from deep_predictor.web.operations import (
    Answer,
    Line,
    Operation,
    Page,
    PageQuery,
    page_of,
    read_query,
    respond,
)

TAG = "Trainings"
_EVALUATIONS: Mapping[str, type[AnyEvaluation]] = {
    "classification": EvaluationAnswer,
    "detection": DetectionEvaluationAnswer,
    "segmentation": SegmentationEvaluationAnswer,
}


class PicturesQuery(PageQuery):
    label: Line | None = Field(None, description="Of a detector: a class that is there.")
    predicted: Line | None = Field(None, description="Of a detector: a class that was found.")
    mistakes: bool = Field(False, description="Only those where something is wrong.")


def register_evaluation(blueprint: Blueprint, one: str) -> None:
    """`one`: the path of a training."""
    shown = {200: Answer("The figures of its task", AnyEvaluation)}
    show = Operation("How good its model is", shown, TAG)
    register(blueprint, f"{one}/evaluation", show_evaluation, ["GET"], VIEW, show)
    found = "Some of the pictures: of a classifier the most confident answer first, of the others the worst"
    pages = {200: Answer(found, Page[AnyTested])}
    listing = Operation("Its test pictures, and what the model said of them", pages, TAG, query=PicturesQuery)
    register(blueprint, f"{one}/evaluation/pictures", list_tested_pictures, ["GET"], VIEW, listing)


def show_evaluation(job_id: int) -> ResponseReturnValue:
    found = evaluation_of(current_management().runs.get(job_id, "train"))
    return respond(_EVALUATIONS[found.get("task", "classification")](**found))


def list_tested_pictures(job_id: int) -> ResponseReturnValue:
    query, management = read_query(PicturesQuery), current_management()
    wanted = Wanted(query.label, query.predicted, query.mistakes)
    job = management.runs.get(job_id, "train")
    count, pictures = tested_pictures(job, management.datasets, wanted, query.limit, query.offset)
    answers = [_answer(picture) for picture in pictures]
    return respond(Page[AnyTested](**page_of(answers, count, query)))


def _answer(picture: TestedPicture) -> AnyTested:
    item = picture.item
    place: dict[str, Any] = {"dataset_id": item.dataset_id, "item_id": item.id} if item else {}
    about = {
        "name": picture.name,
        "dataset_id": item.dataset_id if item else None,
        "item_id": item.id if item else None,
        "image": url_for("datasets_api.item_image", **place) if item else None,
        "thumbnail": url_for("datasets_api.item_thumbnail", **place) if item else None,
    }
    if "iou" in picture.said:
        mask = url_for("datasets_api.item_mask", **place) if item and item.mask_file else None
        return TestedMaskAnswer(**about, **picture.said, mask=mask)
    if "found_boxes" in picture.said:
        return TestedBoxesAnswer(**about, **picture.said)
    return TestedPictureAnswer(**about, **picture.said, label_now=item.label if item else None)
