"""Predictions that run together end each by itself, and their rows are written together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from deep_predictor.environment import Environment
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.submitting import Upload, submit_upload
from test import fakes
from test.app_builder import build_app, fault_predictor, write_config
from test.fakes import picture, register_fault_backend
from test.server_process import new_id

WAIT_SECONDS = 20.0


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    """Its predictor is still loading, so that what is uploaded waits until `release`."""
    register_fault_backend()
    fakes.release_loading.clear()
    options = {"load_fault": "block", "max_batch_size": 8, "workers": 1, "predicted_image_action": "remove"}
    app = build_app(write_config(tmp_path, {"fault": fault_predictor(**options)}), wait=False)
    yield app.extensions["deep_predictor"].production
    fakes.release_loading.set()
    app.extensions["deep_predictor"].close()


def upload(environment: Environment, fault: str, store: bool = True) -> Job:
    return submit_upload(environment, Upload("fault", new_id(), "a.png", picture(fault), store))


def release(environment: Environment) -> None:
    fakes.release_loading.set()
    assert environment.drain(WAIT_SECONDS)


def test_batch_that_raises_ends_only_the_picture_that_did_it(environment: Environment) -> None:
    wanted = {"none": 200, "raise": 500, "not finite": 520, "system exit": 500, "invalid result": 520}
    jobs = {upload(environment, fault): status for fault, status in wanted.items()}
    release(environment)
    assert {job.outcome.status for job in jobs if job.outcome} == {200, 500, 520}
    for job, status in jobs.items():
        assert job.outcome
        assert job.outcome.status == status
        assert environment.rows.get(job.prediction_id).status == status


def test_engine_that_is_gone_fails_the_predictor_from_then_on(environment: Environment) -> None:
    job = upload(environment, "engine gone")
    release(environment)
    assert environment.rows.get(job.prediction_id).status == 550
    predictor = environment.predictors["fault"]
    assert (predictor.state, predictor.reason_code) == ("failed", "model_crashed")
    later = upload(environment, "none")
    assert environment.drain(WAIT_SECONDS)
    assert environment.rows.get(later.prediction_id).status == 550


def test_batch_of_stored_and_passing_predictions_and_one_that_was_deleted(environment: Environment) -> None:
    stored, passing, deleted = (
        upload(environment, "none"),
        upload(environment, "none", False),
        upload(environment, "none"),
    )
    assert environment.rows.delete(deleted.prediction_id)
    release(environment)
    assert stored.outcome
    assert passing.outcome
    assert (stored.outcome.status, passing.outcome.status, deleted.outcome) == (200, 200, None)
    assert stored.record
    assert stored.record == environment.rows.get(stored.prediction_id)
    assert passing.record is None
    assert environment.rows.find(deleted.prediction_id) is None
    assert not list(environment.images.temp_folder.glob("*.png"))


def test_batch_is_started_and_ended_in_two_transactions(environment: Environment) -> None:
    jobs = [upload(environment, "none") for _ in range(6)]
    commits: list[object] = []
    event.listen(environment.rows._engine, "commit", commits.append)
    release(environment)
    assert all(job.outcome and job.outcome.status == 200 for job in jobs)
    assert len(commits) == 2
