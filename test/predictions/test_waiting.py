"""Slots for waiting requests, the budget for waiting pixels, and the ends of a job."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from deep_predictor.errors import PredictionIdUsed
from deep_predictor.predictions.job import Job, LiveJobs, Outcome
from deep_predictor.predictions.pixel_budget import PixelBudget
from deep_predictor.predictions.waiting import WaitSlots
from deep_predictor.results import PredictionStatus

NOBODY: Any = None
DONE = Outcome(PredictionStatus.DONE, (), 0.1, None, 1)


def make_job(prediction_id: str = "a", pixels: np.ndarray | None = None) -> Job:
    return Job(prediction_id, NOBODY, NOBODY, pixels=pixels)


def test_wait_slots_leave_four_threads_free() -> None:
    slots = WaitSlots.for_threads(6)
    with slots.hold("a") as first, slots.hold("b") as second, slots.hold("c") as third:
        assert (first, second, third) == (True, True, False)
    with slots.hold("a") as again:
        assert again


def test_wait_slots_of_one_predictor_leave_some_for_the_others() -> None:
    slots = WaitSlots(8)
    with ExitStack() as stack:
        assert [stack.enter_context(slots.hold("slow")) for _ in range(8)] == [True] * 6 + [False] * 2
        assert [stack.enter_context(slots.hold("fast")) for _ in range(3)] == [True] * 2 + [False]
    with slots.hold("slow") as again:
        assert again
    assert not slots._taken_for


def test_wait_slots_of_one_name_are_as_many_as_it_may_have() -> None:
    slots = WaitSlots(8)
    with ExitStack() as stack:
        assert [stack.enter_context(slots.hold("polls", 4)) for _ in range(5)] == [True] * 4 + [False]
        assert stack.enter_context(slots.hold("slow"))


def test_wait_slots_of_few_threads_are_none() -> None:
    with WaitSlots.for_threads(3).hold("a") as granted:
        assert not granted


def test_pixel_budget_refuses_what_does_not_fit_and_takes_it_back() -> None:
    budget = PixelBudget(100)
    assert budget.take(80)
    assert not budget.take(30)
    budget.give_back(80)
    assert budget.take(100)


def test_job_drops_pixels_beyond_the_budget_and_gives_them_back_at_its_end() -> None:
    budget = PixelBudget(30)
    first, second = (make_job(name, np.zeros((2, 5, 3), np.uint8)) for name in "ab")
    first.keep_pixels_within(budget)
    second.keep_pixels_within(budget)
    assert first.pixels is not None
    assert second.pixels is None
    assert first.claim()
    first.end(DONE)
    assert first.pixels is None
    assert budget.take(30)


def test_job_is_claimed_by_exactly_one_of_many() -> None:
    job = make_job()
    barrier = threading.Barrier(8)
    claims: list[bool] = []

    def claim() -> None:
        barrier.wait(5)
        claims.append(job.claim())

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(claims) == [False] * 7 + [True]


def test_job_wait_returns_at_its_end_or_when_the_server_stops() -> None:
    job, stopped = make_job(), make_job("b")
    assert not job.wait(0)
    job.end(DONE)
    assert job.wait(0)
    stopped.wake_waiters()
    assert not stopped.wait(60), "woken without an outcome"


def test_live_jobs_take_an_id_once_and_forget_only_that_job() -> None:
    jobs, job = LiveJobs(), make_job()
    jobs.add(job)
    with pytest.raises(PredictionIdUsed):
        jobs.add(make_job())
    jobs.discard(make_job())
    assert jobs.find("a") is job
    jobs.discard(job)
    assert jobs.find("a") is None
    assert len(jobs) == 0
