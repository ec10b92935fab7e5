"""What waits for one client: taken in order, a few at a time, by one at a time."""

from __future__ import annotations

import queue
import threading

import pytest

from deep_predictor.live.outbox import Outbox


def test_take_gives_the_oldest_and_leaves_the_rest() -> None:
    outbox = Outbox()
    for number in range(5):
        outbox.put(number)

    assert outbox.take(3) == [0, 1, 2]
    assert outbox.take(3) == [3, 4]
    assert outbox.take(3) == []


def test_take_leaves_out_the_mark_of_the_end() -> None:
    outbox = Outbox()
    outbox.put("last")
    outbox.put(None)
    assert outbox.take(16) == ["last"]


def test_get_works_as_for_every_queue() -> None:
    outbox = Outbox()
    outbox.put(1)
    assert outbox.get() == 1
    with pytest.raises(queue.Empty):
        outbox.get(block=False)


def test_when_filled_calls_once_when_something_comes() -> None:
    outbox, calls = Outbox(), []
    assert outbox.when_filled(lambda: calls.append(outbox.take(9)))
    assert calls == []
    outbox.put("a")
    outbox.put("b")
    assert calls == [["a"]]


def test_when_filled_calls_at_once_where_something_is() -> None:
    outbox, calls = Outbox(), []
    outbox.put("a")
    assert outbox.when_filled(lambda: calls.append(outbox.take(9)))
    assert calls == [["a"]]


def test_when_filled_for_a_second_one_is_refused() -> None:
    outbox, calls = Outbox(), []
    assert outbox.when_filled(lambda: calls.append("first"))
    assert not outbox.when_filled(lambda: calls.append("second"))
    assert not outbox.wait(30)
    outbox.put("a")
    assert calls == ["first"]


def test_wait_ends_when_something_comes_or_the_time_is_over() -> None:
    outbox = Outbox()
    assert outbox.wait(0)
    thread = threading.Thread(target=lambda: outbox.put("a"))
    thread.start()
    assert outbox.wait(30)
    thread.join()
    assert outbox.take(1) == ["a"]
    assert outbox.when_filled(lambda: None)  # nobody waits any longer
