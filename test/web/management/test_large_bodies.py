"""Large bodies over a socket: what is wanted streams to the disk, what is not is refused by its head alone."""

from __future__ import annotations

import io
import socket
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from deep_predictor.config.management_options import LibraryOptions
from deep_predictor.db.training_job_rows import JobState
from deep_predictor.listening.parser import MOST_LARGE_BODIES
from deep_predictor.web.large_bodies import BodyLimits
from test.app_builder import DUMMY
from test.training.datasets.pictures import png
from test.web.conftest import MakeSite
from test.web.management.conftest import AsPrincipal, management_of
from test.web.management.dataset_requests import KEY, ZIP, labels_of, new_dataset, post_zip
from test.web.sites import Site, short

FORM = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.fixture(scope="module")
def socket_site(make_site: MakeSite) -> Site:
    """A small limit for pictures, and zips of up to 60 MB."""
    changes = {
        "flask_options.max_content_length": "1024*64",
        "library_options.max_dataset_zip_bytes": "60*1000*1000",
    }
    return make_site("socket", changes, {"dummy": DUMMY})


def test_large_zip_streams_through_the_server(socket_site: Site, as_principal: AsPrincipal) -> None:
    as_principal("trainer")
    dataset_id = new_dataset(socket_site)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("cat/1.png", png(1))
        archive.writestr("cat/large.bin", b"\0" * 50_000_000)
    answer = post_zip(socket_site, dataset_id, file.getvalue())
    assert answer.status == 202, answer.text
    assert management_of(socket_site).jobs.wait(answer.json["id"], 60).state == JobState.DONE
    assert labels_of(socket_site, dataset_id) == {"cat": 1}


@pytest.mark.parametrize(
    ("path", "length", "headers"),
    [
        ("/api/v1/datasets/1/zips", 70_000_000, KEY),
        ("/api/v1/datasets/1/zips", 50_000_000, {}),
        ("/api/v1/datasets/1/items", 50_000_000, KEY),
        ("/upload", 300_000_000, KEY),
        ("/api/v1/predict", 50_000_000, KEY),
    ],
    ids=short,
)
def test_large_body_is_refused_before_it_is_read(
    socket_site: Site, path: str, length: int, headers: Mapping[str, str]
) -> None:
    with begun(socket_site, length, path, headers) as connection:
        assert status_of(connection) == 413


def test_more_large_bodies_at_a_time_than_may_are_refused(socket_site: Site) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_LARGE_BODIES):
            assert status_of(stack.enter_context(begun(socket_site))) == 100
        assert status_of(stack.enter_context(begun(socket_site))) == 503
    deadline = time.monotonic() + 20
    status = 503
    while status == 503:  # until the server has seen that the others are gone
        assert time.monotonic() < deadline
        with begun(socket_site) as connection:
            status = status_of(connection)
    assert status == 100


@pytest.mark.parametrize("problem", ["full", "refuses"])
def test_large_body_that_the_disk_has_no_room_for_is_refused(
    socket_site: Site, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    def refuse(_: Path) -> object:
        raise OSError(5, "Input/output error")

    if problem == "full":
        monkeypatch.setattr("deep_predictor.listening.parser._BYTES_KEPT_FREE", 2**60)
    else:
        monkeypatch.setattr("shutil.disk_usage", refuse)
    with begun(socket_site) as connection:
        assert status_of(connection) == 503


@contextmanager
def begun(
    site: Site, length: int = 50_000_000, path: str = "/api/v1/datasets/1/zips", headers: Mapping[str, str] = KEY
) -> Iterator[socket.socket]:
    """A request whose head was sent, and that asks whether it may go on."""
    host, _, port = site.http.url.removeprefix("http://").partition(":")  # type: ignore[attr-defined]
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {length}", "Expect: 100-continue"]
    lines += [f"{name}: {value}" for name, value in {**ZIP, **headers}.items()]
    with closing(socket.create_connection((host, int(port)), 20)) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        yield connection


def status_of(connection: socket.socket) -> int:
    return int(connection.recv(1000).split()[1])


def test_large_forms_of_strangers_leave_the_places_of_others_free(socket_site: Site) -> None:
    with ExitStack() as stack:
        for path in ("/upload", "/test-upload"):
            for _ in range(MOST_LARGE_BODIES // 2):
                assert status_of(stack.enter_context(begun(socket_site, path=path, headers=FORM))) == 100
        assert status_of(stack.enter_context(begun(socket_site, path="/upload", headers=FORM))) == 503
        assert status_of(stack.enter_context(begun(socket_site))) == 100


def test_limits_are_said_by_address_and_credential() -> None:
    library = LibraryOptions(max_dataset_zip_bytes=10**10, max_model_bytes=10**9)
    limits = BodyLimits(1000, library, {"/test-upload": 5000})
    key = {"AUTHORIZATION": "x"}
    assert limits.of("POST", "/api/v1/datasets/7/zips", key) > 10**10
    assert 10**9 < limits.of("POST", "/api/v1/models", key) < 10**10
    assert limits.of("POST", "/test-upload", {}) == 5000
    for method, path, headers in (
        ("GET", "/test-upload", key),
        ("POST", "/api/v1/datasets/7/zips", {}),
        ("GET", "/api/v1/datasets/7/zips", key),
        ("POST", "/api/v1/datasets/7/zips/", key),
        ("POST", "/api/v1/datasets/x/zips", key),
        ("POST", "/upload", key),
    ):
        assert limits.of(method, path, headers) == 1000
