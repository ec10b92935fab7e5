"""GET /api/v1/predictions: what was asked and answered in production, for admins."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Literal

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from pydantic import Field

from deep_predictor.db.prediction_filters import PredictionFilter
from deep_predictor.web.access import ADMIN, register
from deep_predictor.web.current import production_environment
from deep_predictor.web.management.prediction_export import PredictionEntry, csv_parts, entry_of, json_parts
from deep_predictor.web.operations import (
    Answer,
    Line,
    Operation,
    Page,
    PageQuery,
    RequestModel,
    page_of,
    read_query,
    respond,
)
from deep_predictor.web.serving_operations import PREDICTIONS

#: Rows that an export holds in memory.
EXPORT_ROWS = 1000


class FilterQuery(RequestModel):
    """Times are dates, ISO times (UTC unless they say otherwise) or Unix seconds."""

    model: Line | None = Field(None, description="the predictor's name")
    class_name: Line | None = Field(None, alias="class", description="that of the most confident item")
    status: int | None = Field(None, ge=0, le=999)
    from_time: datetime | None = Field(None, alias="from", description="the last change of the status, or later")
    to_time: datetime | None = Field(None, alias="to", description="before this")

    def to_filter(self) -> PredictionFilter:
        return PredictionFilter(
            predictor_name=self.model,
            top_class=self.class_name,
            status=self.status,
            from_time=_second(self.from_time),
            to_time=_second(self.to_time),
        )


class ListQuery(FilterQuery, PageQuery):
    """A page of them."""


class ExportQuery(FilterQuery):
    format: Literal["csv", "json"] = "csv"


def create_predictions_api() -> Blueprint:
    """The blueprint `predictions_api`."""
    blueprint = Blueprint("predictions_api", __name__, url_prefix="/api/v1/predictions")
    listing = Operation(
        "List the predictions of production, newest first",
        {200: Answer("A page of them", Page[PredictionEntry])},
        PREDICTIONS,
        query=ListQuery,
    )
    exporting = Operation(
        "Download the predictions of production, newest first",
        {200: Answer("All that are meant", list[PredictionEntry], also=["text/csv"])},
        PREDICTIONS,
        query=ExportQuery,
        description="In CSV, a text that a spreadsheet would take for a formula has an apostrophe before it.",
    )
    register(blueprint, "", predictions, ["GET"], ADMIN, listing)
    register(blueprint, "/export", export, ["GET"], ADMIN, exporting)
    return blueprint


def predictions() -> ResponseReturnValue:
    query = read_query(ListQuery)
    count, records = production_environment().rows.page(query.to_filter(), query.limit, query.offset)
    return respond(Page[PredictionEntry](**page_of([entry_of(record) for record in records], count, query)))


def export() -> ResponseReturnValue:
    """Streamed: a database of any size is never in memory."""
    query = read_query(ExportQuery)
    batches = production_environment().rows.batches(query.to_filter(), EXPORT_ROWS)
    if query.format == "json":
        response = Response(json_parts(batches), content_type="application/json")
    else:
        response = Response(csv_parts(batches), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="predictions.{query.format}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _second(moment: datetime | None) -> int | None:
    """The first whole Unix second that is not before a moment."""
    if moment is None:
        return None
    return math.ceil((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
