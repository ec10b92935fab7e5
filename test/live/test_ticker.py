"""A thread that is there only while somebody wants it."""

from __future__ import annotations

import threading

import pytest

from deep_predictor.live.ticker import Ticker

SECONDS = 20


def named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


class Ticks:
    """`wanted` says what each tick answers; `ticked` is set by the tick that says no."""

    def __init__(self, answers: list[bool]) -> None:
        self.answers, self.over, self.count = answers, threading.Event(), 0

    def __call__(self) -> bool:
        self.count += 1
        if not self.answers:
            self.over.set()
            return False
        return self.answers.pop()


def test_ticker_ends_its_thread_when_nobody_wants_it_and_starts_again() -> None:
    ticks = Ticks([True, True])
    ticker = Ticker("test-ticker", 0.001, ticks)
    assert not ticker.runs
    for expected in (3, 4):
        ticks.over.clear()
        ticker.start()
        assert ticks.over.wait(SECONDS)
        for thread in named("test-ticker"):
            thread.join(SECONDS)
        assert ticks.count == expected
        assert not ticker.runs


def test_ticker_started_during_its_last_tick_goes_on() -> None:
    begun, going_on, over = threading.Event(), threading.Event(), threading.Event()

    def tick() -> bool:
        if not begun.is_set():
            begun.set()
            assert going_on.wait(SECONDS)
        else:
            over.set()
        return False

    ticker = Ticker("test-ticker", 0.001, tick)
    ticker.start()
    assert begun.wait(SECONDS)
    ticker.start()
    assert len(named("test-ticker")) == 1
    going_on.set()
    assert over.wait(SECONDS)
    ticker.close()


def test_ticker_closed_does_not_tick_again() -> None:
    ticker = Ticker("test-ticker", 60, lambda: True)
    ticker.start()
    ticker.close()
    ticker.start()
    assert not ticker.runs
    assert named("test-ticker") == []


def test_ticker_closed_by_its_own_tick_does_not_wait_for_itself() -> None:
    done = threading.Event()

    def tick() -> bool:
        ticker.close()
        done.set()
        return True

    ticker = Ticker("test-ticker", 0.001, tick)
    ticker.start()
    assert done.wait(SECONDS)


def test_ticker_logs_what_a_tick_raises_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    over = threading.Event()

    def tick() -> bool:
        if "of a test" not in caplog.text:
            raise ZeroDivisionError("of a test")
        over.set()
        return False

    ticker = Ticker("test-ticker", 0.001, tick)
    ticker.start()
    assert over.wait(SECONDS)
    ticker.close()
