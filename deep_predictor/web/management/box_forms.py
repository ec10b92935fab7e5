"""Boxes of an item as JSON, coming in and going out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from deep_predictor.datasets.annotations import ItemBox
from deep_predictor.web.operations import AnswerModel, Line, RequestModel

#: Of one picture.
MOST_BOXES = 5000
Place = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[float, Field(gt=0, le=1)]


class BoxBody(RequestModel):
    """Centre and size as shares of the upright picture, none of it outside. `class_name`: one of the data set's."""

    class_name: Line
    cx: Place
    cy: Place
    w: Length
    h: Length
    is_crowd: bool = Field(False, description="A region with many things of the class.")

    def item_box(self) -> ItemBox:
        return ItemBox(**self.model_dump())


#: Of one picture; null: nobody has looked at it yet, empty: there is nothing.
Boxes = Annotated[list[BoxBody] | None, Field(max_length=MOST_BOXES)]


class BoxAnswer(AnswerModel):
    """Centre and size as shares of the upright picture."""

    class_name: str
    cx: float
    cy: float
    w: float
    h: float
    is_crowd: bool


def item_boxes(boxes: Boxes) -> list[ItemBox] | None:
    return None if boxes is None else [box.item_box() for box in boxes]


def box_answers(boxes: Iterable[ItemBox] | None) -> list[BoxAnswer] | None:
    return None if boxes is None else [BoxAnswer(**vars(box)) for box in boxes]
