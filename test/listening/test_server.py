"""Connections on our loop: parked and quick requests, large answers, clients that leave or are slow, the end."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from waitress import wasyncore

from deep_predictor.listening import loop as loop_module
from deep_predictor.listening.channel import Channel
from deep_predictor.listening.server import create_server
from deep_predictor.web.parking import Parked, ParkedAnswers, parking_of

SECONDS = 20.0
LARGE = bytes(range(256)) * 80_000
#: More than sockets hold, and less than the server lets wait.
MUCH = LARGE[:15_000_000]
Start = Callable[[str, list[tuple[str, str]]], object]


@dataclass
class Rehearsal:
    """A WSGI application whose paths say what it does, and what it saw."""

    threads: dict[str, int] = field(default_factory=dict)
    parked: dict[str, Callable[[], None]] = field(default_factory=dict)
    is_parked: threading.Event = field(default_factory=threading.Event)

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.threads[path] = threading.get_ident()
        if path.startswith("/park"):
            parking = parking_of(environ)
            assert parking
            parked = parking.answer_by(self._answer, environ, 0.2 if path == "/park-late" else SECONDS)
            self.parked[path] = parked.answer
            if path == "/park-taken-back":
                assert parked.take_back()
                return self._answer(environ, start_response)
            self.is_parked.set()
            raise Parked
        if path == "/again" and path not in self.parked:
            parking = parking_of(environ)
            assert parking
            self.parked[path] = parking.ask_again
            self.is_parked.set()
            raise Parked
        if path == "/raises":
            raise ZeroDivisionError
        return self._answer(environ, start_response)

    def _answer(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        body = {"/large": LARGE, "/much": MUCH}.get(path, path.encode())
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def wait_until_parked(self, path: str) -> Callable[[], None]:
        assert self.is_parked.wait(SECONDS)
        self.is_parked.clear()
        return self.parked[path]


@dataclass
class Served:
    app: Rehearsal
    server: Any
    thread: threading.Thread
    stopped: list[int]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", int(self.server.effective_port)), SECONDS)

    @property
    def channels(self) -> list[Channel]:
        return list(self.server.active_channels.values())


@pytest.fixture
def served() -> Iterator[Served]:
    app, stopped = Rehearsal(), []
    server = create_server(
        ParkedAnswers(app),
        threads=4,
        quick=lambda environ: environ["PATH_INFO"].endswith("quick"),
        on_stop=lambda: stopped.append(threading.get_ident()),
        host="127.0.0.1",
        port=0,
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield Served(app, server, thread, stopped)
    server.task_dispatcher.shutdown()
    wasyncore.close_all(server._map)
    server.pull_trigger = lambda: None
    thread.join(SECONDS)


def ask(connection: socket.socket, *paths: str) -> None:
    connection.sendall(b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths))


def read_body(connection: socket.socket) -> bytes:
    """The next answer's."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    (length,) = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while len(body) < length:
        body += _more(connection)
    assert len(body) == length, "two answers came at once"
    return body


def read_body_of(connection: socket.socket, length: int) -> bytes:
    """The next answer's, where more follows it."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection, 1)
    body = bytearray()
    while len(body) < length:
        body += _more(connection, min(1_000_000, length - len(body)))
    return bytes(body)


def _more(connection: socket.socket, size: int = 1_000_000) -> bytes:
    data = connection.recv(size)
    assert data, "the connection was closed"
    return data


def test_parked_request_is_answered_in_the_thread_that_has_the_answer(served: Served) -> None:
    with served.connect() as connection:
        ask(connection, "/park")
        answer = served.app.wait_until_parked("/park")
        answer()
        assert read_body(connection) == b"/park"
        answer()  # only the first call counts
        ask(connection, "/next")
        assert read_body(connection) == b"/next"


def test_requests_of_one_connection_are_answered_in_their_order(served: Served) -> None:
    with served.connect() as connection:
        ask(connection, "/park", "/second", "/quick")
        answer = served.app.wait_until_parked("/park")
        assert "/second" not in served.app.threads
        answer()
        received = b""
        while received.count(b"200 OK") < 3 or not received.endswith(b"/quick"):
            received += _more(connection)
        assert received.index(b"/park") < received.index(b"/second") < received.index(b"/quick")


def test_parked_request_whose_answer_does_not_come_is_answered_by_the_server(served: Served) -> None:
    with served.connect() as connection:
        ask(connection, "/park-late")
        assert read_body(connection) == b"/park-late"
        served.app.wait_until_parked("/park-late")()
        ask(connection, "/next")
        assert read_body(connection) == b"/next"


def test_parked_request_that_was_taken_back_is_answered_once(served: Served) -> None:
    with served.connect() as connection:
        ask(connection, "/park-taken-back")
        assert read_body(connection) == b"/park-taken-back"
        ask(connection, "/park")
        answer = served.app.wait_until_parked("/park")
        served.app.parked["/park-taken-back"]()  # too late for it
        (channel,) = served.channels
        channel.answer_late(float("inf"))
        assert read_body(connection) == b"/park"
        answer()
        ask(connection, "/next")
        assert read_body(connection) == b"/next"


def test_answer_behind_one_that_is_not_read_holds_up_nobody_who_tells(served: Served) -> None:
    with served.connect() as connection:
        ask(connection, "/much", "/park", "/after")
        answer = served.app.wait_until_parked("/park")
        assert served.channels[0].total_outbufs_len > 0
        told = threading.Thread(target=answer, daemon=True)
        told.start()
        told.join(SECONDS)
        assert not told.is_alive()
        assert read_body_of(connection, len(MUCH)) == MUCH
        rest = b""
        while not rest.endswith(b"/after"):
            rest += _more(connection)
        assert rest.index(b"/park") < rest.index(b"/after")


def test_clients_that_break_off_end_their_own_connection_alone(served: Served) -> None:
    """A thread that finds the connection broken says so to the receiving thread, whose selector it is."""
    request = b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    for _ in range(400):
        connection = served.connect()
        connection.sendall(request + head)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    with served.connect() as connection:
        ask(connection, "/quick")
        assert read_body(connection) == b"/quick"
    assert served.thread.is_alive()
    until(lambda: not served.channels)


def test_parked_request_that_is_asked_again_goes_to_a_thread(served: Served) -> None:
    with served.connect() as connection:
        ask(connection, "/again")
        served.app.wait_until_parked("/again")()
        assert read_body(connection) == b"/again"
        assert served.app.threads["/again"] not in (served.thread.ident, threading.get_ident())


def test_quick_request_is_served_by_the_thread_that_receives(served: Served) -> None:
    with served.connect() as connection:
        for path in ("/quick", "/other", "/park-quick"):
            ask(connection, path)
            if path == "/park-quick":
                served.app.wait_until_parked(path)()
            assert read_body(connection) == path.encode()
    here = {path for path, thread in served.app.threads.items() if thread == served.thread.ident}
    assert here == {"/quick", "/park-quick"}


def test_client_that_leaves_while_its_request_is_parked_is_forgotten(served: Served) -> None:
    with served.connect() as connection:
        ask(connection, "/park")
        answer = served.app.wait_until_parked("/park")
    answer()
    with served.connect() as other:
        ask(other, "/park2")
        served.app.wait_until_parked("/park2")()
        assert read_body(other) == b"/park2"
        until(lambda: len(served.channels) == 1)


def test_client_that_has_said_all_it_says_gets_its_parked_answer(served: Served) -> None:
    with served.connect() as connection:
        ask(connection, "/park")
        connection.shutdown(socket.SHUT_WR)
        answer = served.app.wait_until_parked("/park")
        until(lambda: not served.server.asyncore._watched.get(served.channels[0]._fileno))
        answer()
        assert read_body(connection) == b"/park"


def test_large_answer_to_a_slow_client_holds_up_nobody(served: Served) -> None:
    with served.connect() as slow, served.connect() as quick:
        ask(slow, "/large")
        for _ in range(20):
            ask(quick, "/quick")
            assert read_body(quick) == b"/quick"
        assert read_body(slow) == LARGE
        ask(slow, "/next")
        assert read_body(slow) == b"/next"


def test_error_of_the_application_is_answered_500_and_the_server_goes_on(served: Served) -> None:
    with served.connect() as connection:
        ask(connection, "/raises")
        assert b" 500 " in _more(connection)
    with served.connect() as connection:
        ask(connection, "/quick")
        assert read_body(connection) == b"/quick"


def test_idle_connections_cost_nothing_when_others_are_served(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_module, "LOOK_SECONDS", 1000.0)
    idle = [served.connect() for _ in range(50)]
    with served.connect() as connection:
        ask(connection, "/quick")
        assert read_body(connection) == b"/quick"
        until(lambda: len(served.channels) == len(idle) + 1)
        looks: list[Channel] = []
        readable = Channel.readable
        monkeypatch.setattr(Channel, "readable", lambda channel: looks.append(channel) or readable(channel))
        for _ in range(20):
            ask(connection, "/quick")
            assert read_body(connection) == b"/quick"
    assert len(set(looks)) <= 2, "the one that asks, and one more for a look at all that was under way"
    for one in idle:
        one.close()
    until(lambda: not served.channels)


def test_body_is_asked_for_with_100_continue(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert b"100 Continue" in _more(connection)
        connection.sendall(b"abc")
        assert read_body(connection) == b"/other"


STOPPED = """
import signal
from deep_predictor.listening.server import create_server

def answer(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

def stop(signum, frame):
    raise SystemExit(0)

signal.signal(signal.SIGTERM, stop)
server = create_server(answer, 2, on_stop=lambda: print("stopped", flush=True), host="127.0.0.1", port=0)
print(server.effective_port, flush=True)
server.run()
print("after", flush=True)
"""


def test_stop_signal_ends_the_loop_and_then_tells() -> None:
    """In a process of its own: a signal is handled by the main thread alone."""
    with subprocess.Popen([sys.executable, "-c", STOPPED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        with socket.create_connection(("127.0.0.1", int(process.stdout.readline())), SECONDS) as connection:
            ask(connection, "/")
            assert read_body(connection) == b"ok"
            process.send_signal(signal.SIGTERM)
            assert process.stdout.read().split() == ["stopped", "after"]
        assert process.wait(SECONDS) == 0


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(SECONDS / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("never came true")
