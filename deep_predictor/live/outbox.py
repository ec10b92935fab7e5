"""What waits to be sent to one client, and who waits for it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any


class Outbox(queue.Queue[Any]):
    """Packets, oldest first; None marks the end. One waits for them at a time, in a thread or by leaving a call."""

    def __init__(self) -> None:
        super().__init__()
        self._call: Callable[[], object] | None = None

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        with self.mutex:
            call, self._call = self._call, None
        if call:
            call()  # without the mutex: it may take what is there

    def take(self, most: int) -> list[Any]:
        """What is there, at most so many and without the end's mark; never waits."""
        with self.mutex:
            taken = [self._get() for _ in range(min(most, self._qsize()))]
        return [item for item in taken if item is not None]

    def when_filled(self, call: Callable[[], object]) -> bool:
        """Call it once, at once where something is there; False, and no call, when another waits already."""
        with self.mutex:
            if self._call is not None:
                return False
            if not self._qsize():
                self._call = call
                return True
        call()
        return True

    def wait(self, seconds: float) -> bool:
        """Wait in this thread until something is there or the time is over; False at once when another waits."""
        filled = threading.Event()
        if not self.when_filled(filled.set):
            return False
        filled.wait(seconds)
        with self.mutex:
            if self._call == filled.set:
                self._call = None
        return True
