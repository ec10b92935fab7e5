"""A thread that looks at something every so often, and is there only while somebody wants it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Ticker:
    """`tick` is called every `seconds`, from `start` on, until it says False."""

    def __init__(self, name: str, seconds: float, tick: Callable[[], bool]) -> None:
        self._name, self._seconds, self._tick = name, seconds, tick
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._started_again = False

    @property
    def runs(self) -> bool:
        return self._thread is not None

    def start(self) -> None:
        """See to it that it ticks; nothing when it does, or was closed."""
        with self._lock:
            self._started_again = True
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the thread, for good."""
        self._closing.set()
        with self._lock:
            thread = self._thread
        if thread and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while not self._closing.wait(self._seconds):
            with self._lock:
                self._started_again = False
            is_wanted = self._look()
            with self._lock:
                if not is_wanted and not self._started_again:
                    self._thread = None
                    return
        with self._lock:
            self._thread = None

    def _look(self) -> bool:
        try:
            return self._tick()
        except Exception:  # the thread has to go on: others depend on it too
            logger.exception("%s", self._name)
            return True
