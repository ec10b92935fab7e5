"""The two starters: from any directory, mistakes said and numbered, bodies far too large refused early."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import flask_app
from deep_predictor.errors import ConfigError
from test.app_builder import DUMMY, write_config
from test.server_process import ROOT, ServerProcess, free_port

LIMIT = 1024 * 1024


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """It takes bodies of LIMIT bytes."""
    changes = {"flask_options.max_content_length": LIMIT, "production.upload_options.max_video_bytes": LIMIT}
    config = write_config(tmp_path_factory.mktemp("site"), {"dummy": DUMMY}, changes=changes)
    with ServerProcess(config).start() as server:
        yield server


def run_server(config: Path, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "waitress_server.py"), "--config", str(config), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_server_starts_from_any_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write_config(tmp_path / "site", {"dummy": DUMMY})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr("test.server_process.ROOT", tmp_path / "elsewhere")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with ServerProcess(config, module="waitress_server").start() as server:
        assert server.terminate() == 0


def test_server_on_a_taken_port_says_so_and_ends_with_4(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"dummy": DUMMY})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run_server(config, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 4
    assert "cannot listen" in done.stderr
    assert "Traceback" not in done.stderr


def test_server_with_too_few_threads_is_refused(tmp_path: Path) -> None:
    done = run_server(write_config(tmp_path, {"dummy": DUMMY}), "--threads", "4", "--port", str(free_port()))
    assert done.returncode == 2
    assert "at least 5" in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_server_on_a_public_address_refuses_open_uploads(tmp_path: Path, host: str) -> None:
    config = write_config(tmp_path, {"dummy": DUMMY}, changes={"production.upload_options.open_uploads": 1})
    done = run_server(config, "--host", host, "--port", str(free_port()))
    assert done.returncode == 2
    assert "open_uploads" in done.stderr


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
@pytest.mark.parametrize("announced", [LIMIT + 17 * 1024 * 1024, 10 * 1024**3])
def test_body_far_too_large_is_refused_in_the_contracts_words(
    small_server: ServerProcess, accept: str, announced: int
) -> None:
    with socket.create_connection(("127.0.0.1", small_server.port), timeout=20) as client:
        head = f"POST /upload HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nContent-Length: {announced}\r\n\r\n"
        client.sendall(head.encode() + bytes(1000))
        answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    header, _, body = answer.partition("\r\n\r\n")
    assert header.startswith("HTTP/1.1 413 ")
    assert (json.loads(body)["title"] if accept != "*/*" else body) == "Your image is too large"
    assert ("application/problem+json" in header) == (accept != "*/*")
    small_server.wait_until("/health/live")


def test_flask_factory_serves_the_config_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_config(tmp_path, {"dummy": DUMMY}, changes={"production.upload_options.open_uploads": 1})
    monkeypatch.setattr("deep_predictor.app.configure_logging", lambda config: None)
    monkeypatch.setenv("DEEP_PREDICTOR_CONFIG", str(config))
    monkeypatch.setattr(sys, "argv", ["flask", "run"])
    app = flask_app.create_app()
    try:
        assert app.test_client().get("/health/live").status_code == 200
    finally:
        app.extensions["deep_predictor"].close()
    monkeypatch.setattr(sys, "argv", ["flask", "--app", "flask_app", "run", "--host", "0.0.0.0"])
    with pytest.raises(ConfigError, match="open_uploads"):
        flask_app.create_app()
    monkeypatch.setattr(sys, "argv", ["flask", "run"])
    monkeypatch.setenv("FLASK_RUN_HOST", "192.0.2.1")
    with pytest.raises(ConfigError, match="open_uploads"):
        flask_app.create_app()


def test_folder_that_cannot_be_made_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    changes = {
        "production.path_options.temp_save_path": str(tmp_path / "file"),
        "test.path_options.database_path": str(tmp_path / "file" / "test.db"),
    }
    done = run_server(write_config(tmp_path / "site", {"dummy": DUMMY}, changes=changes), "--port", str(free_port()))
    assert done.returncode == 2
    assert "production.path_options.temp_save_path" in done.stderr
    assert "test.path_options.database_path" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["a..b", ".a", "a" * 64])
def test_host_that_is_none_is_answered_400(small_server: ServerProcess, host: str) -> None:
    for path in ("/upload", "/static/css/site.css", "/api"):
        with socket.create_connection(("127.0.0.1", small_server.port), timeout=20) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        assert answer.startswith("HTTP/1.1 400 "), f"{path}: {answer[:100]}"
    assert "Traceback" not in small_server.log
