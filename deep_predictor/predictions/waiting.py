"""How many requests may wait for predictions at once, so that the web server always has threads left to answer."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from deep_predictor.os_limits import usable_cores

#: Threads of the web server that waiting requests never hold.
THREADS_KEPT_FREE = 4
#: Share of the places that may wait for one predictor: a slow one must not hold up the requests for the others.
SHARE_OF_ONE = 0.75


class WaitSlots:
    """`count` places for requests that wait; nobody queues for one."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.count_for_one = max(1, int(count * SHARE_OF_ONE)) if count else 0
        self._lock = threading.Lock()
        self._taken = 0
        self._taken_for: Counter[str] = Counter()

    @classmethod
    def for_threads(cls, threads: int) -> WaitSlots:
        return cls(max(0, threads - THREADS_KEPT_FREE))

    @contextmanager
    def hold(self, predictor_name: str, most: int | None = None) -> Iterator[bool]:
        """Gives True with a slot that is held inside the block, or False at once when all are taken, or all that may
        wait for this predictor: `most`, or else `count_for_one`."""
        slot = self.take(predictor_name, most)
        try:
            yield slot is not None
        finally:
            if slot:
                slot.give_back()

    def take(self, predictor_name: str, most: int | None = None) -> WaitSlot | None:
        """A slot to be given back, by whatever thread; None where `hold` would give False."""
        most = self.count_for_one if most is None else most
        with self._lock:
            if self._taken >= self.count or self._taken_for[predictor_name] >= most:
                return None
            self._taken += 1
            self._taken_for[predictor_name] += 1
        return WaitSlot(self, predictor_name)

    def has_free(self, predictor_name: str) -> bool:
        """Whether `hold` would be granted now; it may be otherwise a moment later."""
        with self._lock:
            return self._taken < self.count and self._taken_for[predictor_name] < self.count_for_one

    def _give_back(self, predictor_name: str) -> None:
        with self._lock:
            self._taken -= 1
            self._taken_for[predictor_name] -= 1
            if not self._taken_for[predictor_name]:
                del self._taken_for[predictor_name]


class WaitSlot:
    """One that is taken, until it is given back; giving it back twice does nothing."""

    def __init__(self, slots: WaitSlots, predictor_name: str) -> None:
        self._slots: WaitSlots | None = slots
        self._predictor_name = predictor_name
        self._lock = threading.Lock()

    def give_back(self) -> None:
        with self._lock:
            slots, self._slots = self._slots, None
        if slots:
            slots._give_back(self._predictor_name)


class WorkPlaces:
    """So many requests may do heavy work at a time; the others wait a while for a place."""

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)

    @classmethod
    def one_a_core(cls) -> WorkPlaces:
        return cls(usable_cores())

    @contextmanager
    def hold(self, wait_seconds: float) -> Iterator[bool]:
        """Whether a place was free in time; inside the block it is taken."""
        granted = self._free.acquire(timeout=wait_seconds)
        try:
            yield granted
        finally:
            if granted:
                self._free.release()
