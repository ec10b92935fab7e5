"""One line a prediction: in the list, as CSV, as JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any, Literal

from pydantic import Field

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.results import top_label
from deep_predictor.web.json_format import SECONDS_DECIMALS, encoded, sendable
from deep_predictor.web.operations import AnswerModel
from deep_predictor.web.shown_prediction import is_video

#: What makes a spreadsheet take a text for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class PredictionEntry(AnswerModel):
    """A stored prediction. Rows of older versions know less."""

    prediction_id: str
    prediction_status: int
    prediction_time: int = Field(description="Unix second of the last change of the status, 0 where it is not known")
    model_name: str | None = Field(description="the predictor")
    class_name: str = Field(description="that of the most confident item, empty when there is none")
    confidence: float | None
    prediction_seconds: float | None
    reason_code: str | None = Field(description="why it failed")
    has_image: bool = Field(description="whether its picture or video was kept")
    media: Literal["picture", "video"]
    predictions: list[dict[str, Any]] = Field(description="the items, as in the answer")


def entry_of(record: PredictionRecord) -> PredictionEntry:
    class_name, confidence = top_label(record.items)
    if record.result_kind == "mask":  # the first of its items may be the background
        class_name = record.top_class or ""
    seconds = record.prediction_seconds
    values = {
        "prediction_id": record.prediction_id,
        "prediction_status": record.status,
        "prediction_time": record.prediction_time,
        "model_name": record.predictor_name,
        "class_name": class_name,
        "confidence": confidence,
        "prediction_seconds": None if seconds is None else round(seconds, SECONDS_DECIMALS),
        "reason_code": record.reason_code,
        "has_image": bool(record.image_path),
        "media": "video" if is_video(record) else "picture",
        "predictions": record.items,
    }
    return PredictionEntry(**sendable(values))


def csv_parts(batches: Iterable[list[PredictionRecord]]) -> Iterator[bytes]:
    """A head line, then a line a prediction; its items are JSON in the last cell."""
    yield _csv_lines([list(PredictionEntry.model_fields)])
    for batch in batches:
        yield _csv_lines([_cells(entry_of(record)) for record in batch])


def json_parts(batches: Iterable[list[PredictionRecord]]) -> Iterator[bytes]:
    """One list, a line a prediction."""
    before = b"["
    for batch in batches:
        for record in batch:
            yield before + encoded(entry_of(record).model_dump(mode="json"))
            before = b",\n"
    yield b"]\n" if before != b"[" else b"[]\n"


def _cells(entry: PredictionEntry) -> list[Any]:
    values = entry.model_dump(mode="json")
    items = values.pop("predictions")
    return [*map(_harmless, values.values()), json.dumps(items, ensure_ascii=False) if items else ""]


def _harmless(value: Any) -> Any:
    """A text that is no formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _csv_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
