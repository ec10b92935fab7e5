"""Several threads on one database, and a database that somebody else holds."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from deep_predictor.db.prediction_rows import PredictionRows
from deep_predictor.errors import DatabaseBusy, PredictionIdUsed
from test.db.databases import connected, done, new_prediction, production_rows

WAIT_SECONDS = 30


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that writes and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def at_once(count: int, call: Callable[[int], object]) -> list[object]:
    """Results of `count` calls that start at the same moment."""
    barrier = threading.Barrier(count)

    def one(number: int) -> object:
        barrier.wait(WAIT_SECONDS)
        return call(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def test_two_inserts_of_one_id_at_once_exactly_one_wins(tmp_path: Path) -> None:
    with production_rows(tmp_path) as rows:

        def insert(prediction_id: str) -> bool:
            try:
                rows.insert(new_prediction(prediction_id))
            except PredictionIdUsed:
                return False
            return True

        for round_number in range(20):
            won = at_once(4, lambda _, prediction_id=f"id{round_number}": insert(prediction_id))  # type: ignore[misc]
            assert sorted(won) == [False, False, False, True]  # type: ignore[type-var]
        assert len(rows.unfinished()) == 20


def test_two_finishes_at_once_exactly_one_wins(tmp_path: Path) -> None:
    with production_rows(tmp_path) as rows:
        for round_number in range(20):
            prediction_id = f"id{round_number}"
            rows.insert(new_prediction(prediction_id))
            won = at_once(2, lambda n, i=prediction_id: rows.finish([done(seconds=float(n), prediction_id=i)]) == {i})  # type: ignore[misc]
            assert sorted(won) == [False, True]  # type: ignore[type-var]
            assert rows.get(prediction_id).prediction_seconds == won.index(True)


def test_many_writers_and_readers_none_fails(tmp_path: Path) -> None:
    with production_rows(tmp_path) as rows:

        def work(number: int) -> int:
            for round_number in range(10):
                prediction_id = f"{number}-{round_number}"
                rows.insert(new_prediction(prediction_id))
                rows.mark_started([prediction_id])
                rows.finish([done(prediction_id=prediction_id)])
                assert rows.get(prediction_id).attempts == 1
            return number

        assert at_once(16, work) == list(range(16))
        assert rows.unfinished() == []
        assert len(rows.known_image_names()) == 1


def test_starts_counted_by_several_threads_are_all_counted(tmp_path: Path) -> None:
    with production_rows(tmp_path) as rows:
        rows.insert(new_prediction("a"))
        assert at_once(8, lambda _: rows.mark_started(["a"])) == [{"a"}] * 8
        assert rows.get("a").attempts == 8


@pytest.mark.parametrize(
    "write",
    [
        lambda rows: rows.insert(new_prediction("b")),
        lambda rows: rows.mark_started(["a"]),
        lambda rows: rows.finish([done()]),
        lambda rows: rows.delete("a"),
    ],
    ids=["insert", "mark_started", "finish", "delete"],
)
def test_write_to_a_locked_database_is_busy_and_works_later(
    tmp_path: Path, write: Callable[[PredictionRows], object]
) -> None:
    with production_rows(tmp_path, busy_timeout_seconds=0.05) as rows:
        rows.insert(new_prediction("a"))
        with locked(tmp_path / "production.db"), pytest.raises(DatabaseBusy, match="database is locked"):
            write(rows)
        assert rows.get("a").status == 100
        assert not rows.exists("b")
        write(rows)


def test_read_of_a_locked_database_does_not_wait(tmp_path: Path) -> None:
    with production_rows(tmp_path, busy_timeout_seconds=0.05) as rows:
        rows.insert(new_prediction("a"))
        with locked(tmp_path / "production.db"):
            assert rows.get("a").status == 100
            assert rows.exists("a")
            assert rows.known_image_names() == {"a.png"}


def test_write_waits_for_a_lock_that_ends_within_the_busy_timeout(tmp_path: Path) -> None:
    with production_rows(tmp_path) as rows, ThreadPoolExecutor(1) as threads:
        with locked(tmp_path / "production.db") as holder:
            writing = threads.submit(rows.insert, new_prediction("a"))
            assert not rows.exists("a")
            holder.execute("COMMIT")
        writing.result(WAIT_SECONDS)
        assert rows.exists("a")


def test_full_disk_is_busy_since_it_may_pass(tmp_path: Path) -> None:
    with production_rows(tmp_path) as rows, connected(tmp_path / "elsewhere"):
        rows.insert(new_prediction("a"))
        with rows._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(DatabaseBusy, match="full"):
            rows.insert(new_prediction("b", image_path="x" * 100_000))
        assert not rows.exists("b")
