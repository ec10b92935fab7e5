"""/api/v1/datasets: the data sets themselves; their items and what comes and goes by the hundred stand beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, url_for
from pydantic import Field

from deep_predictor.backends.base import Task
from deep_predictor.db.dataset_records import Dataset
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.authentication import current_principal
from deep_predictor.web.current import current_management
from deep_predictor.web.management.boxes_api import MOST_CLASSES, register_boxes
from deep_predictor.web.management.dataset_jobs_api import register_dataset_jobs
from deep_predictor.web.management.items_api import register_items
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Line,
    Operation,
    Page,
    PageQuery,
    RequestModel,
    page_of,
    read_json,
    read_query,
    respond,
)

TAG = "Data sets"
PATH = "/api/v1/datasets"


class DatasetBody(RequestModel):
    """`task` never changes: it says whether items have a label, boxes or a mask."""

    name: Line
    task: Task = "classification"
    class_names: list[Line] = Field(
        default_factory=list, max_length=MOST_CLASSES, description="Of boxes or masks; labels are what items say."
    )


class DatasetRename(RequestModel):
    name: Line


class DatasetAnswer(AnswerModel):
    """Times are seconds since 1970."""

    id: int
    name: str
    task: Task
    class_names: list[str] = Field(description="Of boxes or masks, in their order; empty where labels are the classes.")
    created_by: int | None = Field(description="A user's id.")
    created_at: float
    changed_at: float
    version: int = Field(description="Rises with every change of its items.")
    item_count: int
    annotated_count: int = Field(description="Items with a label, with boxes (even none of them) or with a mask.")


class SplitCounts(AnswerModel):
    train: int = 0
    val: int = 0
    test: int = 0
    undecided: int = Field(0, description="The split of a training decides.")


class LabelCounts(SplitCounts):
    label: str
    count: int


class ClassCounts(AnswerModel):
    """`amount`: boxes, or pixels of masks."""

    class_name: str
    item_count: int
    amount: int


class DatasetDetails(DatasetAnswer):
    splits: SplitCounts
    labels: list[LabelCounts] = Field(description="Of items with labels; else empty.")
    classes: list[ClassCounts] = Field(description="Of boxes or masks, in their order; else empty.")


def create_datasets_api() -> Blueprint:
    """The blueprint `datasets_api`."""
    blueprint = Blueprint("datasets_api", __name__)
    one = f"{PATH}/<id:dataset_id>"
    created = {201: Answer("The data set", DatasetDetails)}
    pages = {200: Answer("Some of the data sets, oldest first", Page[DatasetAnswer])}
    shown = {200: Answer("The data set, with its items counted", DatasetDetails)}
    gone = {204: Answer("It is gone, with all its items", media_type=None)}
    create = Operation("Make a data set", created, TAG, body=DatasetBody)
    listing = Operation("List the data sets", pages, TAG, query=PageQuery)
    rename = Operation("Rename a data set", shown, TAG, body=DatasetRename)
    register(blueprint, PATH, create_dataset, ["POST"], TRAIN, create)
    register(blueprint, PATH, list_datasets, ["GET"], VIEW, listing)
    register(blueprint, one, show_dataset, ["GET"], VIEW, Operation("Show a data set", shown, TAG))
    register(blueprint, one, rename_dataset, ["PATCH"], TRAIN, rename)
    register(blueprint, one, delete_dataset, ["DELETE"], TRAIN, Operation("Delete a data set", gone, TAG))
    register_items(blueprint, one)
    register_boxes(blueprint, one)
    register_dataset_jobs(blueprint, one)
    return blueprint


def create_dataset() -> Response:
    body = read_json(DatasetBody)
    datasets, user_id = current_management().datasets, current_principal().user_id
    dataset = datasets.create(body.name, user_id, task=body.task, class_names=body.class_names)
    response = respond(_details(dataset), 201)
    response.headers["Location"] = url_for("datasets_api.show_dataset", dataset_id=dataset.id)
    return response


def list_datasets() -> Response:
    query = read_query(PageQuery)
    datasets, count = current_management().datasets.page(query.limit, query.offset)
    return respond(Page[DatasetAnswer](**page_of([_facts(dataset) for dataset in datasets], count, query)))


def show_dataset(dataset_id: int) -> Response:
    return respond(_details(current_management().datasets.get(dataset_id)))


def rename_dataset(dataset_id: int) -> Response:
    return respond(_details(current_management().datasets.rename(dataset_id, read_json(DatasetRename).name)))


def delete_dataset(dataset_id: int) -> Response:
    current_management().datasets.delete(dataset_id)
    return Response(status=204)


def _facts(dataset: Dataset) -> dict[str, Any]:
    datasets = current_management().datasets
    item_count = sum(datasets.counts(dataset).values())
    names = set(DatasetAnswer.model_fields) - {"item_count", "annotated_count", "class_names"}
    return {
        **{name: getattr(dataset, name) for name in names},
        "class_names": list(dataset.class_names),
        "item_count": item_count,
        "annotated_count": item_count if dataset.task == "classification" else datasets.annotations.count(dataset),
    }


def _details(dataset: Dataset) -> DatasetDetails:
    datasets = current_management().datasets
    counts = datasets.counts(dataset)
    by_label: dict[str, dict[str, int]] = {}
    for (label, split), count in counts.items():
        by_label.setdefault(label, {})[split or "undecided"] = count
    labels = [
        LabelCounts(label=label, count=sum(splits.values()), **splits) for label, splits in sorted(by_label.items())
    ]
    return DatasetDetails(
        **_facts(dataset),
        splits=SplitCounts(**_totals(by_label)),
        labels=labels if dataset.task == "classification" else [],
        classes=[ClassCounts(**vars(one)) for one in datasets.annotations.class_counts(dataset)],
    )


def _totals(by_label: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    totals = dict.fromkeys(SplitCounts.model_fields, 0)
    for splits in by_label.values():
        for split, count in splits.items():
            totals[split] += count
    return totals
