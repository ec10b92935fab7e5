"""Database files of earlier versions: upgraded in place, with every row readable and nothing lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.errors import DatabaseNotUpgradable
from test.db.databases import (
    OLD_TABLE,
    OLD_TABLE_WITH_DURATIONS,
    connected,
    done,
    new_prediction,
    production_rows,
    read_table,
    write_old_file,
)

ITEMS = [{"class_index": 6, "class_name": "it's soup", "confidence": 0.97628}]
MODEL_INFO = {"method": "vgg16", "model_id": 100, "predictor_backend": "keras"}


def old_row(prediction_id: str, **changes: Any) -> dict[str, Any]:
    values = {
        "prediction_status": 200,
        "prediction": str({"predictions": ITEMS}),
        "image_path": f"images/predictions/keras/soup/{prediction_id}.jpg",
        "model_info": str(MODEL_INFO),
        "model_id": 100,
        "prediction_time": 1604856542,
    }
    return {"prediction_id": prediction_id, **(values | changes)}


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("prediction", [str({"predictions": ITEMS}), str(ITEMS)], ids=["dict", "list"])
def test_row_of_the_documented_version_is_readable(tmp_path: Path, prediction: str) -> None:
    write_old_file(tmp_path / "production.db", OLD_TABLE, [old_row("a", prediction=prediction)])
    with production_rows(tmp_path) as rows:
        record = rows.get("a")
    assert (record.status, record.items, record.model_info) == (200, ITEMS, MODEL_INFO)
    assert (record.prediction_time, record.prediction_seconds, record.attempts) == (1604856542, None, 0)
    assert record.image_path == "images/predictions/keras/soup/a.jpg"


def test_new_rows_can_be_written_to_an_old_file(tmp_path: Path) -> None:
    write_old_file(tmp_path / "production.db", OLD_TABLE, [old_row("a")])
    with production_rows(tmp_path) as rows:
        rows.insert(new_prediction("b"))
        assert rows.mark_started(["b"]) == {"b"}
        assert rows.finish([done(*ITEMS, prediction_id="b")])
        assert rows.get("b").items == ITEMS
        assert rows.known_image_names() == {"a.jpg", "x.png"}


def test_failed_and_unfinished_old_rows_are_readable(tmp_path: Path) -> None:
    unfinished = old_row("b", prediction_status=100, prediction="", image_path="", prediction_time=0)
    write_old_file(
        tmp_path / "production.db", OLD_TABLE, [old_row("a", prediction_status=530, prediction=""), unfinished]
    )
    with production_rows(tmp_path) as rows:
        assert (rows.get("a").status, rows.get("a").items) == (530, [])
        (record,) = rows.unfinished()
        assert (record.prediction_id, record.predictor_name, record.image_path) == ("b", None, None)
        assert (record.prediction_time, record.prediction_seconds) == (0, None)
        assert rows.finish([done(image_path=None, prediction_id="b")])


@pytest.mark.parametrize(
    ("duration", "time_stamp", "expected_time", "expected_seconds"),
    [
        (1.7342, "2021-03-04 05:06:07", epoch("2021-03-04 05:06:07"), 1.7342),
        (12, "2021-03-04 05:06:07.891", epoch("2021-03-04 05:06:07"), 12),
        (0.5, "2021-03-04T05:06:07+03:00", epoch("2021-03-04 02:06:07"), 0.5),
        ("2.5", "2021-03-04", epoch("2021-03-04 00:00:00"), 2.5),
        (1.5, 1614834367, 1614834367, 1.5),
        (1.5, 1614834367.9, 1614834367, 1.5),
        (1.5, "1614834367.25", 1614834367, 1.5),
        (1.5, 1614834367891, 1614834367, 1.5),
        (999_999.5, 1614834367, 1614834367, 999_999.5),
        (1_000_000, "2021-03-04 05:06:07", 1_000_000, None),
        (1604856542.75, "2021-03-04 05:06:07", 1604856542, None),
        (1.5, "yesterday", 0, 1.5),
        (1.5, None, 0, 1.5),
        (1.5, b"\xff\x00", 0, 1.5),
        (1.5, "9999999999-01-01 00:00:00", 0, 1.5),
        (1.5, float("inf"), 0, 1.5),
        (0, "2021-03-04 05:06:07", epoch("2021-03-04 05:06:07"), 0),
        (None, "2021-03-04 05:06:07", epoch("2021-03-04 05:06:07"), None),
        ("soon", "2021-03-04 05:06:07", 0, None),
        (float("inf"), "2021-03-04 05:06:07", 0, None),
    ],
)
def test_duration_moves_to_seconds_and_the_time_comes_from_the_time_stamp(
    tmp_path: Path, duration: object, time_stamp: object, expected_time: int, expected_seconds: float | None
) -> None:
    row = old_row("a", prediction_time=duration, time_stamp=time_stamp)
    write_old_file(tmp_path / "production.db", OLD_TABLE_WITH_DURATIONS, [row])
    (before,) = read_table(tmp_path / "production.db")
    with production_rows(tmp_path) as rows:
        record = rows.get("a")
    (after,) = read_table(tmp_path / "production.db")
    assert (record.prediction_time, record.prediction_seconds) == (expected_time, expected_seconds)
    assert isinstance(record.prediction_time, int)
    changed = {"prediction_time": after["prediction_time"]}
    assert {key: after[key] for key in before} == before | changed, "nothing else is touched"


def test_duration_without_a_time_stamp_column_is_kept_as_seconds(tmp_path: Path) -> None:
    write_old_file(tmp_path / "production.db", OLD_TABLE, [old_row("a", prediction_time=17.25)])
    with production_rows(tmp_path) as rows:
        assert (rows.get("a").prediction_time, rows.get("a").prediction_seconds) == (0, 17.25)


def test_short_predictions_of_the_new_version_stay_when_started_again(tmp_path: Path) -> None:
    for _ in range(3):
        with production_rows(tmp_path) as rows:
            if not rows.exists("a"):
                rows.insert(new_prediction("a"))
                rows.finish([done(seconds=0.0)])
                first = rows.get("a")
            assert rows.get("a") == first


def test_columns_rows_and_tables_that_are_not_ours_are_kept(tmp_path: Path) -> None:
    table = OLD_TABLE.replace('"model_id"\tINTEGER,', '"model_id"\tINTEGER, "rating" REAL DEFAULT 3, "note" BLOB,')
    before = [old_row(str(n), rating=n / 2, note=b"\x00\xff") for n in range(5_000)]
    write_old_file(
        tmp_path / "production.db",
        table,
        before,
        "CREATE TABLE friends (name TEXT)",
        "INSERT INTO friends VALUES ('x')",
        "CREATE INDEX mine ON predictions (model_id)",
    )
    old_rows = read_table(tmp_path / "production.db")
    with production_rows(tmp_path) as rows:
        rows.insert(new_prediction("new"))
    new_rows = read_table(tmp_path / "production.db")
    assert [{key: row[key] for key in old_rows[0]} for row in new_rows[:-1]] == old_rows
    assert new_rows[-1]["rating"] == 3
    assert read_table(tmp_path / "production.db", "SELECT * FROM friends") == [{"name": "x"}]
    names = read_table(tmp_path / "production.db", "SELECT name FROM sqlite_master WHERE type = 'index'")
    assert {"name": "mine"} in names


def test_upgrade_runs_once_and_is_the_same_the_second_time(tmp_path: Path) -> None:
    row = old_row("a", prediction_time=1.5, time_stamp="2021-03-04 05:06:07")
    write_old_file(tmp_path / "production.db", OLD_TABLE_WITH_DURATIONS, [row])
    contents = []
    for _ in range(2):
        with connected(tmp_path):
            pass
        schema = read_table(tmp_path / "production.db", "SELECT type, name, sql FROM sqlite_master ORDER BY name")
        contents.append((schema, read_table(tmp_path / "production.db")))
    assert contents[0] == contents[1]


def test_file_without_a_unique_id_gets_the_index(tmp_path: Path) -> None:
    table = "CREATE TABLE predictions (id INTEGER PRIMARY KEY, Prediction_Id TEXT, prediction_status INTEGER)"
    write_old_file(tmp_path / "production.db", table, [{"prediction_id": "a", "prediction_status": 200}])
    with production_rows(tmp_path) as rows:
        assert rows.get("a").items == []
    with closing(sqlite3.connect(tmp_path / "production.db")) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO predictions (prediction_id, prediction_status) VALUES ('a', 100)")


def test_partial_unique_index_is_not_enough(tmp_path: Path) -> None:
    table = "CREATE TABLE predictions (id INTEGER PRIMARY KEY, prediction_id TEXT, prediction_status INTEGER)"
    partial = "CREATE UNIQUE INDEX some ON predictions (prediction_id) WHERE prediction_status = 100"
    write_old_file(tmp_path / "production.db", table, [], partial)
    with connected(tmp_path):
        pass
    indexes = read_table(tmp_path / "production.db", "SELECT name FROM pragma_index_list('predictions')")
    assert {"name": "uq_predictions_prediction_id"} in indexes


def test_values_of_unexpected_types_are_readable(tmp_path: Path) -> None:
    strange = old_row("a", prediction=b"[]", model_info=7, model_id="x", image_path=b"\xffa.png")
    names = "(prediction_id, prediction_status, prediction)"
    texts = f"INSERT INTO predictions {names} VALUES ('b', '200', CAST(x'5bff5d' AS TEXT))"
    nothing = "INSERT INTO predictions (prediction_id) VALUES ('c'), (NULL), (NULL)"
    write_old_file(tmp_path / "production.db", OLD_TABLE, [strange], texts, nothing)
    with production_rows(tmp_path) as rows:
        record = rows.get("a")
        assert (record.status, record.items, record.model_info, record.model_id) == (200, [], {}, 0)
        assert record.image_path == "\ufffda.png"
        assert (rows.get("b").items, rows.get("c").status) == ([], 0)
        assert rows.unfinished() == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("CREATE TABLE predictions (a INTEGER)", "no column id, prediction_id, prediction_status"),
        (OLD_TABLE.replace("prediction_id", "pid"), "no column prediction_id"),
        ("CREATE VIEW predictions AS SELECT 1 AS id", "is a view"),
        (OLD_TABLE.replace('"model_id"\tINTEGER,', '"owner" TEXT NOT NULL,'), "demands a value for owner"),
        (
            "CREATE TABLE predictions (id TEXT PRIMARY KEY, prediction_id TEXT UNIQUE, prediction_status INTEGER)",
            "not INTEGER PRIMARY KEY",
        ),
        (
            "CREATE TABLE predictions (id INTEGER, prediction_id TEXT UNIQUE, prediction_status INTEGER)",
            "not INTEGER PRIMARY KEY",
        ),
    ],
)
def test_table_that_is_not_ours_is_refused_and_left_alone(tmp_path: Path, statement: str, said: str) -> None:
    write_old_file(tmp_path / "production.db", statement)
    before = read_table(tmp_path / "production.db", "SELECT * FROM sqlite_master")
    with pytest.raises(DatabaseNotUpgradable, match=said), connected(tmp_path):
        pass
    assert read_table(tmp_path / "production.db", "SELECT * FROM sqlite_master") == before


def test_file_with_two_rows_of_one_id_is_refused_and_names_it(tmp_path: Path) -> None:
    table = "CREATE TABLE predictions (id INTEGER PRIMARY KEY, prediction_id TEXT, prediction_status INTEGER)"
    twice = [{"prediction_id": "twin", "prediction_status": 200}] * 2
    write_old_file(tmp_path / "production.db", table, twice)
    before = read_table(tmp_path / "production.db")
    with pytest.raises(DatabaseNotUpgradable, match="such as twin"), connected(tmp_path):
        pass
    assert read_table(tmp_path / "production.db") == before
