"""Lists of predictions: by predictor, top class, status and time, newest first, by index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.db.prediction_filters import PredictionFilter
from deep_predictor.db.prediction_rows import PredictionRows
from deep_predictor.db.setup import engine_for, rows_for
from deep_predictor.results import PredictionStatus
from test.db.databases import OLD_TABLE, connected, done, new_prediction, production_rows, read_table, write_old_file

SOUP = {"class_index": 6, "class_name": "çorba", "confidence": 0.9}
DOG = {"bbox": {"cx": 0, "cy": 0, "w": 0, "h": 0}, "class_name": "dog", "confidence": 0.3}
CAT = {**DOG, "class_name": "cat", "confidence": 0.8}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictionRows]:
    """Six rows: two soups, a picture with a dog and a surer cat, one with nothing, one failed, one unfinished."""
    with production_rows(tmp_path_factory.mktemp("list")) as rows:
        for prediction_id in "abcdef":
            rows.insert(new_prediction(prediction_id, predictor_name="coco" if prediction_id in "cd" else "food"))
        for number, (prediction_id, items) in enumerate({"a": [SOUP], "b": [SOUP], "c": [DOG, CAT], "d": []}.items()):
            rows.finish([done(*items, prediction_id=prediction_id, finished_at=1000 + number)])
        failed = {"status": PredictionStatus.MODEL_RAISED, "items": None, "reason_code": "model_raised"}
        rows.finish([done(prediction_id="e", finished_at=2000, **failed)])
        yield rows


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, "fedcba"),
        ({"predictor_name": "coco"}, "dc"),
        ({"predictor_name": "Coco"}, ""),
        ({"top_class": "çorba"}, "ba"),
        ({"top_class": "cat"}, "c"),
        ({"top_class": "dog"}, ""),
        ({"status": 500}, "e"),
        ({"status": 100}, "f"),
        ({"from_time": 1001, "to_time": 1003}, "cb"),
        ({"to_time": 1000}, ""),
        ({"predictor_name": "food", "status": 200, "top_class": "çorba", "from_time": 1001}, "b"),
    ],
    ids=str,
)
def test_page_holds_what_is_meant_newest_first(rows: PredictionRows, wanted: dict[str, Any], expected: str) -> None:
    count, records = rows.page(PredictionFilter(**wanted), 50, 0)
    assert (count, "".join(record.prediction_id for record in records)) == (len(expected), expected)
    batches = list(rows.batches(PredictionFilter(**wanted), 2))
    assert "".join(record.prediction_id for batch in batches for record in batch) == expected
    assert all(len(batch) <= 2 for batch in batches)


def test_page_by_limit_and_offset_counts_all(rows: PredictionRows) -> None:
    count, records = rows.page(PredictionFilter(), 2, 3)
    assert (count, [record.prediction_id for record in records]) == (6, ["c", "b"])
    assert rows.page(PredictionFilter(), 2, 6) == (6, [])


def test_batches_leave_out_what_is_deleted_on_the_way(tmp_path: Path) -> None:
    with production_rows(tmp_path) as rows:
        for prediction_id in "abc":
            rows.insert(new_prediction(prediction_id))
        batches = rows.batches(PredictionFilter(), 1)
        assert [record.prediction_id for record in next(batches)] == ["c"]
        rows.delete("b")
        rows.insert(new_prediction("d"))
        assert [record.prediction_id for batch in batches for record in batch] == ["a"]


def test_top_class_of_any_text_is_stored(tmp_path: Path) -> None:
    with production_rows(tmp_path) as rows:
        rows.insert(new_prediction("a"))
        rows.finish([done({"class_name": "x\x00\ud800y", "confidence": 1.0}, prediction_id="a")])
        assert rows.page(PredictionFilter(top_class="x\ufffdy"), 1, 0)[0] == 1


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({"predictor_name": "food"}, "ix_predictions_predictor_name"),
        ({"top_class": "dog"}, "ix_predictions_top_class"),
        ({"status": 500}, "ix_predictions_prediction_status"),
        ({"from_time": 1, "to_time": 2}, "ix_predictions_prediction_time"),
    ],
    ids=str,
)
def test_page_is_found_by_index(tmp_path: Path, wanted: dict[str, Any], index: str) -> None:
    with connected(tmp_path) as app:
        rows, engine = rows_for(app, "production"), engine_for(app, "production")
        compiled = rows._ids(PredictionFilter(**wanted)).compile(engine, compile_kwargs={"literal_binds": True})
        with engine.connect() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]
        assert f"USING COVERING INDEX {index}" in plan[0]
        if "from_time" not in wanted:
            assert len(plan) == 1, "it is sorted by the index as well"


def test_upgrade_names_the_top_class_of_old_rows(tmp_path: Path) -> None:
    values = {"a": str({"predictions": [SOUP]}), "b": str([DOG, CAT]), "c": "open('x')", "d": "[]", "e": None}
    rows = [{"prediction_id": key, "prediction_status": 200, "prediction": value} for key, value in values.items()]
    unfinished = {"prediction_id": "f", "prediction_status": 100, "prediction": str([SOUP])}
    write_old_file(tmp_path / "production.db", OLD_TABLE, [*rows, unfinished])
    with connected(tmp_path):
        pass
    found = {row["prediction_id"]: row["top_class"] for row in read_table(tmp_path / "production.db")}
    assert found == {"a": "çorba", "b": "cat", "c": None, "d": None, "e": None, "f": None}
