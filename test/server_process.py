"""A server in a process of its own, for tests that kill it, signal it, or look at its threads and memory."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import requests

from test.app_builder import PRODUCTION_KEY

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60.0
POLL_SECONDS = 0.02


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def new_id() -> str:
    return secrets.token_hex(16)


class ServerProcess:
    """`with ServerProcess(config_path) as server:` — killed at the end unless it was stopped before."""

    def __init__(
        self,
        config_path: Path,
        *,
        module: str | None = "test.server_with_fakes",
        threads: int = 16,
    ) -> None:
        """`module`: what is started instead of `waitress_server.py`."""
        self.config_path = config_path
        self.port = free_port()
        self.log_path = config_path.parent / "server.log"
        self._module, self._threads = module, threads
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def start(self, wait_ready: bool = True) -> Self:
        starter = ["-m", self._module] if self._module else ["waitress_server.py"]
        command = [sys.executable, *starter, "--config", str(self.config_path)]
        command += ["--port", str(self.port), "--threads", str(self._threads)]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        if wait_ready:
            self.wait_until("/health/ready")
        return self

    def wait_until(self, path: str, status: int = 200) -> None:
        """Poll until `path` answers `status`; fails with the server's log when it never does or the process ends."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process
            assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.log}"
            try:
                if requests.get(self.url + path, timeout=5).status_code == status:
                    return
            except requests.RequestException:
                pass
            threading.Event().wait(POLL_SECONDS)
        raise AssertionError(f"{path} never answered {status}:\n{self.log}")

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        assert self.process
        self.process.kill()
        self.process.wait(30)

    def terminate(self, timeout_seconds: float = 60.0) -> int:
        """SIGTERM; the exit code."""
        assert self.process
        self.process.terminate()
        return self.process.wait(timeout_seconds)

    def wait_for_death(self, timeout_seconds: float = 60.0) -> int:
        assert self.process
        return self.process.wait(timeout_seconds)

    def upload(
        self, image: bytes, prediction_id: str, model_name: str = "fault", session: requests.Session | None = None
    ) -> requests.Response:
        return (session or requests).post(
            self.url + "/upload",
            files={"image": ("picture.png", image)},
            data={"model_name": model_name, "prediction_id": prediction_id, "api_key": PRODUCTION_KEY},
            timeout=30,
        )

    def answer(self, prediction_id: str, wait_seconds: float = 0) -> dict[str, Any]:
        parameters: dict[str, str | float] = {"prediction_id": prediction_id}
        if wait_seconds:
            parameters["wait"] = wait_seconds
        response = requests.get(self.url + "/api", params=parameters, timeout=60)
        assert response.status_code == 200
        answer: dict[str, Any] = response.json()
        return answer

    def final_answer(self, prediction_id: str, timeout_seconds: float = 60.0) -> dict[str, Any]:
        """Poll until the status is not 100."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            answer = self.answer(prediction_id, wait_seconds=1)
            if answer["prediction_status"] != 100 or time.monotonic() > deadline:
                return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.poll() is None:
            self.kill()
