"""Writes of several threads in one transaction: the first to come writes for all who came before it began.

A database has one writer at a time and a fixed cost a transaction. While one transaction is on its way, others queue
here; the first of them then writes the whole queue. Alone, a caller writes at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

T = TypeVar("T")

#: Operations of one transaction.
MAX_GROUP = 64


class _Entry:
    """One operation, and how it ended."""

    def __init__(self, operation: Callable[[Connection], Any]) -> None:
        self.operation = operation
        #: Set when it is done, or when its thread is to write the queue.
        self.wake = threading.Event()
        self.is_done = False
        self.result: Any = None
        self.error: BaseException | None = None


class GroupWriter:
    """`write` may be called by any number of threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._queue: deque[_Entry] = deque()
        self._is_writing = False

    def write(self, operation: Callable[[Connection], T]) -> T:
        """Run an operation in a transaction that is committed when this returns; raises what it, or the commit, raised.

        An operation may run twice: one that fails takes its group's transaction down, and each is then run alone.
        """
        entry = _Entry(operation)
        with self._lock:
            self._queue.append(entry)
            waits = self._is_writing
            self._is_writing = True
        if waits:
            entry.wake.wait()
        if not entry.is_done:
            self._write_queue()
        if entry.error:
            raise entry.error
        result: T = entry.result
        return result

    def _write_queue(self) -> None:
        """Write what waits, the caller's entry first among it, and pass the pen on."""
        with self._lock:
            group = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_GROUP))]
        try:
            self._write_group(group)
        finally:
            for entry in group:
                entry.is_done = True
            with self._lock:
                following = self._queue[0] if self._queue else None
                self._is_writing = following is not None
            for entry in group:
                entry.wake.set()
            if following:
                following.wake.set()

    def _write_group(self, group: list[_Entry]) -> None:
        if len(group) > 1:
            try:
                with self._engine.begin() as connection:
                    results = [entry.operation(connection) for entry in group]
            except Exception:  # noqa: S110  one of them failed: which one, and how, shows when each runs alone
                pass
            else:
                for entry, result in zip(group, results, strict=True):
                    entry.result = result
                return
        for entry in group:
            try:
                with self._engine.begin() as connection:
                    entry.result = entry.operation(connection)
            except BaseException as error:  # it is raised in the thread that asked for it
                entry.error = error
