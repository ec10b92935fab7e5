"""The feed: everybody is told everything once, whenever they come, and its thread is there only for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.db.training_job_rows import JobState
from deep_predictor.errors import DatabaseBusy, TrainingJobNotFound
from deep_predictor.live.events import Event
from deep_predictor.live.feed import LiveFeed
from test.live.runs import KnownJobs, WrittenRun, job_of


class Listeners:
    """An audience that notes what each hears."""

    def __init__(self) -> None:
        self.heard: dict[str, list[tuple[str, int]]] = {}
        self.rooms: dict[int, set[str]] = {}

    def tell(self, viewer: str, event: Event) -> None:
        self.heard.setdefault(viewer, []).append((event.name, event.seq))

    def tell_all(self, job_id: int, event: Event) -> None:
        for viewer in self.rooms.get(job_id, ()):
            self.tell(viewer, event)

    def join(self, viewer: str, job_id: int) -> None:
        self.rooms.setdefault(job_id, set()).add(viewer)

    def leave(self, viewer: str, job_id: int) -> None:
        self.rooms[job_id].discard(viewer)


@pytest.fixture
def run(tmp_path: Path) -> WrittenRun:
    return WrittenRun(tmp_path / "run", epochs=50)


@pytest.fixture
def jobs(run: WrittenRun) -> KnownJobs:
    return KnownJobs(job_of(run), job_of(run, job_id=2))


@pytest.fixture
def listeners() -> Listeners:
    return Listeners()


@pytest.fixture
def feed(jobs: Any, listeners: Listeners) -> Iterator[LiveFeed]:
    feed = LiveFeed(jobs, look_seconds=0.002)
    feed.audience = listeners
    yield feed
    feed.close()


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)


def test_watch_tells_what_was_missed_and_then_what_comes(
    feed: LiveFeed, listeners: Listeners, run: WrittenRun, jobs: KnownJobs
) -> None:
    run.end_epoch(1)
    run.end_epoch(2)
    run.end_step(3, 1)
    feed.watch("a", 1)
    feed.watch("b", 1, since=1)
    assert listeners.heard["a"] == [("epoch", 1), ("epoch", 2), ("batch", 2)]
    assert listeners.heard["b"] == [("epoch", 2), ("batch", 2)]
    run.end_epoch(3)
    until(lambda: ("epoch", 3) in listeners.heard["a"])
    jobs.change(1, state=JobState.DONE)
    until(lambda: ("ended", 3) in listeners.heard["a"])
    expected = [("batch", 2), ("epoch", 3), ("ended", 3)]
    assert listeners.heard["a"][2:] == listeners.heard["b"][1:] == expected
    feed.watch("late", 1, since=3)
    assert listeners.heard["late"] == [("ended", 3)]


def test_watchers_that_come_at_any_time_hear_each_epoch_once(
    feed: LiveFeed, listeners: Listeners, run: WrittenRun, jobs: KnownJobs
) -> None:
    def come_late(viewer: str) -> None:
        until(lambda: len(listeners.heard.get("first", [])) > int(viewer))
        feed.watch(viewer, 1)

    feed.watch("first", 1)
    viewers = [threading.Thread(target=come_late, args=(str(number),)) for number in range(0, 40, 4)]
    for viewer in viewers:
        viewer.start()
    for epoch in range(1, 51):
        run.end_epoch(epoch)
        threading.Event().wait(0.001)
    for viewer in viewers:
        viewer.join()
    jobs.change(1, state=JobState.DONE)
    expected = [*(("epoch", number) for number in range(1, 51)), ("ended", 50)]
    until(lambda: all(heard[-1] == ("ended", 50) for heard in listeners.heard.values()))
    assert len(listeners.heard) == 11
    assert all(heard == expected for heard in listeners.heard.values())


def test_thread_is_there_only_while_somebody_watches(feed: LiveFeed) -> None:
    assert not feed.runs
    feed.watch("a", 1)
    feed.watch("b", 2)
    assert feed.runs
    feed.unwatch("a", 1)
    assert feed.watched_by("b") == {2}
    feed.forget("b")
    until(lambda: not feed.runs)
    feed.watch("a", 1)
    assert feed.runs


def test_unwatch_ends_what_is_told(feed: LiveFeed, listeners: Listeners, run: WrittenRun) -> None:
    feed.watch("a", 1)
    feed.watch("b", 1)
    feed.unwatch("a", 1)
    feed.unwatch("a", 1)
    feed.unwatch("a", 77)
    run.end_epoch(1)
    until(lambda: listeners.heard.get("b"))
    assert "a" not in listeners.heard


def test_watch_of_a_job_that_is_none_is_refused(feed: LiveFeed) -> None:
    with pytest.raises(TrainingJobNotFound):
        feed.watch("a", 77)
    assert feed.watched_by("a") == set()


def test_job_whose_row_goes_is_watched_no_longer(feed: LiveFeed, listeners: Listeners, jobs: KnownJobs) -> None:
    feed.watch("a", 1)
    del jobs.rows[1]
    until(lambda: feed.watched_by("a") == set())
    assert listeners.rooms == {1: set()}
    until(lambda: not feed.runs)


def test_database_that_is_busy_is_asked_again(
    feed: LiveFeed, listeners: Listeners, jobs: KnownJobs, run: WrittenRun, caplog: pytest.LogCaptureFixture
) -> None:
    feed.watch("a", 1)
    jobs.is_busy = True
    with pytest.raises(DatabaseBusy):
        feed.watch("b", 1)
    run.end_epoch(1)
    threading.Event().wait(0.01)
    assert "a" not in listeners.heard
    jobs.is_busy = False
    until(lambda: listeners.heard.get("a") == [("epoch", 1)])
    assert not caplog.records
