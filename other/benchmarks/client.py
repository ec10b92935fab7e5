"""A light HTTP/1.1 load client: one thread, non-blocking sockets, ready-made requests; prints JSON.

    python other/benchmarks/client.py --url http://127.0.0.1:5000/path --concurrency 8 --seconds 5 \
        --body picture.jpg --content-type image/jpeg --header 'X-API-Key: secret'

Modes: `closed` (each connection sends its next request when the answer is there), `open` (`--rate` requests a second,
whatever the server does; latency counts from the moment a request was due), `async` (POST /upload, then GET /api with
`wait` until the prediction is final; `--url` names the server) and `upload` (the same without asking). The standard
library alone, because the client shares its machine with the server.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import math
import secrets
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

RECEIVE_BYTES = 256 * 1024
#: A whole picture fits, so that most requests leave in one call.
SEND_BUFFER_BYTES = 512 * 1024
CONNECT_SECONDS = 10.0
#: Answers that tell a client to come back later.
REFUSALS = (429, 503)
#: A client that was told to come back does not ask again at once.
PAUSE_SECONDS = 0.02
#: A client without any answer for so long gives up.
STALL_SECONDS = 60.0
POLL_WAIT_SECONDS = 30
#: Of a prediction_id.
ID_LENGTH = 32
BOUNDARY = b"deep-predictor-benchmark-boundary"
NOT_FINAL = b'"prediction_status":100'

#: What is called with the status (0: the connection broke), the body, and the time.
AnswerHandler = Callable[[int, bytes, float], None]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of all are not above; nan for no values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summarize(seconds: Sequence[float]) -> dict[str, float | None]:
    """Milliseconds; None where there is no value, because JSON knows no nan."""
    if not seconds:
        return dict.fromkeys(("p50", "p90", "p99", "max", "mean"))
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    summary: dict[str, float | None] = {
        name: round(1000 * percentile(seconds, share), 3) for name, share in shares.items()
    }
    summary["mean"] = round(1000 * sum(seconds) / len(seconds), 3)
    return summary


class Loop:
    """Sockets and timers of the one thread."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_number = 0

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        self._timer_number += 1
        heapq.heappush(self._timers, (when, self._timer_number, callback))

    def run(self, is_done: Callable[[float], bool]) -> None:
        """Serve sockets and timers until `is_done(now)`."""
        clock, timers, select = time.perf_counter, self._timers, self.selector.select
        while not is_done(now := clock()):
            while timers and timers[0][0] <= now:
                heapq.heappop(timers)[2]()
            timeout = 0.1 if not timers else min(0.1, max(0.0, timers[0][0] - clock()))
            for key, events in select(timeout):
                key.data(events)

    def close(self) -> None:
        self.selector.close()


class Connection:
    """One keep-alive connection with at most one request under way; it is opened anew when the peer closed it."""

    def __init__(self, loop: Loop, address: tuple[str, int]) -> None:
        self._loop, self._address = loop, address
        self._socket: socket.socket | None = None
        self._request, self._sent, self._is_first = b"", 0, True
        self._received = bytearray()
        self._writing = False
        self._on_answer: AnswerHandler | None = None
        self.opened = 0

    def send(self, request: bytes, on_answer: AnswerHandler) -> None:
        """Send a request; `on_answer` is called once."""
        self._request, self._sent, self._on_answer = request, 0, on_answer
        self._received.clear()
        if self._socket is None:
            self._open()
        self._write()

    def close(self) -> None:
        if self._socket is not None:
            self._loop.selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address, CONNECT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._socket.setblocking(False)
        self._loop.selector.register(self._socket, selectors.EVENT_READ, self._handle)
        self._writing, self._is_first = False, True
        self.opened += 1

    def _handle(self, events: int) -> None:
        if events & selectors.EVENT_READ:
            self._read()
        if events & selectors.EVENT_WRITE and self._writing:
            self._write()

    def _write(self) -> None:
        assert self._socket is not None
        try:
            rest: bytes | memoryview = memoryview(self._request)[self._sent :] if self._sent else self._request
            self._sent += self._socket.send(rest)
        except BlockingIOError:
            pass
        except OSError:
            self._broken()
            return
        wants_writing = self._sent < len(self._request)
        if wants_writing != self._writing:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wants_writing else 0)
            self._loop.selector.modify(self._socket, events, self._handle)
            self._writing = wants_writing

    def _read(self) -> None:
        assert self._socket is not None
        try:
            received = self._socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        self._received += received
        answer = parse_answer(self._received, at_end=not received)
        if answer is not None and self._on_answer is not None:
            status, body, keeps = answer
            if not keeps or not received or self._writing:
                self.close()
            self._is_first = False
            self._finish(status, body)
        elif not received:
            self._broken()

    def _broken(self) -> None:
        """An idle connection that the peer closed is no failure: the request is sent once more on a new one."""
        used, self._is_first = not self._is_first, True
        request, on_answer = self._request, self._on_answer
        self.close()
        if on_answer is not None and used and not self._received:
            self.send(request, on_answer)
        elif on_answer is not None:
            self._finish(0, b"")

    def _finish(self, status: int, body: bytes) -> None:
        on_answer, self._on_answer = self._on_answer, None
        assert on_answer is not None
        on_answer(status, body, time.perf_counter())


def parse_answer(received: bytearray, at_end: bool) -> tuple[int, bytes, bool] | None:
    """(status, body, whether the connection stays open) of a whole answer, None while a part is missing."""
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    head = bytes(received[:head_end]).lower()
    status, start = int(head[9:12]), head_end + 4
    if status == 100:  # "continue" is no answer
        del received[:start]
        return parse_answer(received, at_end)
    keeps = b"\r\nconnection: close" not in head and not head.startswith(b"http/1.0")
    length_at = head.find(b"\r\ncontent-length:")
    if length_at >= 0:
        length = int(head[length_at + 17 :].split(b"\r\n", 1)[0])
        body = bytes(received[start : start + length])
        return (status, body, keeps) if len(received) >= start + length else None
    if b"\r\ntransfer-encoding: chunked" in head:
        chunks = _join_chunks(received, start)
        return None if chunks is None else (status, chunks, keeps)
    return (status, bytes(received[start:]), False) if at_end else None


def _join_chunks(received: bytearray, position: int) -> bytes | None:
    body = bytearray()
    while True:
        line_end = received.find(b"\r\n", position)
        if line_end < 0:
            return None
        size = int(bytes(received[position:line_end]).split(b";")[0], 16)
        position = line_end + 2
        if len(received) < position + size + 2:
            return None
        if size == 0:
            return bytes(body)
        body += received[position : position + size]
        position += size + 2


class Statistics:
    """Answers inside the measured window, which begins when the warm-up ends."""

    def __init__(self, warm_up: float, seconds: float, requests: int, expected: bytes) -> None:
        self.begin = time.perf_counter() + warm_up
        self.end = self.begin + seconds
        self.expected, self._requests = expected.replace(b" ", b""), requests
        self.ok: list[float] = []
        self.refused: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.unexpected = 0
        self.unexpected_example = ""
        self.late = 0
        self._cpu_at_begin: float | None = None
        self._last_at = self.begin

    def is_done(self, now: float) -> bool:
        if self._cpu_at_begin is None and now >= self.begin:
            self._cpu_at_begin = time.process_time()
        stalled = now > max(self._last_at, self.begin) + STALL_SECONDS
        return now >= self.end or stalled or 0 < self._requests <= sum(self.statuses.values())

    def record(self, status: int, body: bytes, seconds: float, now: float) -> None:
        self._last_at = now
        if not self.begin <= now < self.end:
            return
        self.statuses[status] += 1
        if status in REFUSALS:
            self.refused.append(seconds)
        elif 200 <= status < 300 and self.expected in body.replace(b" ", b""):
            self.ok.append(seconds)
        else:
            self.unexpected += 1
            self.unexpected_example = self.unexpected_example or f"{status}: {body[:300].decode(errors='replace')}"

    def report(self) -> dict[str, Any]:
        finished = min(time.perf_counter(), self.end)
        elapsed = max(1e-9, finished - self.begin)
        cpu = time.process_time() - (self._cpu_at_begin or 0.0)
        return {
            "throughput": round(len(self.ok) / elapsed, 3),
            "latency_ms": summarize(self.ok),
            "ok": len(self.ok),
            "refused": len(self.refused),
            "refusal_latency_ms": summarize(self.refused),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "unexpected": self.unexpected,
            "unexpected_example": self.unexpected_example,
            "late": self.late,
            "seconds": round(elapsed, 3),
            "client_cpu_seconds": round(cpu, 3),
        }


class Load:
    """What all modes share: the connections, the statistics, and when to end."""

    def __init__(self, args: argparse.Namespace) -> None:
        url = urlsplit(args.url)
        self.args, self.url = args, url
        self.loop = Loop()
        self.address = (url.hostname or "127.0.0.1", url.port or 80)
        self.connections = [Connection(self.loop, self.address) for _ in range(args.concurrency)]
        self.statistics = Statistics(args.warm_up, args.seconds, args.requests, args.expect.encode())

    def run(self) -> dict[str, Any]:
        self.start()
        self.loop.run(self.statistics.is_done)
        report = self.statistics.report()
        for connection in self.connections:
            connection.close()
        self.loop.close()
        opened = sum(connection.opened for connection in self.connections)
        return {"mode": self.args.mode, "concurrency": self.args.concurrency, **report, "connections_opened": opened}

    def start(self) -> None:
        raise NotImplementedError

    def request(self, method: str, path: str, body: bytes, content_type: str) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.url.netloc}", "Accept: application/json"]
        lines += self.args.header
        if method == "POST":
            lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def path(self) -> str:
        return (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")

    def body(self) -> bytes:
        return Path(self.args.body).read_bytes() if self.args.body else b""

    def plain_requests(self) -> Iterator[bytes]:
        """What `closed` and `open` send: one request over and over, or one for each line of `--paths`."""
        if self.args.paths:
            paths = Path(self.args.paths).read_text(encoding="utf-8").split()
            return itertools.cycle([self.request("GET", path, b"", "") for path in paths])
        body, content_type = self.body(), self.args.content_type
        if self.args.field is not None:
            fields = dict(field.split("=", 1) for field in self.args.field)
            body, content_type = multipart(body, fields, self.args.file_field), multipart_type()
        return itertools.repeat(self.request("POST" if self.args.body else "GET", self.path(), body, content_type))


class ClosedLoad(Load):
    def start(self) -> None:
        self._requests = self.plain_requests()
        for connection in self.connections:
            self._next(connection)

    def _next(self, connection: Connection) -> None:
        started = time.perf_counter()

        def answered(status: int, body: bytes, now: float) -> None:
            self.statistics.record(status, body, now - started, now)
            if status in REFUSALS or status == 0:
                self.loop.call_at(now + PAUSE_SECONDS, lambda: self._next(connection))
            elif now < self.statistics.end:
                self._next(connection)

        connection.send(next(self._requests), answered)


class OpenLoad(Load):
    def start(self) -> None:
        self._requests = self.plain_requests()
        self._idle = deque(self.connections)
        self._due: deque[float] = deque()
        self._begin, self._sent = time.perf_counter(), 0
        self._tick()

    def _tick(self) -> None:
        now = time.perf_counter()
        while (due := self._begin + self._sent / self.args.rate) <= now:
            self._sent += 1
            self._due.append(due)
        self._dispatch()
        self.loop.call_at(due, self._tick)

    def _dispatch(self) -> None:
        while self._due and self._idle:
            self._send(self._idle.popleft(), self._due.popleft())

    def _send(self, connection: Connection, due: float) -> None:
        self.statistics.late += time.perf_counter() > due + 0.1

        def answered(status: int, body: bytes, now: float) -> None:
            self.statistics.record(status, body, now - due, now)
            self._idle.append(connection)
            self._dispatch()

        connection.send(next(self._requests), answered)


class UploadLoad(Load):
    """POST /upload with a new id each; with `--id-prefix` the ids are the prefix and a number."""

    def start(self) -> None:
        self._picture = self.body()
        self._fields = dict(field.split("=", 1) for field in self.args.field or [])
        self._uploads = 0
        for connection in self.connections:
            self.upload(connection)

    def upload(self, connection: Connection) -> None:
        started, prediction_id = time.perf_counter(), self._new_id()
        body = multipart(self._picture, {**self._fields, "prediction_id": prediction_id}, self.args.file_field)

        def answered(status: int, body: bytes, now: float) -> None:
            if status == 201:
                self.accepted(connection, prediction_id, started, now)
            else:
                self.statistics.record(status, body, now - started, now)
                self.loop.call_at(now + PAUSE_SECONDS, lambda: self.upload(connection))

        connection.send(self.request("POST", "/upload", body, multipart_type()), answered)

    def accepted(self, connection: Connection, prediction_id: str, started: float, now: float) -> None:
        self.statistics.record(201, self.statistics.expected, now - started, now)
        if not self.statistics.is_done(now):
            self.upload(connection)

    def _new_id(self) -> str:
        self._uploads += 1
        prefix = self.args.id_prefix
        return f"{prefix}{self._uploads:0{ID_LENGTH - len(prefix)}d}" if prefix else secrets.token_hex(ID_LENGTH // 2)


class AsyncLoad(UploadLoad):
    """Each connection asks for what it uploaded until it is final; that is one answer."""

    def accepted(self, connection: Connection, prediction_id: str, started: float, now: float) -> None:
        query = f"/api?prediction_id={prediction_id}&wait={POLL_WAIT_SECONDS}"
        poll = self.request("GET", query, b"", "")

        def polled(status: int, body: bytes, now: float) -> None:
            if status == 200 and NOT_FINAL in body.replace(b" ", b""):
                self.loop.call_at(now + PAUSE_SECONDS, lambda: connection.send(poll, polled))
            else:
                self.statistics.record(status, body, now - started, now)
                if now < self.statistics.end:
                    self.upload(connection)

        connection.send(poll, polled)


def multipart(file: bytes, fields: dict[str, str], file_field: str = "image") -> bytes:
    """A `multipart/form-data` body: the fields, then the file."""
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (BOUNDARY, name.encode(), value.encode())
        for name, value in fields.items()
    ]
    head = (
        b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="picture.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    return b"".join([*parts, head % (BOUNDARY, file_field.encode()), file, b"\r\n--%s--\r\n" % BOUNDARY])


def multipart_type() -> str:
    return f"multipart/form-data; boundary={BOUNDARY.decode()}"


MODES: dict[str, type[Load]] = {"closed": ClosedLoad, "open": OpenLoad, "async": AsyncLoad, "upload": UploadLoad}


def main(arguments: list[str] | None = None) -> int:
    """Run one load and print what came of it."""
    args = _parse(arguments)
    print(json.dumps(MODES[args.mode](args).run()))
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A light HTTP load client; prints JSON.")
    parser.add_argument("--url", required=True, help="http://host:port/path?query; for `async`, the server alone")
    parser.add_argument("--mode", choices=MODES, default="closed")
    parser.add_argument("--concurrency", type=int, default=1, help="connections")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of the measured window")
    parser.add_argument("--requests", type=int, default=0, help="end after so many measured answers (0: no limit)")
    parser.add_argument("--warm-up", type=float, default=1.0, help="seconds of the same load that are not counted")
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second (`open`)")
    parser.add_argument("--body", help="file to POST; without it the request is a GET")
    parser.add_argument("--content-type", default="application/octet-stream")
    parser.add_argument("--header", action="append", default=[], help="'Name: value', may be repeated")
    parser.add_argument("--field", action="append", help="name=value: send the body as multipart with these fields")
    parser.add_argument("--paths", help="file of paths to GET in turn, one a line, in place of the path of --url")
    parser.add_argument("--id-prefix", default="", help="ids of uploads are this and a number (default: random)")
    parser.add_argument("--file-field", default="image", help="the file's name in a multipart body")
    parser.add_argument("--expect", default="", help="what the body of a good answer holds, blanks left out")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
