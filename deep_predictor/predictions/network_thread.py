"""Runs a network on a thread of its own, so that one that hangs holds up nobody else's video."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from deep_predictor.errors import PredictionTimedOut


class _Call:
    """One call on its way; `error` is what it raised."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.result: Any = None
        self.error: BaseException | None = None
        self.has_ended = threading.Event()

    def run(self) -> None:
        try:
            self.result = self._function()
        except BaseException as error:  # given to who asked, whatever a model throws
            self.error = error
        finally:
            self.has_ended.set()


class NetworkThread:
    """Used by one thread at a time. A call that takes too long is left behind with its thread; the next has another."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call | None] | None = None

    def call(self, function: Callable[[], Any], timeout_seconds: float) -> Any:
        """What `function` gives or raises. Raises PredictionTimedOut."""
        if self._calls is None:
            self._calls = SimpleQueue()
            threading.Thread(target=_serve, args=(self._calls,), name="network of videos", daemon=True).start()
        call = _Call(function)
        self._calls.put(call)
        if not call.has_ended.wait(timeout_seconds):
            self.close()
            raise PredictionTimedOut(timeout_seconds)
        if call.error:
            raise call.error
        return call.result

    def close(self) -> None:
        """Let the thread end when it has nothing left to do."""
        if self._calls is not None:
            self._calls.put(None)
            self._calls = None


def _serve(calls: SimpleQueue[_Call | None]) -> None:
    while call := calls.get():
        call.run()
