"""The thread that receives: it sleeps until a connection has something to say, and looks at that one alone.

waitress's own loop looks at every connection for every event: a third of a core with 256 connections under load. Here
a connection is looked at when something happened to it, and all of them now and then.
"""

from __future__ import annotations

import selectors
import threading
import time
from collections import deque
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from waitress.task import ThreadedTaskDispatcher
from waitress.wasyncore import readwrite

if TYPE_CHECKING:
    from deep_predictor.listening.channel import Channel

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
#: As `readwrite` wants them: select.POLLIN and select.POLLOUT.
_POLL_FLAGS = {READ: 1, WRITE: 4, READ | WRITE: 5}
#: Between two looks at all connections: for those that wait too long, and whatever nobody told of.
LOOK_SECONDS = 0.25


class Loop:
    """Takes the place of the module `wasyncore` where a waitress server runs."""

    def __init__(self, on_stop: Callable[[], None]) -> None:
        """`on_stop` is called after a stop signal, when nothing is locked any more."""
        self._on_stop = on_stop
        #: Ends this thread's sleep; any thread may call it.
        self.wake: Callable[[], None] = lambda: None
        self._selector = selectors.DefaultSelector()
        #: File number -> the events that the selector watches for; it may be more than is wanted.
        self._watched: dict[int, int] = {}
        #: What is no connection: listening sockets, and the pipe that wakes this thread.
        self._others: list[Any] = []
        self._changed: deque[Channel] = deque()
        self._quick: deque[Channel] = deque()
        self._thread_id = 0
        self.is_running = False

    @property
    def is_here(self) -> bool:
        """Whether the caller is the thread that receives."""
        return threading.get_ident() == self._thread_id

    def loop(self, timeout: float, map: MutableMapping[int, Any], use_poll: bool) -> None:
        """Serve what is in `map` until nothing is; waitress calls it as it would call its own."""
        self._thread_id, self.is_running, next_look = threading.get_ident(), True, 0.0
        try:
            while map:
                now = time.monotonic()
                if now >= next_look:
                    next_look = now + LOOK_SECONDS
                    self._look_at_all(map, now)
                self._look_at_changed()
                self._handle_events(map, min(timeout, LOOK_SECONDS))
                for _ in range(len(self._quick)):
                    channel = self._quick.popleft()
                    guarded(channel, channel.service)
        except (SystemExit, KeyboardInterrupt):
            self._thread_id, self.is_running = 0, False
            self._on_stop()
            raise
        finally:
            self._thread_id, self.is_running = 0, False

    def note(self, channel: Channel) -> None:
        """It may wait for more than before; called by any thread."""
        if wanted_events(channel) & ~self._watched.get(channel._fileno or -1, 0):
            self._changed.append(channel)
            if not self.is_here:
                self.wake()

    def note_quick(self, channel: Channel) -> None:
        """Its first request is to be served by this thread, as soon as nothing of it is locked."""
        self._quick.append(channel)

    def forget(self, fileno: int) -> None:
        """It is closed next."""
        self._watched.pop(fileno, None)
        with suppress(KeyError, ValueError, OSError):
            self._selector.unregister(fileno)

    def _look_at_all(self, map: MutableMapping[int, Any], now: float) -> None:
        served = list(map.values())
        self._others = [one for one in served if not hasattr(one, "answer_late")]
        for one in served:
            if hasattr(one, "answer_late"):
                guarded(one, one.answer_late, now)
                guarded(one, self._watch, one)

    def _look_at_changed(self) -> None:
        for _ in range(len(self._changed)):
            channel = self._changed.popleft()
            guarded(channel, self._watch, channel)
        for one in self._others:
            self._watch(one)

    def _watch(self, one: Any) -> None:
        """Have the selector watch for just what it waits for."""
        while one._fileno is not None:
            wanted, fileno = wanted_events(one), one._fileno
            watched = self._watched.get(fileno, 0)
            if wanted == watched:
                return
            if wanted and watched:
                self._selector.modify(fileno, wanted, one)
            elif wanted:
                self._selector.register(fileno, wanted, one)
            else:
                self._selector.unregister(fileno)
            self._watched[fileno] = wanted  # and look again: a thread that changed it just now has seen the old value

    def _handle_events(self, map: MutableMapping[int, Any], timeout: float) -> None:
        """What is watched for and not wanted, as while a connection's request is served, is unlearned when it comes."""
        for key, events in self._selector.select(timeout):
            one = map.get(key.fd)
            if one is None or one is not key.data:
                continue
            if due := events & wanted_events(one):
                readwrite(one, _POLL_FLAGS[due])
            if not due or wanted_events(one) & ~key.events:
                self._changed.append(one)


def guarded(channel: Channel, call: Callable[..., object], *arguments: Any) -> None:
    """Whatever one connection raises ends it alone."""
    try:
        call(*arguments)
    except Exception:
        channel.handle_error()


class Dispatcher(ThreadedTaskDispatcher):
    """Hands requests to threads, but those that the loop's own thread serves."""

    def __init__(self, loop: Loop) -> None:
        super().__init__()
        self._loop = loop

    def add_task(self, task: Any) -> None:
        if self._loop.is_here and task.is_quick():
            self._loop.note_quick(task)
        else:
            self.add_to_threads(task)

    def add_to_threads(self, task: Any) -> None:
        """Have a thread serve it, quick or not."""
        super().add_task(task)


def wanted_events(one: Any) -> int:
    """What a connection, listening socket or pipe of waitress waits for now; 0 for nothing, or when it is closed."""
    if one._fileno is None:
        return 0
    return (READ if one.readable() else 0) | (WRITE if not one.accepting and one.writable() else 0)
