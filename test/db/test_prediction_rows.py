"""What can be asked of and done to the rows of one environment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from deep_predictor.db.prediction_rows import PredictionRows
from deep_predictor.db.setup import rows_for
from deep_predictor.errors import PredictionIdUsed, PredictionNotFound
from deep_predictor.results import PredictionStatus
from test.db.databases import connected, done, new_prediction, production_rows, read_table, write_old_file

SOUP = {"class_index": 6, "class_name": "çorba <b>", "confidence": 0.97628}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("databases")


@pytest.fixture(scope="module")
def rows(folder: Path) -> Iterator[PredictionRows]:
    with production_rows(folder) as rows:
        yield rows


@pytest.fixture(autouse=True)
def _empty(rows: PredictionRows) -> Iterator[None]:
    yield
    for record in [*rows.unfinished(), *map(rows.find, "abcdef")]:
        if record:
            rows.delete(record.prediction_id)


def test_insert_new_id_is_found_at_100(rows: PredictionRows) -> None:
    before = int(time.time())
    rows.insert(new_prediction("a"))
    record = rows.get("a")
    assert rows.exists("a")
    assert (record.status, record.items, record.attempts) == (PredictionStatus.ACCEPTED, [], 0)
    assert record.model_info == {"predictor_backend": "keras", "method": "日本", "model_id": 7}
    assert (record.model_id, record.predictor_name, record.image_path) == (7, "digits", "var/temp/a.png")
    assert before <= record.prediction_time <= time.time()
    assert (record.prediction_seconds, record.reason_code) == (None, None)


def test_insert_used_id_is_refused_and_changes_nothing(rows: PredictionRows) -> None:
    rows.insert(new_prediction("a"))
    with pytest.raises(PredictionIdUsed, match="a was already used"):
        rows.insert(new_prediction("a", predictor_name="another"))
    assert rows.get("a").predictor_name == "digits"


def test_insert_ids_that_differ_in_case_are_two(rows: PredictionRows) -> None:
    rows.insert(new_prediction("a"))
    rows.insert(new_prediction("A"))
    assert rows.get("A").prediction_id == "A"


def test_insert_refused_for_another_reason_is_not_a_used_id(tmp_path: Path) -> None:
    write_old_file(
        tmp_path / "production.db",
        "CREATE TABLE predictions (id INTEGER PRIMARY KEY, prediction_id TEXT UNIQUE, "
        "prediction_status INTEGER, model_id INTEGER CHECK (model_id < 10))",
    )
    with production_rows(tmp_path) as rows:
        with pytest.raises(IntegrityError, match="CHECK"):
            rows.insert(new_prediction("a", model_id=11))
        assert not rows.exists("a")


def test_finish_done_stores_items_path_seconds_and_time(rows: PredictionRows) -> None:
    rows.insert(new_prediction("a"))
    assert rows.finish([done(SOUP)])
    record = rows.get("a")
    assert (record.status, record.items) == (PredictionStatus.DONE, [SOUP])
    assert (record.prediction_seconds, record.image_path) == (0.25, "var/predictions/soup/x.png")


def test_finish_done_with_nothing_found_is_an_empty_list(rows: PredictionRows, folder: Path) -> None:
    rows.insert(new_prediction("a"))
    rows.finish([done()])
    assert rows.get("a").items == []
    assert read_table(folder / "production.db")[0]["prediction"] == "[]"


def test_finish_failed_stores_reason_and_no_items(rows: PredictionRows) -> None:
    rows.insert(new_prediction("a"))
    failed = done(status=PredictionStatus.IMAGE_UNREADABLE, items=None, image_path=None, reason_code="image_unreadable")
    assert rows.finish([failed])
    record = rows.get("a")
    assert (record.status, record.items, record.image_path) == (510, [], None)
    assert record.reason_code == "image_unreadable"


def test_finish_final_row_keeps_its_first_status(rows: PredictionRows) -> None:
    rows.insert(new_prediction("a"))
    assert rows.finish([done(SOUP)])
    assert not rows.finish([done(status=PredictionStatus.MODEL_RAISED, items=None)])
    assert rows.get("a").status == PredictionStatus.DONE


def test_finish_items_that_are_no_json_raise_and_change_nothing(rows: PredictionRows) -> None:
    rows.insert(new_prediction("a"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        rows.finish([done({"confidence": float("nan")})])
    assert rows.get("a").status == PredictionStatus.ACCEPTED


def test_mark_started_counts_up_and_stops_at_a_final_row(rows: PredictionRows) -> None:
    rows.insert(new_prediction("a"))
    assert [rows.mark_started(["a"]), rows.mark_started(["a", "b"])] == [{"a"}, {"a"}]
    assert rows.get("a").attempts == 2
    rows.finish([done()])
    assert rows.mark_started(["a"]) == set()


def test_unknown_id_is_nowhere(rows: PredictionRows) -> None:
    assert rows.find("a") is None
    assert not rows.exists("a")
    assert not rows.delete("a")
    assert not rows.finish([done()])
    assert rows.mark_started(["a"]) == set()
    with pytest.raises(PredictionNotFound, match="no prediction a"):
        rows.get("a")


@pytest.mark.parametrize("prediction_id", ["", "\0", "a\0b", "\ud800", "\r\n", "' OR 1=1 --", "x" * 100_000])
def test_id_that_no_upload_can_have_is_unknown(rows: PredictionRows, prediction_id: str) -> None:
    rows.insert(new_prediction("a"))
    assert rows.find(prediction_id) is None
    assert not rows.exists(prediction_id)
    assert not rows.delete(prediction_id)
    assert rows.exists("a")


def test_delete_forgets_a_row(rows: PredictionRows) -> None:
    rows.insert(new_prediction("a"))
    assert rows.delete("a")
    assert not rows.exists("a")
    rows.insert(new_prediction("a"))


def test_unfinished_gives_rows_at_100_oldest_first(rows: PredictionRows) -> None:
    for prediction_id in ("f", "a", "e", "b"):
        rows.insert(new_prediction(prediction_id))
    rows.finish([done()])
    assert [record.prediction_id for record in rows.unfinished()] == ["f", "e", "b"]


def test_known_image_names_are_those_of_all_rows(rows: PredictionRows) -> None:
    rows.insert(new_prediction("a", image_path="/var/temp/1.png"))
    rows.insert(new_prediction("b", image_path=r"C:\temp\2.png"))
    rows.insert(new_prediction("c"))
    rows.finish([done(image_path="var/predictions/soup/3.png", prediction_id="c")])
    rows.insert(new_prediction("d"))
    rows.finish([done(image_path=None, prediction_id="d")])
    assert rows.known_image_names() == {"1.png", "2.png", "3.png"}


def test_environments_do_not_see_each_other(tmp_path: Path) -> None:
    with connected(tmp_path) as app:
        production, test = rows_for(app, "production"), rows_for(app, "test")
        production.insert(new_prediction("a"))
        assert not test.exists("a")
        test.insert(new_prediction("a", model_id=8))
        assert (production.get("a").model_id, test.get("a").model_id) == (7, 8)


def test_error_that_does_not_pass_is_not_called_busy(tmp_path: Path) -> None:
    with production_rows(tmp_path) as rows:
        write_old_file(tmp_path / "production.db", "DROP TABLE predictions")
        with pytest.raises(OperationalError, match="no such table"):
            rows.exists("a")


def test_finish_keeps_what_was_made_and_the_class_to_list_it_by(rows: PredictionRows) -> None:
    for prediction_id, changes in {"a": {"result_kind": "mask", "top_class": "dog"}, "b": {"top_class": ""}}.items():
        rows.insert(new_prediction(prediction_id))
        rows.finish([done(SOUP, prediction_id=prediction_id, **changes)])
    assert (rows.get("a").result_kind, rows.get("a").top_class) == ("mask", "dog")
    assert (rows.get("b").result_kind, rows.get("b").top_class) == (None, None)
    assert set(rows.known_ids()) >= {"a", "b"}
