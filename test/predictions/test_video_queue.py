"""The queue of videos: its bound, its order, whom it lets pass, and what it leaves when the server stops."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deep_predictor.errors import DatabaseBusy, QueueFull
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.network_thread import NetworkThread
from deep_predictor.predictions.run_gate import RunGate
from deep_predictor.predictions.video_queue import VideoQueue

WAIT_SECONDS = 20.0


class FakeRows:
    def __init__(self) -> None:
        self.started: list[str] = []
        self.taken_back: list[str] = []
        self.is_busy = False

    def mark_started(self, prediction_ids: list[str]) -> set[str]:
        self.started += prediction_ids
        return set(prediction_ids)

    def take_back_start(self, prediction_id: str) -> None:
        if self.is_busy:
            raise DatabaseBusy("locked")
        self.taken_back.append(prediction_id)


class FakePredictor:
    """Counts how many hold its queue."""

    def __init__(self, state: str = "ready") -> None:
        self.state, self.holds = state, 0
        self.stopping = threading.Event()
        self.queue = self

    @contextmanager
    def held(self) -> Iterator[None]:
        self.holds += 1
        yield
        self.holds -= 1


class Runs:
    """Notes what is run; every run waits until it may go on."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.has_begun = threading.Event()
        self.go_on = threading.Event()
        self.ends_jobs = True

    def __call__(self, job: Job, network: NetworkThread, gate: RunGate) -> None:
        self.ids.append(job.prediction_id)
        self.has_begun.set()
        assert self.go_on.wait(WAIT_SECONDS)
        if self.ends_jobs:
            assert job.claim(by_worker=True)


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture
def queue(runs: Runs) -> Iterator[VideoQueue]:
    queue = VideoQueue(RunGate(), runs)
    yield queue
    runs.go_on.set()
    queue.stop(WAIT_SECONDS)


def job_of(name: str, predictor: Any = None, rows: FakeRows | None = None) -> Any:
    environment = SimpleNamespace(rows=rows or FakeRows())
    return Job(name, predictor or FakePredictor(), environment, image_path=Path(f"{name}.mp4"))  # type: ignore[arg-type]


def put(queue: VideoQueue, job: Job) -> Job:
    queue.reserve(10)
    queue.put(job)
    return job


def test_videos_run_in_order_one_at_a_time(queue: VideoQueue, runs: Runs) -> None:
    for name in ("first", "second", "third"):
        put(queue, job_of(name))
    assert runs.has_begun.wait(WAIT_SECONDS)
    assert (runs.ids, len(queue)) == (["first"], 2)
    runs.go_on.set()
    assert queue.drain(WAIT_SECONDS)
    assert runs.ids == ["first", "second", "third"]


def test_places_are_bounded_and_given_back(queue: VideoQueue, runs: Runs) -> None:
    put(queue, job_of("runs"))
    assert runs.has_begun.wait(WAIT_SECONDS)
    queue.reserve(1)
    with pytest.raises(QueueFull) as refused:
        queue.reserve(1)
    assert refused.value.retry_after_seconds > 0
    queue.release()
    waiting = put(queue, job_of("waits"))
    with pytest.raises(QueueFull):
        queue.reserve(1)
    queue.discard(waiting)
    queue.reserve(1)
    queue.release()
    runs.go_on.set()
    assert queue.drain(WAIT_SECONDS)
    assert runs.ids == ["runs"]


def test_video_whose_predictor_still_loads_lets_others_pass(queue: VideoQueue, runs: Runs) -> None:
    runs.go_on.set()
    loading = FakePredictor("loading")
    put(queue, job_of("waits", loading))
    other = FakePredictor()
    put(queue, job_of("passes", other))
    assert runs.has_begun.wait(WAIT_SECONDS)
    assert not queue.drain(0.05)
    loading.state = "ready"
    assert queue.drain(WAIT_SECONDS)
    assert runs.ids == ["passes", "waits"]


def test_predictor_is_held_from_the_upload_to_the_end(queue: VideoQueue, runs: Runs) -> None:
    predictor = FakePredictor()
    put(queue, job_of("runs", predictor))
    waiting = put(queue, job_of("waits", predictor))
    assert runs.has_begun.wait(WAIT_SECONDS)
    assert predictor.holds == 2
    queue.discard(waiting)
    assert predictor.holds == 1
    runs.go_on.set()
    assert queue.drain(WAIT_SECONDS)
    assert predictor.holds == 0


def test_video_that_was_cancelled_while_it_waited_is_not_run(queue: VideoQueue, runs: Runs) -> None:
    put(queue, job_of("runs"))
    assert runs.has_begun.wait(WAIT_SECONDS)
    cancelled = put(queue, job_of("cancelled"))
    assert cancelled.claim()
    runs.go_on.set()
    assert queue.drain(WAIT_SECONDS)
    assert runs.ids == ["runs"]


@pytest.mark.parametrize("is_busy", [False, True])
def test_stop_leaves_what_waits_and_takes_back_the_start_of_what_ran(
    queue: VideoQueue, runs: Runs, is_busy: bool
) -> None:
    runs.ends_jobs, rows = False, FakeRows()
    rows.is_busy = is_busy
    put(queue, job_of("runs", rows=rows))
    put(queue, job_of("waits", rows=rows))
    assert runs.has_begun.wait(WAIT_SECONDS)
    runs.go_on.set()
    queue.stop(WAIT_SECONDS)
    assert rows.started[:1] == ["runs"]
    assert rows.taken_back == ([] if is_busy else rows.started)
    with pytest.raises(QueueFull):
        queue.reserve(10)


def test_recovered_video_waits_beyond_the_bound(queue: VideoQueue, runs: Runs) -> None:
    put(queue, job_of("runs"))
    assert runs.has_begun.wait(WAIT_SECONDS)
    for name in ("one", "two"):
        queue.put_recovered(job_of(name))
    with pytest.raises(QueueFull):
        queue.reserve(2)
    runs.go_on.set()
    assert queue.drain(WAIT_SECONDS)
    assert runs.ids == ["runs", "one", "two"]
