"""What a model said of a test picture, as JSON: of a classifier, a detector or a segmenter."""

from __future__ import annotations

from pydantic import Field

from deep_predictor.web.management.box_forms import BoxAnswer
from deep_predictor.web.operations import AnswerModel


class _TestedAnswer(AnswerModel):
    """Where the item is gone, what tells of it is null."""

    name: str
    dataset_id: int | None
    item_id: int | None
    image: str | None = Field(description="Address of the picture.")
    thumbnail: str | None = Field(description="Address of a small JPEG.")


class TestedPictureAnswer(_TestedAnswer):
    """Of a classifier. `label`: the one that it was tested by. Where the item is gone, what tells of it is null."""

    #: pytest is not to look for tests in it.
    __test__ = False

    label: str
    predicted: str
    confidence: float
    label_now: str | None


class TrueBox(BoxAnswer):
    is_found: bool


class FoundBox(AnswerModel):
    """In a region of a crowd a box is neither right nor wrong."""

    class_name: str
    cx: float
    cy: float
    w: float
    h: float
    confidence: float
    is_right: bool
    is_wrong: bool


class TestedBoxesAnswer(_TestedAnswer):
    """Of a detector, at its threshold. `true_boxes`: those that it was tested by."""

    __test__ = False

    false_count: int
    missed_count: int
    true_boxes: list[TrueBox]
    found_boxes: list[FoundBox]


class TestedMaskAnswer(_TestedAnswer):
    """Of a segmenter. `iou`: the mean over the classes that are there or were found, without the background."""

    __test__ = False

    iou: float
    accuracy: float
    mask: str | None = Field(description="Address of the mask that is true, as it is now.")


AnyTested = TestedPictureAnswer | TestedBoxesAnswer | TestedMaskAnswer
