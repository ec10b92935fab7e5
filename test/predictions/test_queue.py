"""The bounded queue, its workers and its watchdog, with jobs that do what the test wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deep_predictor.errors import QueueFull
from deep_predictor.predictions.queue import PredictionQueue
from deep_predictor.predictions.queue_settings import QueueActions, QueueSettings
from deep_predictor.predictions.run_gate import RunGate

WAIT_SECONDS = 5.0


class FakeJob:
    """As much of a Job as the queue looks at."""

    def __init__(self, name: str = "job", alone: bool = False) -> None:
        self.name, self.alone = name, alone
        self.is_claimed = False
        self.is_ending_in_worker = False


class Recorder:
    """The queue's owner: keeps what it was told, and blocks inside `run` while told to."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.batches: list[list[str]] = []
        self.timed_out: list[str] = []
        self.given_up = 0
        self.release = threading.Event()
        self.blocked: set[str] = set()
        self.started = threading.Semaphore(0)

    def run(self, jobs: Any) -> None:
        self.batches.append([job.name for job in jobs])
        for job in jobs:
            self._run(job)

    def _run(self, job: Any) -> None:
        self.started.release()
        if job.name in self.blocked:
            assert self.release.wait(WAIT_SECONDS)
        job.is_claimed = True
        self.ran.append(job.name)

    def time_out(self, job: Any) -> None:
        job.is_claimed = True
        self.timed_out.append(job.name)

    def give_up(self) -> None:
        self.given_up += 1


MakeQueue = Callable[..., PredictionQueue]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.release.set()


@pytest.fixture
def make_queue(recorder: Recorder) -> Iterator[MakeQueue]:
    queues: list[PredictionQueue] = []

    def make(size: int = 10, timeout_seconds: float = 60.0, **settings: Any) -> PredictionQueue:
        actions = QueueActions(recorder.run, recorder.time_out, recorder.give_up)
        queue = PredictionQueue(QueueSettings("test", size, timeout_seconds, **settings), actions, RunGate())
        queues.append(queue)
        return queue

    yield make
    recorder.release.set()
    for queue in queues:
        queue.stop(time.monotonic() + WAIT_SECONDS)


def put(queue: PredictionQueue, *names: str) -> list[Any]:
    jobs: list[Any] = [FakeJob(name) for name in names]
    for job in jobs:
        queue.reserve()
        queue.put(job)
    return jobs


def test_queue_jobs_run_in_order(make_queue: MakeQueue, recorder: Recorder) -> None:
    queue = make_queue()
    put(queue, "a", "b", "c")
    queue.start()
    assert queue.drain(WAIT_SECONDS)
    assert recorder.ran == ["a", "b", "c"]


def test_queue_reserve_beyond_size_raises_queue_full(make_queue: MakeQueue) -> None:
    queue = make_queue(size=2)
    put(queue, "a")
    queue.reserve()
    with pytest.raises(QueueFull) as raised:
        queue.reserve()
    assert raised.value.retry_after_seconds >= 1
    queue.release()
    queue.reserve()


def test_queue_recovered_jobs_go_beyond_the_bound_suspects_first(make_queue: MakeQueue, recorder: Recorder) -> None:
    queue = make_queue(size=1)
    put(queue, "new")
    recovered: Any = FakeJob("recovered")
    suspect: Any = FakeJob("suspect", alone=True)
    queue.put_recovered(recovered)
    queue.put_recovered(suspect)
    queue.start()
    assert queue.drain(WAIT_SECONDS)
    assert recorder.ran == ["suspect", "new", "recovered"]


def test_queue_discarded_or_claimed_job_does_not_run(make_queue: MakeQueue, recorder: Recorder) -> None:
    queue = make_queue()
    first, second, _ = put(queue, "a", "b", "c")
    queue.discard(first)
    second.is_claimed = True
    queue.start()
    assert queue.drain(WAIT_SECONDS)
    assert recorder.ran == ["c"]


def test_queue_stuck_worker_is_replaced_and_its_job_timed_out(make_queue: MakeQueue, recorder: Recorder) -> None:
    recorder.blocked = {"stuck"}
    queue = make_queue(timeout_seconds=0.05)
    put(queue, "stuck", "next")
    queue.start()
    assert queue.drain(WAIT_SECONDS)
    assert (recorder.timed_out, recorder.ran, recorder.given_up) == (["stuck"], ["next"], 0)


def test_queue_third_stuck_worker_gives_the_predictor_up(make_queue: MakeQueue, recorder: Recorder) -> None:
    recorder.blocked = {"1", "2", "3"}
    queue = make_queue(timeout_seconds=0.05)
    put(queue, "1", "2", "3", "after")
    queue.start()
    assert queue.drain(WAIT_SECONDS)
    assert recorder.timed_out == ["1", "2", "3"]
    assert recorder.given_up == 1
    assert recorder.ran == ["after"], "a worker must be left to end what waits"


def test_queue_stuck_workers_leave_no_threads_beyond_their_own(make_queue: MakeQueue, recorder: Recorder) -> None:
    before = threading.active_count()
    recorder.blocked = {"stuck"}
    queue = make_queue(timeout_seconds=0.05, workers=2)
    put(queue, "stuck", "a", "b")
    queue.start()
    assert queue.drain(WAIT_SECONDS)
    recorder.release.set()
    queue.stop(time.monotonic() + WAIT_SECONDS)
    deadline = time.monotonic() + WAIT_SECONDS
    while threading.active_count() > before and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert threading.active_count() <= before


def test_queue_stop_finishes_the_running_job_and_leaves_waiting_ones(make_queue: MakeQueue, recorder: Recorder) -> None:
    recorder.blocked = {"running"}
    queue = make_queue()
    put(queue, "running", "waiting")
    queue.start()
    assert recorder.started.acquire(timeout=WAIT_SECONDS)
    stopper = threading.Thread(target=queue.stop, args=(time.monotonic() + WAIT_SECONDS,))
    stopper.start()
    recorder.release.set()
    stopper.join(WAIT_SECONDS)
    assert recorder.ran == ["running"]
    assert len(queue) == 1
    with pytest.raises(QueueFull):
        queue.reserve()


def test_queue_what_waits_is_taken_together_up_to_the_largest_batch(make_queue: MakeQueue, recorder: Recorder) -> None:
    queue = make_queue(max_batch_size=3)
    put(queue, "a", "b", "c", "d")
    queue.start()
    assert queue.drain(WAIT_SECONDS)
    assert recorder.batches == [["a", "b", "c"], ["d"]]


def test_queue_start_may_say_workers_and_batch_when_the_network_is_known(
    make_queue: MakeQueue, recorder: Recorder
) -> None:
    queue = make_queue()
    put(queue, "a", "b")
    queue.start(workers=1, max_batch_size=2)
    assert queue.drain(WAIT_SECONDS)
    assert recorder.batches == [["a", "b"]]
    assert (queue.settings.workers, queue.settings.max_batch_size) == (1, 2)


def test_queue_suspects_are_in_no_batch(make_queue: MakeQueue, recorder: Recorder) -> None:
    queue = make_queue(max_batch_size=8)
    put(queue, "a")
    for name in ("first suspect", "second suspect"):
        suspect: Any = FakeJob(name, alone=True)
        queue.put_recovered(suspect)
    put(queue, "b")
    queue.start()
    assert queue.drain(WAIT_SECONDS)
    assert recorder.batches == [["second suspect"], ["first suspect"], ["a", "b"]]


def test_queue_batch_that_is_not_full_waits_for_more_but_not_for_ever(
    make_queue: MakeQueue, recorder: Recorder
) -> None:
    patient = make_queue(max_batch_size=2, max_delay_seconds=WAIT_SECONDS)
    patient.start()
    put(patient, "a", "b")
    started = time.monotonic()
    assert patient.drain(WAIT_SECONDS)
    assert time.monotonic() - started < WAIT_SECONDS / 2, "a full batch does not wait"
    hasty = make_queue(max_batch_size=2, max_delay_seconds=0.02)
    hasty.start()
    put(hasty, "c")
    assert hasty.drain(WAIT_SECONDS)
    assert recorder.batches == [["a", "b"], ["c"]]


def test_queue_stuck_batch_is_timed_out_as_a_whole(make_queue: MakeQueue, recorder: Recorder) -> None:
    recorder.blocked = {"b"}
    queue = make_queue(timeout_seconds=0.05, max_batch_size=3)
    put(queue, "a", "b", "c")
    queue.start()
    assert queue.drain(WAIT_SECONDS)
    assert set(recorder.timed_out) >= {"b", "c"}
    assert recorder.given_up == 0
