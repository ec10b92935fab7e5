"""/api/v1/trainings/<id>/evaluation: how good the model of a training is, and its test pictures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from pydantic import Field

from deep_predictor.runs.evaluations import TestedPicture, Wanted, evaluation_of, tested_pictures
from deep_predictor.web.access import VIEW, register
from deep_predictor.web.current import current_management
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Line,
    Operation,
    Page,
    PageQuery,
    page_of,
    read_query,
    respond,
)

TAG = "Trainings"


class PartFigures(AnswerModel):
    """Of one part. `ece`: expected calibration error; `loss`: mean cross-entropy; shares are 0 to 1."""

    count: int
    accuracy: float
    top5_accuracy: float
    ece: float
    loss: float


class ClassFigures(AnswerModel):
    """`count`: test pictures of the class."""

    class_name: str
    count: int
    precision: float
    recall: float
    f1: float


class TestFigures(PartFigures):
    """`confusion_matrix[i][j]`: how many pictures of class i were called class j."""

    #: pytest is not to look for tests in it.
    __test__ = False

    classes: list[ClassFigures]
    confusion_matrix: list[list[int]]


class ThresholdFigures(AnswerModel):
    """What a confidence threshold does: shares of the pictures, `right_share` of the accepted."""

    threshold: float
    target: float
    accepted_share: float
    not_confident_share: float
    right_share: float
    wilson_lower: float = Field(description="The lower end of the 95 % interval of right_share.")
    is_reached: bool = Field(description="Whether that reaches the target.")


class CalibrationBin(AnswerModel):
    """Answers of a confidence above `lower`, up to `upper`."""

    lower: float
    upper: float
    count: int
    mean_confidence: float
    right_share: float


class TrainedOn(AnswerModel):
    """Pictures in each part."""

    name: str
    sha256: str
    train_count: int
    val_count: int
    test_count: int


class EvaluationAnswer(AnswerModel):
    """Figures of what is served, on the test part, which no choice was made on."""

    class_names: list[str]
    dataset: TrainedOn
    best_epoch: int
    temperature: float
    threshold: ThresholdFigures = Field(description="On the validation part, where it was chosen.")
    threshold_on_test: ThresholdFigures
    is_threshold_fixed: bool = Field(description="Whether the settings say it.")
    val: PartFigures
    test: TestFigures
    before_temperature: PartFigures = Field(description="Of the test part, as the network itself says it.")
    calibration: list[CalibrationBin]


class PicturesQuery(PageQuery):
    label: Line | None = None
    predicted: Line | None = None
    mistakes: bool = Field(False, description="Only those that got a wrong class.")


class TestedPictureAnswer(AnswerModel):
    """`label`: the one that it was tested by. Where the item is gone, what tells of it is null."""

    #: pytest is not to look for tests in it.
    __test__ = False

    name: str
    label: str
    predicted: str
    confidence: float
    dataset_id: int | None
    item_id: int | None
    label_now: str | None
    image: str | None = Field(description="Address of the picture.")
    thumbnail: str | None = Field(description="Address of a small JPEG.")


def register_evaluation(blueprint: Blueprint, one: str) -> None:
    """`one`: the path of a training."""
    shown = {200: Answer("The figures", EvaluationAnswer)}
    show = Operation("How good its model is", shown, TAG)
    register(blueprint, f"{one}/evaluation", show_evaluation, ["GET"], VIEW, show)
    pages = {200: Answer("Some of the pictures, the most confident answer first", Page[TestedPictureAnswer])}
    listing = Operation("Its test pictures, and what the model said of them", pages, TAG, query=PicturesQuery)
    register(blueprint, f"{one}/evaluation/pictures", list_tested_pictures, ["GET"], VIEW, listing)


def show_evaluation(job_id: int) -> ResponseReturnValue:
    return respond(EvaluationAnswer(**evaluation_of(current_management().runs.get(job_id, "train"))))


def list_tested_pictures(job_id: int) -> ResponseReturnValue:
    query, management = read_query(PicturesQuery), current_management()
    wanted = Wanted(query.label, query.predicted, query.mistakes)
    job = management.runs.get(job_id, "train")
    count, pictures = tested_pictures(job, management.datasets, wanted, query.limit, query.offset)
    answers = [TestedPictureAnswer(**_facts(picture)) for picture in pictures]
    return respond(Page[TestedPictureAnswer](**page_of(answers, count, query)))


def _facts(picture: TestedPicture) -> dict[str, Any]:
    item = picture.item
    place: dict[str, Any] = {"dataset_id": item.dataset_id, "item_id": item.id} if item else {}
    return {
        **{name: getattr(picture, name) for name in ("name", "label", "predicted", "confidence")},
        "dataset_id": item.dataset_id if item else None,
        "item_id": item.id if item else None,
        "label_now": item.label if item else None,
        "image": url_for("datasets_api.item_image", **place) if item else None,
        "thumbnail": url_for("datasets_api.item_thumbnail", **place) if item else None,
    }
