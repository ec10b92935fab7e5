"""How many requests may wait for predictions at once, so that the web server always has threads left to answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Threads of the web server that waiting requests never hold.
THREADS_KEPT_FREE = 4


class WaitSlots:
    """`count` places for requests that wait; nobody queues for one."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = threading.Semaphore(count)

    @classmethod
    def for_threads(cls, threads: int) -> WaitSlots:
        return cls(max(0, threads - THREADS_KEPT_FREE))

    @contextmanager
    def hold(self) -> Iterator[bool]:
        """Gives True with a slot that is held inside the block, or False at once when all are taken."""
        granted = self._free.acquire(blocking=False)
        try:
            yield granted
        finally:
            if granted:
                self._free.release()
