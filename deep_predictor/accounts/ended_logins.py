"""Logins of browsers that were ended before their time: a copy of the cookie counts no more. Kept in memory."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable

MAX_ENDED = 100_000


class EndedLogins:
    """Usable from any thread. `clock`: seconds since 1970. Of more than `max_ended` those over first are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.time, max_ended: int = MAX_ENDED) -> None:
        self._clock, self._max_ended = clock, max_ended
        self._lock = threading.Lock()
        self._ids: set[str] = set()
        #: (when it would have been over anyway, id)
        self._by_end: list[tuple[float, str]] = []

    def add(self, login_id: str, over_at: float) -> None:
        with self._lock:
            if login_id in self._ids:
                return
            self._ids.add(login_id)
            heapq.heappush(self._by_end, (over_at, login_id))
            while self._by_end and (self._by_end[0][0] <= self._clock() or len(self._by_end) > self._max_ended):
                self._ids.remove(heapq.heappop(self._by_end)[1])

    def __contains__(self, login_id: str) -> bool:
        return login_id in self._ids
