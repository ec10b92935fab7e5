"""A connection and its requests: waitress's channel on our loop, whose answers may come from any thread."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import ref

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask

from deep_predictor.listening.loop import Loop
from deep_predictor.web.error_responses import TOO_LARGE_TEXT
from deep_predictor.web.parking import ANSWER, IS_QUICK, PARKING, Parked

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


class RefusalTask(ErrorTask):
    """Answers what waitress refuses by itself: without its signature, and a body too large in the contract's words."""

    def execute(self) -> None:
        error = self.request.error
        text = TOO_LARGE_TEXT if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else error.reason
        is_json = "json" in self.request.headers.get("ACCEPT", "")
        kind = "application/problem+json" if is_json else "text/plain; charset=utf-8"
        problem = {"type": "about:blank", "title": text, "status": error.code}
        body = (json.dumps(problem) if is_json else text).encode()
        self.status = f"{error.code} {error.reason}"
        self.content_length = len(body)
        self.response_headers += [
            ("Content-Type", kind),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "default-src 'none'"),
        ]
        self.set_close_on_finish()
        self.write(body)


class Task(WSGITask):
    """Sends the head of an answer and the first part of its body in one go: one system call, one packet."""

    def get_environment(self) -> dict[str, Any]:
        return self.channel.take_environ() or self.new_environ()

    def new_environ(self) -> dict[str, Any]:
        """Of its request, which may be parked."""
        environ: dict[str, Any] = super().get_environment()
        environ[PARKING] = self.channel
        return environ

    def write(self, data: bytes) -> None:
        if self.wrote_header or not data:
            super().write(data)
        else:
            with self.channel.together():
                super().write(data)


class Channel(HTTPChannel):
    """It is also what `web.parking` calls a Parking. Each server has a class of its own, with `loop` and `quick`."""

    loop: ClassVar[Loop]
    #: Whether a request of this environ is served without waiting for anything but its prediction.
    quick: ClassVar[Callable[[WSGIEnvironment], bool]]
    task_class = Task
    error_task_class = RefusalTask
    server: Any
    connected: bool
    requests: list[Any]
    _fileno: int | None
    _parts: list[bytes] | None = None
    #: What the next task has for its environ.
    _environ: dict[str, Any] | None = None
    _parked: ParkedRequest | None = None
    total_outbufs_len: int
    will_close: bool

    def __init__(self, server: Any, sock: Any, addr: Any, adj: Any, map: Any = None) -> None:
        super().__init__(_Listener(server, self), sock, addr, adj, map)
        self.loop.note(self)

    def del_channel(self, map: Any = None) -> None:
        if self._fileno is not None:
            self.loop.forget(self._fileno)
        super().del_channel(map)

    def handle_close(self) -> None:
        """The selector is the receiving thread's: any other only says that the connection is to be closed."""
        if self.loop.is_here or not self.loop.is_running:
            super().handle_close()
        else:
            self.connected, self.will_close = False, True
            self.loop.note(self)

    def service(self) -> None:
        with suppress(Parked):  # the request stays the first one, so nothing else is read or answered meanwhile
            super().service()

    def is_quick(self) -> bool:
        """Whether the thread that receives may serve its first request itself."""
        request = self.requests[0]
        if request.error:
            return False
        self._environ = Task(self, request).new_environ()
        self._environ[IS_QUICK] = is_quick = type(self).quick(self._environ)
        return is_quick

    def take_environ(self) -> dict[str, Any] | None:
        """For the task that is about to be served."""
        environ, self._environ = self._environ, None
        return environ

    def ask_again(self) -> None:
        """Serve a parked request: in this thread when the server stops and has none left."""
        if self.server.task_dispatcher.threads:
            self.server.task_dispatcher.add_to_threads(self)
        else:
            self.service()

    def answer_by(self, answer: WSGIApplication, environ: WSGIEnvironment, within_seconds: float) -> ParkedRequest:
        self._parked = ParkedRequest(self, {**environ, ANSWER: answer}, time.monotonic() + within_seconds)
        return self._parked

    def answer_late(self, now: float) -> None:
        """Have a thread answer what was parked for too long."""
        parked = self._parked
        if parked and parked.deadline <= now and parked.take_back():
            self.serve_with(parked.environ, in_thread=True)

    def serve_with(self, environ: WSGIEnvironment, in_thread: bool = False) -> None:
        """Serve the first request, parked until now. A thread of the server's own does it where that may have to wait.

        Only they may wait for a client that reads slowly, and has not read earlier answers yet.
        """
        self._environ = environ
        if in_thread or self.total_outbufs_len:
            self.ask_again()
        else:
            self.service()

    def forget_parked(self, parked: ParkedRequest) -> None:
        if self._parked is parked:
            self._parked = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send what is written inside the block at its end."""
        self._parts = []
        try:
            yield
        finally:
            parts, self._parts = self._parts, None
            rest = self._send_now(b"".join(parts))
            if rest:
                super().write_soon(rest)

    def _send_now(self, data: bytes) -> bytes:
        """What is left. Past the buffer: while that holds something, the receiving thread would try to send it, too."""
        with self.outbuf_lock:
            if self.total_outbufs_len or not self.connected:
                return data
            return data[self.send(data, do_close=False) :]

    def write_soon(self, data: Any) -> int:
        if self._parts is None:
            return int(super().write_soon(data))
        self._parts.append(data)
        return len(data)


class ParkedRequest:
    """The first request of a connection; `answer` or `take_back`, whichever is called first, decides about it."""

    def __init__(self, channel: Channel, environ: WSGIEnvironment, deadline: float) -> None:
        self.environ, self.deadline = environ, deadline
        self._channel = channel
        self._once = threading.Lock()

    def answer(self) -> None:
        if self.take_back():
            self._channel.serve_with(self.environ)

    def take_back(self) -> bool:
        if not self._once.acquire(blocking=False):
            return False
        self._channel.forget_parked(self)
        return True


class _Listener:
    """The listening server as one of its connections sees it: what it changes concerns the loop for this one alone."""

    def __init__(self, server: Any, channel: Channel) -> None:
        self._server, self._channel = server, ref(channel)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def pull_trigger(self) -> None:
        channel = self._channel()
        if channel is not None:
            channel.loop.note(channel)
