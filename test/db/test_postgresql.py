"""The same rows on a PostgreSQL server; asked for by an environment variable, since it needs one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import create_engine, make_url, text

from deep_predictor.db.dataset_records import Chosen
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.db.models import BIND_KEYS
from deep_predictor.db.prediction_filters import PredictionFilter
from deep_predictor.db.setup import engine_for, rows_for, training_job_rows_for
from deep_predictor.db.training_job_rows import JobState, NewTrainingJob, TrainingJob
from deep_predictor.errors import (
    DatabaseBusy,
    DatabaseInUse,
    DatabaseNotUpgradable,
    NameTaken,
    NotFound,
    PredictionIdUsed,
)
from test.db.databases import connected, done, new_prediction
from test.db.test_concurrency import at_once
from test.db.test_dataset_rows import new_item

VARIABLE = "DEEP_PREDICTOR_TEST_POSTGRESQL_URL"
SOUP = {"class_index": 6, "class_name": "çorba \0 <b>", "confidence": 0.97628}


@pytest.fixture
def urls() -> Iterator[dict[str, str]]:
    """URLs of two empty schemas of the server that the variable names, such as postgresql+psycopg://me@host/name.

    No other process has these schemas, nor runs such a test meanwhile.
    """
    written = os.environ.get(VARIABLE)
    if not written:
        pytest.skip(f"no PostgreSQL server: {VARIABLE} is not set (and other/requirements/postgresql.txt installed)")
    # Upgrades of one server wait for each other, and these tests wait for no lock longer than a moment.
    with FileLock(Path(tempfile.gettempdir()) / "deep_predictor_postgresql_tests.lock"):
        yield from _empty_schemas(written)


def _empty_schemas(written: str) -> Iterator[dict[str, str]]:
    engine = create_engine(written, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
    schemas = {name: f"deep_predictor_test_{os.getpid()}_{name}" for name in BIND_KEYS}
    with engine.connect() as connection:
        for schema in schemas.values():
            connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield {name: _with_options(written, f"-csearch_path={schemas[name]} -clock_timeout=100") for name in schemas}
    with engine.connect() as connection:
        for schema in schemas.values():
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


def _with_options(url: str, options: str) -> str:
    return make_url(url).update_query_dict({"options": options}).render_as_string(hide_password=False)


def test_prediction_goes_its_whole_way(tmp_path: Path, urls: dict[str, str]) -> None:
    with connected(tmp_path, urls=urls) as app:
        rows = rows_for(app, "production")
        rows.insert(new_prediction("a", model_id=2**40))
        with pytest.raises(PredictionIdUsed):
            rows.insert(new_prediction("a"))
        assert [record.prediction_id for record in rows.unfinished()] == ["a"]
        assert rows.mark_started(["a"]) == {"a"}
        assert rows.finish([done(SOUP)])
        assert not rows.finish([done()])
        record = rows.get("a")
        assert (record.items, record.model_id, record.prediction_seconds) == ([SOUP], 2**40, 0.25)
        assert rows.known_image_names() == {"x.png"}
        assert not rows_for(app, "test").exists("a")
        assert rows.find("\0") is None
        assert rows.delete("a")
    with connected(tmp_path, urls=urls) as app:
        assert rows_for(app, "production").unfinished() == []


def test_predictions_are_listed_by_filter(tmp_path: Path, urls: dict[str, str]) -> None:
    with connected(tmp_path, urls=urls) as app:
        rows = rows_for(app, "production")
        for prediction_id in "abc":
            rows.insert(new_prediction(prediction_id))
        rows.finish([done(SOUP, prediction_id="b", finished_at=1000)])
        wanted = PredictionFilter("digits", "çorba  <b>", 200, 1000, 1001)
        count, records = rows.page(wanted, 10, 0)
        assert (count, [record.prediction_id for record in records]) == (1, ["b"])
        batches = rows.batches(PredictionFilter(), 2)
        assert [[record.prediction_id for record in batch] for batch in batches] == [["c", "b"], ["a"]]


def test_two_inserts_of_one_id_at_once_exactly_one_wins(tmp_path: Path, urls: dict[str, str]) -> None:
    with connected(tmp_path, urls=urls) as app:
        rows = rows_for(app, "production")

        def insert(_: int) -> bool:
            try:
                rows.insert(new_prediction("a"))
            except PredictionIdUsed:
                return False
            return True

        assert sorted(at_once(8, insert)) == [False] * 7 + [True]  # type: ignore[type-var]


def test_locked_table_is_busy(tmp_path: Path, urls: dict[str, str]) -> None:
    with connected(tmp_path, urls=urls) as app:
        engine = create_engine(urls["production"])
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE predictions IN EXCLUSIVE MODE"))
            with pytest.raises(DatabaseBusy, match="lock"):
                rows_for(app, "production").insert(new_prediction("a"))
        engine.dispose()


def test_lost_connections_do_not_stop_the_rows(tmp_path: Path, urls: dict[str, str]) -> None:
    with connected(tmp_path, urls=urls) as app:
        rows = rows_for(app, "production")
        rows.insert(new_prediction("a"))
        engine = create_engine(urls["production"])
        with engine.begin() as connection:
            others = "FROM pg_stat_activity WHERE pid != pg_backend_pid() AND datname = current_database()"
            connection.execute(text(f"SELECT pg_terminate_backend(pid) {others}"))
        engine.dispose()
        assert rows.exists("a")


def test_second_server_on_one_database_is_refused_and_names_the_first(tmp_path: Path, urls: dict[str, str]) -> None:
    with connected(tmp_path, urls=urls):
        with pytest.raises(DatabaseInUse, match=f"process {os.getpid()}") as caught, connected(tmp_path, urls=urls):
            pass
        assert caught.value.pid == os.getpid()
    with connected(tmp_path, urls=urls):
        pass


def test_server_that_is_not_there_is_refused(tmp_path: Path, urls: dict[str, str]) -> None:
    nowhere = make_url(urls["production"]).set(host="127.0.0.1", port=9, password="secret")
    with (
        pytest.raises(DatabaseNotUpgradable, match=r"127\.0\.0\.1") as caught,
        connected(tmp_path, urls={"production": nowhere.render_as_string(hide_password=False)}),
    ):
        pass
    assert "secret" not in str(caught.value)


def test_training_job_goes_its_whole_way(tmp_path: Path, urls: dict[str, str]) -> None:
    with connected(tmp_path, urls=urls) as app:
        rows = training_job_rows_for(app)
        for name in ("first", "second"):
            rows.insert(NewTrainingJob("train", name, {"text": "ç \0"}), lambda job_id: f"/runs/{job_id}")
        won = at_once(4, lambda number: rows.claim_next(str(number), 1))
        claimed = [job for job in won if isinstance(job, TrainingJob)]
        assert [(job.name, job.run_folder, job.cfg) for job in claimed] == [("first", "/runs/1", {"text": "ç \0"})]
        job = claimed[0]
        rows.release(str(job.owner))
        job = rows.get(job.id)
        won = at_once(4, lambda number: rows.take_over(job, str(number)))
        assert sorted(won) == [False, False, False, True]  # type: ignore[type-var]
        owner = str(won.index(True))
        assert rows.set_process(job.id, owner, 2**22, "then")
        assert rows.ask_cancel(job.id)
        assert rows.finish(job.id, owner, JobState.FAILED, "why")
        assert rows.queue_again(job.id)
        assert [job.state for job in rows.all()] == [JobState.QUEUED] * 2


def test_dataset_goes_its_whole_way(tmp_path: Path, urls: dict[str, str]) -> None:
    with connected(tmp_path, urls=urls) as app:
        rows = DatasetRows(engine_for(app, "production"))
        dataset = rows.insert("果物", 7)
        with pytest.raises(NameTaken):
            rows.insert("果物", None)
        for count in (2, 3):
            rows.add_items(dataset.id, [new_item(n, import_key=f"job:1:{n}") for n in range(count)])
        item = rows.add_item(dataset.id, new_item(9, label="../../x", split="val"))
        assert rows.get_item(dataset.id, item.id) == item
        assert rows.counts(dataset.id) == {("cat", ""): 3, ("../../x", "val"): 1}
        assert rows.items(dataset.id, Chosen(label="cat", split=""), 2, 2)[1] == 3
        assert rows.change_items(dataset.id, Chosen(label="cat"), split="test") == 3
        at_once(4, lambda n: rows.add_items(dataset.id, [new_item(100 + n)]))
        assert rows.get(dataset.id).version == 9
        assert rows.find_by_import("job:1:2") == rows.get(dataset.id)
        assert len(rows.delete_items(dataset.id, Chosen([item.id, item.id + 1]))) == 2
        rows.delete(dataset.id)
        with pytest.raises(NotFound):
            rows.add_items(dataset.id, [new_item(1)])
