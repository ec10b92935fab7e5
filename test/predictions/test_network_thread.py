"""A network that hangs holds up nobody else."""

from __future__ import annotations

import threading

import pytest

from deep_predictor.errors import PredictionTimedOut
from deep_predictor.predictions.network_thread import NetworkThread


def test_call_gives_what_the_function_gives_always_on_one_other_thread() -> None:
    network = NetworkThread()
    threads = {network.call(threading.get_ident, 20) for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    network.close()


def test_call_raises_what_the_function_raises_and_goes_on() -> None:
    def broken() -> None:
        raise SystemExit(3)

    network = NetworkThread()
    with pytest.raises(SystemExit):
        network.call(broken, 20)
    assert network.call(lambda: 5, 20) == 5
    network.close()


def test_call_that_hangs_times_out_and_the_next_one_runs_on_another_thread() -> None:
    network, release = NetworkThread(), threading.Event()
    with pytest.raises(PredictionTimedOut):
        network.call(lambda: release.wait(20), 0.05)
    assert network.call(lambda: "next", 20) == "next"
    release.set()
    network.close()
