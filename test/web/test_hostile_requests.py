"""Requests that no honest client sends: never a 5xx, never a hanging thread, never a secret in an answer or a log."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from test.app_builder import PRODUCTION_KEY, TEST_KEY
from test.fakes import picture
from test.server_process import new_id
from test.web.conftest import PREDICTORS, MakeSite
from test.web.sites import JSON, OverSocket, Site, short

MULTIPART = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="image"; filename="x.png"\r\n\r\n'


@pytest.mark.parametrize("path", ["/upload", "/test-upload", "/api/v1/predict"])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=" + "b" * 5000, b"x"),
        (MULTIPART, b""),
        (MULTIPART, b"--x"),
        (MULTIPART, b"--x--\r\n"),
        (MULTIPART, PART),
        (MULTIPART, PART * 2000),
        (MULTIPART, b"--x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n--x--"),
        (MULTIPART, PART.replace(b"x.png", b"\xff\xfe\x00") + b"\r\n--x--\r\n"),
        (MULTIPART, PART.replace(b'name="image"', b"name=image; name*=utf-8''%ff") + b"\r\n--x--\r\n"),
        ("application/x-www-form-urlencoded", b"a=b&" * 50_000),
        ("application/x-www-form-urlencoded", b"%ff=%00&image=%"),
        ("application/json", b'{"image": "' + b"A" * 100_000),
        ("application/json; charset=utf-16", b"\xff\xfe{\x00}\x00"),
        ("text/html", b"<script>"),
        (";;;=", b"x"),
        ("", b"x"),
    ],
    ids=range(18),
)
def test_malformed_body_is_answered_4xx(site: Site, path: str, content_type: str, body: bytes) -> None:
    started = time.monotonic()
    headers = {"Content-Type": content_type, "X-API-Key": PRODUCTION_KEY}
    answer = site.post(path, headers=headers, body=body)
    assert 400 <= answer.status < 500, answer.text
    assert time.monotonic() - started < 2
    assert site.stored() == (0, 0)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": 'x"><script>alert(1)</script>'},
        {"Host": "a b"},
        {"Host": ""},
        {"Host": "[::1"},
        {"Host": "localhost:99999999999"},
        {"Accept": "application/json;q=nan, text/html;q=inf, ;;;"},
        {"Accept": "a/b," * 5000},
        {"Accept-Language": "\xff" * 100},
        {"Range": "bytes=0-0,1-1,2-2" * 100},
        {"If-Modified-Since": "never"},
        {"If-None-Match": '"' * 1000},
        {"Cookie": "session=" + "x" * 3000},
        {"Cookie": "session=.eJw.x.y; ;;=;"},
        {"Origin": "\xff"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"},
        {"X-HTTP-Method-Override": "DELETE"},
    ],
    ids=short,
)
@pytest.mark.parametrize("path", ["/", "/upload", "/api", "/health/live", "/none", "/static/css/site.css"])
def test_hostile_header_breaks_nothing(site: Site, path: str, headers: dict[str, str]) -> None:
    answer = site.get(path, headers=headers)
    assert answer.status < 500
    assert b"<script>alert" not in answer.body
    assert answer.headers.get("X-Content-Type-Options") == "nosniff" or "Host" in headers or answer.status >= 400


@pytest.mark.parametrize(
    "path",
    [
        "/static/../cfg/deep_predictor.cfg",
        "/static/%2e%2e/cfg/deep_predictor.cfg",
        "/static/..%2fcfg%2fdeep_predictor.cfg",
        "/static/%00",
        "/static/" + "x" * 3000,
        "/x//evil.example/",
        "/%0d%0aSet-Cookie:%20x=y",
        "/result/%3Cscript%3Ealert(1)%3C/script%3E",
        "/result/" + "x" * 3000,
        "/result/%00",
        "/result/%ff",
        "/api/v1/predictions/..%2f..%2fx/image",
        "/<script>alert(1)</script>",
    ],
    ids=short,
)
@pytest.mark.parametrize("headers", [{}, JSON], ids=["page", "json"])
def test_hostile_path_finds_nothing(site: Site, path: str, headers: dict[str, str]) -> None:
    answer = site.get(path, headers=headers)
    assert answer.status in (404, 308)
    assert "Set-Cookie" not in answer.headers
    assert b"<script>alert" not in answer.body
    if answer.status == 308:
        assert urlsplit(answer.headers["Location"]).hostname in (None, "localhost", "127.0.0.1")


@pytest.mark.parametrize(
    "name", ["\x00", "x" * 50_000, "<b>", "é", "../dummy", "DUMMY", "dummy ", "\u202e", "' OR 1"], ids=short
)
def test_hostile_model_name_is_unknown(site: Site, name: str) -> None:
    answer = site.upload({"model_name": name}, JSON)
    assert (answer.status, answer.json["code"]) == (422, "unknown_predictor")
    assert len(answer.body) < 2000
    page = site.upload({"model_name": name})
    assert (page.status, "<b>" in page.text) == (400, False)


def test_field_sent_twice_counts_once(site: Site) -> None:
    first, second = new_id(), new_id()
    parts = [("model_name", "dummy"), ("prediction_id", first), ("prediction_id", second), ("api_key", PRODUCTION_KEY)]
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in parts
    )
    body += PART + picture() + b"\r\n--x--\r\n"
    assert site.post("/upload", headers={"Content-Type": MULTIPART}, body=body).status == 201
    assert site.final(first)["prediction_status"] == 200
    assert site.get("/api", params={"prediction_id": second}).json == {"prediction_status": 0}


def test_files_that_are_no_pictures_are_answered_4xx_and_the_server_lives(site: Site) -> None:
    threads = threading.active_count()
    broken = [
        os.urandom(2000),
        picture()[:40],
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"BM" + bytes(60),
        b"<svg/>",
        b"%PDF-1.4",
    ]
    for content in broken:
        for filename in ("x.png", "x.gif", "x.heic"):
            answer = site.upload(filename=filename, image=content)
            assert (answer.status, "Your image is not supported" in answer.text) == (400, True)
    assert site.get("/health/live").status == 200
    assert site.stored() == (0, 0)
    assert threading.active_count() <= threads


def test_secrets_are_in_no_answer_and_no_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "a-key-that-is-wrong"
    secret_key = site.application.main_config.flask_options.secret_key
    answers = [
        site.upload({"api_key": wrong}),
        site.upload({"api_key": wrong}, JSON),
        site.upload({"api_key": wrong}, JSON, path="/test-upload"),
        site.post("/api/v1/predict", headers={"X-API-Key": wrong}, body=picture()),
        site.upload({"model_name": "none"}, JSON),
        site.upload({"prediction_id": None}),
        *(site.get(path) for path in ("/", "/upload", "/api", "/api/v1/predictors", "/health/ready", "/none")),
    ]
    spoken = caplog.text + "".join(answer.text for answer in answers)
    for secret in (PRODUCTION_KEY, TEST_KEY, wrong, secret_key):
        assert secret not in spoken
    for answer in answers:
        assert str(site.folder) not in answer.text


def test_log_of_a_refusal_is_one_line_whatever_the_address(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    site.get("/api/v1/predictions/x%0d%0aERROR%20forged")
    assert caplog.records
    assert not any("\n" in record.getMessage() or "\r" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n",
        b"GET //evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
        b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=range(14),
)
def test_bytes_that_are_hardly_http_leave_the_server_alive(socket_site: Site, request_bytes: bytes) -> None:
    assert isinstance(socket_site.http, OverSocket)
    address = urlsplit(socket_site.http.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5) as connection:
        connection.sendall(request_bytes)
        connection.shutdown(socket.SHUT_WR)
        answered = connection.recv(4096)
    assert not answered.startswith((b"HTTP/1.1 500", b"HTTP/1.0 500"))
    assert socket_site.get("/health/live").status == 200


@pytest.fixture(scope="module")
def socket_site(make_site: MakeSite) -> Site:
    return make_site("socket")


def test_client_that_leaves_while_it_waits_frees_its_place(make_site: MakeSite) -> None:
    site = make_site("socket", production=PREDICTORS, wait=False)
    assert isinstance(site.http, OverSocket)
    prediction_id = site.upload_id("blocked")
    address = urlsplit(site.http.url)
    for _ in range(6):
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5) as connection:
            connection.sendall(
                f"GET /api?prediction_id={prediction_id}&wait=0.3 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with site.application.wait_slots.hold("any") as granted:
            if granted:
                break
    assert site.get("/health/live").status == 200
