"""Server processes: started on a free port, waited for, weighed and ended with everything that they started."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil
from filelock import FileLock, Timeout

PROJECT_ROOT = Path(__file__).resolve().parents[2]
CLIENT = Path(__file__).with_name("client.py")
START_SECONDS = 180.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.02


class ServerDied(Exception):
    """A server ended, or never answered; the message holds the end of its log."""


@dataclass(frozen=True)
class Request:
    """One request and what its good answer holds, blanks left out; `fields` makes it multipart."""

    path: str
    body: Path | None = None
    content_type: str = "image/jpeg"
    headers: tuple[str, ...] = ()
    fields: tuple[str, ...] | None = None
    file_field: str = "image"
    expect: str = ""
    #: An answer with this in it will never be a good one.
    abort: str = ""
    mode: str = "closed"


class ServerProcess:
    """`with ServerProcess(command, …) as server:` — everything it started is ended at the end."""

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        log_path: Path,
        environment: Mapping[str, str] | None = None,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        """`stop_seconds`: what it gets to end by itself; the command runs in the project's root."""
        self.port, self.log_path, self._stop_seconds = port, log_path, stop_seconds
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self.started = time.perf_counter()
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=PROJECT_ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._seen: dict[int, psutil.Process] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, request: Request, timeout_seconds: float = START_SECONDS) -> float:
        """Ask until the answer is a good one; the seconds from the start of the process to that answer."""
        body = request.body.read_bytes() if request.body else None
        headers = dict(line.split(": ", 1) for line in request.headers) | {"Content-Type": request.content_type}
        deadline, last = time.monotonic() + timeout_seconds, ""
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerDied(f"it ended with {self._process.returncode}:\n{self.log_end()}")
            try:
                status, answer = self._ask("POST" if body else "GET", request.path, body, headers)
                last, answer = f"{status}: {answer[:300]}", answer.replace(" ", "")
                if status == 200 and request.expect in answer:
                    return time.perf_counter() - self.started
                if request.abort and request.abort in answer:
                    break
            except (OSError, http.client.HTTPException) as error:
                last = repr(error)
            time.sleep(POLL_SECONDS)
        raise ServerDied(f"no good answer; the last one was {last}\n{self.log_end()}")

    def memory_mb(self) -> dict[str, float]:
        """Of the process and all its children, in 10^6 bytes: `rss`, and `pss`, which counts shared pages once."""
        rss = pss = 0
        for process in self._tree():
            with contextlib.suppress(psutil.Error, AttributeError):
                rss += process.memory_info().rss
                pss += process.memory_full_info().pss
        return {"rss": round(rss / 1e6, 1), "pss": round(pss / 1e6, 1)}

    def stop(self) -> None:
        """SIGTERM to the starter, then SIGKILL to what is left of its tree and its process group."""
        tree = self._tree()
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._stop_seconds)
        _, alive = psutil.wait_procs([process for process in tree if process.pid != self._process.pid], timeout=3)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Without its last seconds: what waits need not be finished."""
        self._process.kill()

    def log_end(self, characters: int = 3000) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")[-characters:]

    def _tree(self) -> list[psutil.Process]:
        """All that was ever seen below the starter and still lives, also when its parent is gone."""
        with contextlib.suppress(psutil.Error):
            starter = psutil.Process(self._process.pid)
            for process in [starter, *starter.children(recursive=True)]:
                self._seen.setdefault(process.pid, process)
        return [process for process in self._seen.values() if process.is_running()]

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        finally:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class BareLoop:
    """A bare loop that holds its model and measures when it is asked to."""

    def __init__(self, cfg: Path, photo: Path, log_path: Path) -> None:
        command = [sys.executable, "-m", "other.benchmarks.bare_loop", "--serve"]
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--cfg", str(cfg), "--photo", str(photo)],
                cwd=PROJECT_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._log_path = log_path
        self._read()

    def measure(self, threads: int, seconds: float) -> dict[str, Any]:
        assert self._process.stdin
        self._process.stdin.write(f"{threads} {seconds}\n")
        self._process.stdin.flush()
        return self._read()

    def memory_mb(self) -> float:
        return round(psutil.Process(self._process.pid).memory_info().rss / 1e6, 1)

    def close(self) -> None:
        self._process.communicate(timeout=60)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise ServerDied(f"the bare loop ended:\n{self._log_path.read_text(errors='replace')[-3000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two benchmarks on one machine would measure each other: they take turns, server by server."""
    lock = FileLock(Path(tempfile.gettempdir()) / "deep-predictor-benchmarks.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print("waiting for another benchmark on this machine", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run_client(base_url: str, request: Request, concurrency: int, seconds: float, *extra: str) -> dict[str, Any]:
    """What the load client, in a process of its own, measured; `extra` are further options of it."""
    options = ["--url", base_url + request.path, "--mode", request.mode, "--content-type", request.content_type]
    options += ["--concurrency", str(concurrency), "--seconds", str(seconds), "--expect", request.expect]
    options += [f"--header={line}" for line in request.headers]
    options += ["--file-field", request.file_field]
    options += [f"--field={field}" for field in request.fields or ()]
    options += ["--body", str(request.body)] if request.body else []
    command = [sys.executable, "-I", "-S", str(CLIENT), *options, *extra]
    finished = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 120)
    report: dict[str, Any] = json.loads(finished.stdout)
    return report
