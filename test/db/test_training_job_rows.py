"""What can be asked of and done to the rows of training jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deep_predictor.db.models import BIND_KEYS, TrainingJobColumns, db, get_model
from deep_predictor.db.setup import training_job_rows_for
from deep_predictor.db.training_job_rows import JobState, NewTrainingJob, TrainingJobRows
from deep_predictor.errors import DatabaseBusy, DatabaseNotUpgradable, TrainingJobNotFound
from test.db.databases import connected, new_prediction, production_rows, read_table, write_old_file
from test.db.test_concurrency import at_once, locked

CFG = {"training_options": {"seed": 1, "name": "日本 \0 <b>", "rates": [0.1, None, True]}}


@contextmanager
def job_rows(folder: Path, busy_timeout_seconds: float = 10.0) -> Iterator[TrainingJobRows]:
    with connected(folder, busy_timeout_seconds) as app:
        yield training_job_rows_for(app)


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[TrainingJobRows]:
    with job_rows(tmp_path) as rows:
        yield rows


def insert(rows: TrainingJobRows, name: str = "digits", priority: int = 0) -> int:
    return rows.insert(NewTrainingJob("train", name, CFG, priority), lambda job_id: f"/runs/{job_id}-{name}").id


def claimed(rows: TrainingJobRows, owner: str = "me") -> int:
    job_id = insert(rows)
    job = rows.claim_next(owner, 100)
    assert job is not None
    assert job.id == job_id
    return job_id


def test_insert_new_job_is_queued_with_its_cfg_and_folder(rows: TrainingJobRows) -> None:
    before = time.time()
    job = rows.get(insert(rows))
    assert (job.kind, job.name, job.run_folder) == ("train", "digits", f"/runs/{job.id}-digits")
    assert job.cfg == CFG
    assert (job.state, job.reason, job.owner, job.pid, job.attempts) == (JobState.QUEUED, None, None, None, 0)
    assert before <= job.created_at <= time.time()
    assert not job.has_ended


def test_get_unknown_job_is_an_error(rows: TrainingJobRows) -> None:
    with pytest.raises(TrainingJobNotFound, match="no training job 7"):
        rows.get(7)
    assert rows.find(7) is None


def test_all_gives_the_states_asked_for_oldest_first(rows: TrainingJobRows) -> None:
    first, second, third = (insert(rows, name) for name in "abc")
    rows.cancel_queued(second)
    assert [job.id for job in rows.all()] == [first, second, third]
    assert [job.id for job in rows.all(JobState.QUEUED)] == [first, third]
    assert [job.id for job in rows.all(JobState.DONE, JobState.CANCELLED)] == [second]


def test_page_gives_kinds_and_states_newest_first(rows: TrainingJobRows) -> None:
    ids = [insert(rows, name) for name in "abc"]
    search = rows.insert(NewTrainingJob("search", "s", {}), lambda job_id: "/runs/s").id
    rows.cancel_queued(ids[0])

    def page(*args: Any) -> tuple[int, list[int]]:
        count, jobs = rows.page(*args)
        return count, [job.id for job in jobs]

    assert page((), (), 2, 0) == (4, [search, ids[2]])
    assert page((), (), 2, 2) == (4, [ids[1], ids[0]])
    assert page(("train",), (), 10, 0) == (3, ids[::-1])
    assert page(("train",), (JobState.QUEUED,), 1, 1) == (2, [ids[1]])
    assert page(("export",), (), 10, 0) == (0, [])


def test_forgotten_job_is_nowhere_and_its_id_is_not_given_again(rows: TrainingJobRows) -> None:
    first, last = insert(rows), insert(rows)
    assert not rows.forget(last), "it waits"
    rows.cancel_queued(last)
    assert rows.forget(last)
    assert not rows.forget(last)
    assert rows.find(last) is None
    assert [job.id for job in rows.all()] == [first]
    assert rows.page((), (), 10, 0)[0] == 1
    assert not rows.queue_again(last)
    assert insert(rows) == last + 1


def test_claim_next_takes_by_priority_then_by_age_and_no_more_than_may_run(rows: TrainingJobRows) -> None:
    old, new, urgent = insert(rows), insert(rows), insert(rows, priority=5)
    taken = [rows.claim_next("me", 2), rows.claim_next("me", 2)]
    assert [job and job.id for job in taken] == [urgent, old]
    assert rows.claim_next("me", 2) is None
    assert rows.finish(urgent, "me", JobState.DONE)
    job = rows.claim_next("me", 2)
    assert job is not None
    assert (job.id, job.state, job.owner, job.attempts) == (new, JobState.RUNNING, "me", 1)
    assert job.started_at is not None
    assert rows.claim_next("me", 9) is None


def test_two_servers_that_claim_one_job_at_once_exactly_one_wins(rows: TrainingJobRows) -> None:
    for _ in range(10):
        job_id = insert(rows)
        won = at_once(4, lambda number: rows.claim_next(str(number), 1))
        assert sum(job is not None for job in won) == 1
        assert rows.finish(job_id, str(rows.get(job_id).owner), JobState.DONE)


def test_two_servers_that_take_over_one_job_at_once_exactly_one_wins(rows: TrainingJobRows) -> None:
    for owner in ("dead", None):
        job_id = claimed(rows, "dead")
        if owner is None:
            rows.release("dead")
        job = rows.get(job_id)
        won = at_once(4, lambda number, job=job: rows.take_over(job, str(number)))  # type: ignore[misc]
        assert sorted(won) == [False, False, False, True]  # type: ignore[type-var]
        assert rows.get(job_id).owner == str(won.index(True))


def test_only_its_owner_changes_a_running_job(rows: TrainingJobRows) -> None:
    job_id = claimed(rows)
    assert not rows.set_process(job_id, "other", 7, "then")
    assert not rows.set_progress(job_id, "other", 1, 2, 0)
    assert not rows.finish(job_id, "other", JobState.DONE)
    assert rows.set_process(job_id, "me", 7, "then")
    assert rows.set_progress(job_id, "me", 1, 2, 0)
    job = rows.get(job_id)
    assert (job.pid, job.pid_started, job.epoch, job.epochs, job.attempts) == (7, "then", 1, 2, 0)
    assert rows.count_start(job_id, "me", 3)
    job = rows.get(job_id)
    assert (job.pid, job.pid_started, job.attempts) == (None, None, 3)


def test_finish_is_written_once(rows: TrainingJobRows) -> None:
    job_id = claimed(rows)
    assert rows.finish(job_id, "me", JobState.FAILED, "ç <b>")
    assert not rows.finish(job_id, "me", JobState.DONE)
    job = rows.get(job_id)
    assert (job.state, job.reason, job.owner, job.has_ended) == (JobState.FAILED, "ç <b>", None, True)
    assert job.ended_at is not None


def test_cancel_of_a_queued_and_of_a_running_job(rows: TrainingJobRows) -> None:
    queued = insert(rows)
    assert not rows.ask_cancel(queued)
    assert rows.cancel_queued(queued)
    assert rows.get(queued).state == JobState.CANCELLED
    running = claimed(rows)
    assert not rows.cancel_queued(running)
    assert rows.ask_cancel(running)
    asked_at = rows.get(running).cancel_asked_at
    assert asked_at is not None
    assert rows.ask_cancel(running)
    assert rows.get(running).cancel_asked_at == asked_at


def test_queue_again_only_what_failed_or_was_cancelled(rows: TrainingJobRows) -> None:
    job_id = claimed(rows)
    rows.set_process(job_id, "me", 7, "then")
    assert not rows.queue_again(job_id)
    rows.ask_cancel(job_id)
    rows.finish(job_id, "me", JobState.FAILED, "why")
    assert rows.queue_again(job_id)
    job = rows.get(job_id)
    assert (job.state, job.reason, job.pid, job.cancel_asked_at, job.ended_at) == (JobState.QUEUED, *[None] * 4)
    assert not rows.queue_again(job_id)


def test_locked_database_is_busy(tmp_path: Path) -> None:
    with job_rows(tmp_path, 0.05) as rows:
        job_id = insert(rows)
        with locked(tmp_path / "production.db"):
            assert rows.get(job_id).state == JobState.QUEUED
            with pytest.raises(DatabaseBusy):
                rows.claim_next("me", 1)
            with pytest.raises(DatabaseBusy):
                rows.cancel_queued(job_id)


def test_jobs_live_in_the_production_database(tmp_path: Path) -> None:
    with connected(tmp_path) as app:
        insert(training_job_rows_for(app))
    assert len(read_table(tmp_path / "production.db", "SELECT * FROM training_jobs")) == 1
    assert read_table(tmp_path / "test.db", "SELECT * FROM training_jobs") == []


def test_models_of_jobs_are_bound_to_their_databases() -> None:
    names = [get_model(TrainingJobColumns, name).__name__ for name in BIND_KEYS]
    assert names == ["ProductionTrainingJob", "TestTrainingJob"]
    with pytest.raises(KeyError):
        get_model(TrainingJobColumns, "another")


def test_database_of_the_first_revision_gets_the_table_and_keeps_its_rows(tmp_path: Path) -> None:
    with production_rows(tmp_path) as rows:
        rows.insert(new_prediction("a"))
    later = [
        *("api_keys", "oauth_clients", "oauth_tokens", "datasets", "dataset_items", "dataset_item_classes"),
        *("models", "publications"),
    ]
    write_old_file(
        tmp_path / "production.db",
        "DROP TABLE training_jobs",
        (),
        "DROP TABLE users",
        *(f"DROP TABLE {name}" for name in later),
        *(f"DROP INDEX ix_predictions_{name}" for name in ("top_class", "predictor_name", "prediction_time")),
        "ALTER TABLE predictions DROP COLUMN top_class",
        "ALTER TABLE predictions DROP COLUMN result_kind",
        "UPDATE alembic_version SET version_num = '0001'",
    )
    with connected(tmp_path) as app:
        insert(training_job_rows_for(app))
        with app.app_context():
            inspector = sa.inspect(db.engines["production"])
            indexes = {index["name"] for index in inspector.get_indexes("training_jobs")}
            assert indexes == {"ix_training_jobs_state", "ix_training_jobs_dataset_id"}
    with production_rows(tmp_path) as rows:
        assert rows.exists("a")


def test_database_with_another_table_of_that_name_is_refused_and_left_alone(tmp_path: Path) -> None:
    table = "CREATE TABLE training_jobs (x)"
    write_old_file(tmp_path / "production.db", table, (), "INSERT INTO training_jobs VALUES (1)")
    with pytest.raises(DatabaseNotUpgradable, match="training_jobs"), connected(tmp_path):
        pass
    assert read_table(tmp_path / "production.db", "SELECT * FROM training_jobs") == [{"x": 1}]
    tables = read_table(tmp_path / "production.db", "SELECT name FROM sqlite_master WHERE type = 'table'")
    assert tables == [{"name": "training_jobs"}]
