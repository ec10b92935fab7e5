"""Items of data sets as JSON, coming in and going out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deep_predictor.datasets.annotations import WantedItems
from deep_predictor.datasets.library import Split
from deep_predictor.web.management.box_forms import BoxAnswer, Boxes
from deep_predictor.web.operations import AnswerModel, Line, PageQuery, RequestModel

MOST_IDS = 10_000
#: Of one list that is asked for by ids.
_MOST_LISTED_IDS = 200
_LONGEST_NAME = 300
_LARGEST_ID = 2**31 - 1


class ItemsQuery(PageQuery):
    label: Line | None = None
    split: Split | None = Field(None, description="Empty: those whose split a training decides.")
    annotated: bool | None = Field(None, description="Whether a label, boxes (even none of them) or a mask is there.")
    class_name: Line | None = Field(None, description="On whose picture a box or pixels of this class are.")
    after: int | None = Field(None, ge=0, le=_LARGEST_ID, description="Only items with a larger id.")
    before: int | None = Field(None, ge=1, le=_LARGEST_ID, description="Only those with a smaller id, newest first.")
    ids: str | None = Field(
        None,
        pattern=rf"^[1-9][0-9]{{0,8}}(,[1-9][0-9]{{0,8}}){{0,{_MOST_LISTED_IDS - 1}}}$",
        description=f"Only these, with commas between; at most {_MOST_LISTED_IDS}.",
    )

    def wanted(self) -> WantedItems:
        ids = [int(item_id) for item_id in self.ids.split(",")] if self.ids else None
        return WantedItems(ids, self.label, self.split, self.annotated, self.class_name, self.after, self.before)


class ItemForm(RequestModel):
    """`label`: needed where items have one, and refused where they have boxes or a mask."""

    label: Line | None = None
    split: Split = ""


class ItemBody(ItemForm):
    boxes: Boxes = Field(None, description="What is on the picture, in a data set of boxes.")
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
    """Items by their ids, those that a label, a split and the like say, or all there are."""

    ids: list[int] | None = Field(None, max_length=MOST_IDS)
    label: Line | None = None
    split: Split | None = Field(None, description="Empty: those whose split a training decides.")
    annotated: bool | None = None
    class_name: Line | None = None
    all: bool = False
    action: Literal["relabel", "split", "delete", "nothing_there", "not_annotated"] = Field(
        description="The last two change boxes: there are none; nobody has looked yet."
    )
    value: str | None = Field(None, max_length=200, description="The new label or split; none for other actions.")

    @model_validator(mode="after")
    def _fits_together(self) -> BulkBody:
        filters = (self.label, self.split, self.annotated, self.class_name)
        if (self.ids is not None) + any(one is not None for one in filters) + self.all != 1:
            raise ValueError("one is needed: ids, or label, split, annotated and class_name, or all")
        if (self.value is None) != (self.action not in ("relabel", "split")):
            raise ValueError("value is needed to relabel and split, and has no meaning else")
        if any(not 0 < item_id < 2**31 for item_id in self.ids or ()):
            raise ValueError("an id is a number from 1")
        return self

    def wanted(self) -> WantedItems:
        return WantedItems(self.ids, self.label, self.split, self.annotated, self.class_name)


class BulkAnswer(AnswerModel):
    changed: int = Field(description="Items that were there.")


class ItemAnswer(AnswerModel):
    """Sizes are of the upright picture in pixels, `size` is the file's in bytes; times are seconds since 1970."""

    id: int
    dataset_id: int
    label: str = Field(description="Empty where boxes or a mask say what is on it.")
    boxes: list[BoxAnswer] | None = Field(description="Null: nobody has looked at it, or it is no item of boxes.")
    is_annotated: bool = Field(description="Whether a label, boxes (even none of them) or a mask is there.")
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
    mask: str | None = Field(description="Address of the mask, where there is one; `?thumbnail=1`: a small one.")
