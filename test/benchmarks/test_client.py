"""The load client against a tiny server on loopback: what it counts, and how it reads HTTP."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from other.benchmarks import client


class Server(ThreadingHTTPServer):
    """Answers (status, body); `requests` is what it got, `closes` whether it closes after each answer."""

    daemon_threads = True

    def __init__(self, answer: Callable[[str, bytes], tuple[int, bytes]], closes: bool, chunked: bool) -> None:
        self.answer, self.closes, self.chunked = answer, closes, chunked
        self.requests: list[tuple[str, str, bytes]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client ends while answers are on their way."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        self.server.requests.append((self.command, self.path, body))
        status, text = self.server.answer(self.path, body)
        self.send_response(status)
        if self.server.closes:
            self.send_header("Connection", "close")
            self.close_connection = True
        if self.server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            text = b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)
        else:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(answer: Callable[[str, bytes], tuple[int, bytes]], closes: bool = False, chunked: bool = False) -> Server:
        server = Server(answer, closes, chunked)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """What the client prints; no warm-up, and an end by the number of answers unless told otherwise."""

    def call(url: str, *options: str) -> dict[str, Any]:
        client.main(["--url", url, "--warm-up", "0", "--seconds", "20", *options])
        report: dict[str, Any] = json.loads(capsys.readouterr().out)
        return report

    return call


def ok(path: str, body: bytes) -> tuple[int, bytes]:
    return 200, b'{"prediction_status": 200}'


def test_percentile_of_ten_values_is_the_nearest_rank() -> None:
    values = [10.0, 2, 3, 4, 5, 6, 7, 8, 9, 1]
    assert [client.percentile(values, share) for share in (0.0, 0.5, 0.9, 0.91, 0.99, 1.0)] == [1, 5, 9, 10, 10, 10]


def test_percentile_of_nothing_is_nan() -> None:
    assert math.isnan(client.percentile([], 0.5))


def test_summarize_of_seconds_gives_milliseconds() -> None:
    assert client.summarize([0.001, 0.003]) == {"p50": 1.0, "p90": 3.0, "p99": 3.0, "max": 3.0, "mean": 2.0}
    assert client.summarize([])["p99"] is None


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", (200, b"ok", True)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", None),
        (b"HTTP/1.1 200 OK\r\nContent-Le", None),
        (b"HTTP/1.1 503 Busy\r\nConnection: close\r\ncontent-length: 0\r\n\r\n", (503, b"", False)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", (200, b"ok", False)),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1;x=y\r\n!\r\n0\r\n\r\n",
            (200, b"ok!", True),
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", None),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", (201, b"", True)),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", None),
    ],
)
def test_parse_answer_of_parts_and_wholes(received: bytes, expected: tuple[int, bytes, bool] | None) -> None:
    assert client.parse_answer(bytearray(received), at_end=False) == expected


def test_parse_answer_without_a_length_ends_with_the_connection() -> None:
    received = bytearray(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
    assert client.parse_answer(received, at_end=True) == (200, b"until the end", False)


@pytest.mark.parametrize("chunked", [False, True])
def test_closed_load_counts_good_answers_on_kept_connections(
    serve: Callable[..., Server], run: Callable[..., dict[str, Any]], tmp_path: Path, chunked: bool
) -> None:
    server, photo = serve(ok, chunked=chunked), tmp_path / "photo.jpg"
    photo.write_bytes(bytes(200_000))
    expect = '"prediction_status":200'
    report = run(
        f"{server.url}/p?store=0", "--body", str(photo), "--concurrency", "3", "--requests", "30", "--expect", expect
    )
    assert report["ok"] >= 30
    assert (report["unexpected"], report["connections_opened"]) == (0, 3)
    assert report["statuses"] == {"200": report["ok"]}
    assert report["throughput"] > 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p99"]
    assert server.requests[0] == ("POST", "/p?store=0", bytes(200_000))


def test_closed_load_opens_a_connection_anew_when_the_peer_closes_it(
    serve: Callable[..., Server], run: Callable[..., dict[str, Any]]
) -> None:
    report = run(f"{serve(ok, closes=True).url}/", "--requests", "10")
    assert report["ok"] >= 10
    assert report["connections_opened"] >= 10


def test_closed_load_tells_refusals_and_wrong_answers_apart(
    serve: Callable[..., Server], run: Callable[..., dict[str, Any]]
) -> None:
    kinds = iter([(200, b"good"), (503, b"busy"), (200, b"bad"), (500, b"broken")] * 100)
    report = run(f"{serve(lambda path, body: next(kinds)).url}/", "--requests", "4", "--expect", "good")
    assert report["statuses"] == {"200": 2, "500": 1, "503": 1}
    assert (report["ok"], report["refused"], report["unexpected"]) == (1, 1, 2)
    assert report["unexpected_example"] == "200: bad"
    assert report["refusal_latency_ms"]["p50"] > 0


def test_closed_load_with_paths_asks_for_each_in_turn(
    serve: Callable[..., Server], run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "paths.txt").write_text("/a\n/b\n")
    server = serve(ok)
    run(server.url, "--paths", str(tmp_path / "paths.txt"), "--requests", "4")
    assert [path for _, path, _ in server.requests[:4]] == ["/a", "/b", "/a", "/b"]


def test_open_load_sends_at_its_rate(serve: Callable[..., Server], run: Callable[..., dict[str, Any]]) -> None:
    report = run(f"{serve(ok).url}/", "--mode", "open", "--rate", "100", "--concurrency", "20", "--seconds", "0.5")
    assert 20 <= report["ok"] <= 60


def test_async_load_asks_until_the_prediction_is_final(
    serve: Callable[..., Server], run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    asked: list[str] = []

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/upload":
            return 201, b"{}"
        asked.append(path)
        return 200, b'{"prediction_status": %d}' % (100 if asked.count(path) == 1 else 200)

    (tmp_path / "photo.jpg").write_bytes(b"photo")
    server = serve(answer)
    options = ["--mode", "async", "--body", str(tmp_path / "photo.jpg"), "--field", "api_key=k", "--requests", "5"]
    report = run(server.url, *options, "--expect", '"prediction_status":200')
    uploads = [form_of(body) for method, _, body in server.requests if method == "POST"]
    assert report["ok"] >= 5
    assert len(asked) >= 2 * report["ok"]
    assert len({form["prediction_id"] for form in uploads}) == len(uploads)
    assert all(len(form["prediction_id"]) == 32 and form["api_key"] == "k" for form in uploads)


def test_upload_load_with_a_prefix_numbers_its_ids(
    serve: Callable[..., Server], run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    server = serve(lambda path, body: (201, b""))
    options = ["--mode", "upload", "--body", str(tmp_path / "photo.jpg"), "--id-prefix", "q", "--requests", "3"]
    report = run(server.url, *options)
    assert report["statuses"] == {"201": 3}
    ids = [form_of(body)["prediction_id"] for _, _, body in server.requests]
    assert ids == [f"q{number:031d}" for number in (1, 2, 3)]


def test_multipart_is_read_as_a_form_with_its_file() -> None:
    form = form_of(client.multipart(b"\xff\xd8photo", {"store": "0"}))
    assert form == {"store": "0", "image": b"\xff\xd8photo"}


def form_of(body: bytes) -> dict[str, Any]:
    builder = EnvironBuilder(method="POST", data=body, content_type=client.multipart_type())
    with Request(builder.get_environ()) as request:
        files = {name: file.read() for name, file in request.files.items()}
        return {**request.form.to_dict(), **files}
