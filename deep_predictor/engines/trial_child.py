"""One run of the trial's child process, watched: its memory, its time, and what it was doing when it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deep_predictor.engines.trial_job import JOURNAL_FILE
from deep_predictor.os_limits import resident_bytes

PROJECT_ROOT = Path(__file__).resolve().parents[2]
#: What the child runs.
TRIAL_MODULE = "deep_predictor.engines.trial"
LOG_FILE = "log.txt"
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class ChildEnd:
    """How the child ended. `step` and `engine`: what it had begun last; "" when it had begun nothing."""

    exit_code: int
    #: Why it was killed; "" when it ended by itself.
    killed: str
    step: str
    engine: str
    #: The last thing it printed.
    last_line: str

    @property
    def reason(self) -> str:
        """For people: what happened, and in which step."""
        if self.killed:
            what = self.killed
        elif self.exit_code < 0:
            what = f"crashed (signal {-self.exit_code})"
        else:
            what = f"ended with status {self.exit_code}: {self.last_line}"
        return f"{what} in the step {self.step!r}" if self.step else what


@dataclass(frozen=True)
class ChildLimits:
    """`memory`: resident bytes of the child and all that it starts. Times are time.monotonic()."""

    memory: int
    deadline: float
    step_seconds: float
    is_stopping: Callable[[], bool] = lambda: False


def run_trial_child(folder: Path, limits: ChildLimits, cores: int) -> ChildEnd:
    """Run `deep_predictor.engines.trial` on a folder with a job in it, until it ends or breaks a limit."""
    command = [sys.executable, "-m", TRIAL_MODULE, str(folder.resolve())]
    with (folder / LOG_FILE).open("ab") as log:
        child = subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=child_environment(cores),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        killed = ""
        try:
            killed = _watch(child, folder, limits)
        finally:
            if child.poll() is None:
                child.kill()
            exit_code = child.wait()
    steps = _journal(folder)
    last = steps[-1] if steps else {}
    return ChildEnd(exit_code, killed, last.get("step", ""), last.get("engine", ""), _last_line(folder))


def child_environment(cores: int) -> dict[str, str]:
    """Without the server's secrets, on as many threads as there are cores, and quiet."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("DEEP_PREDICTOR_")}
    return {
        **inherited,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_NUM_INTRAOP_THREADS": str(cores),
        "PYTHONFAULTHANDLER": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _watch(child: subprocess.Popen[bytes], folder: Path, limits: ChildLimits) -> str:
    """Wait for the child; why it has to be killed, "" when it ended by itself."""
    step_count, step_began = 0, time.monotonic()
    while True:
        try:
            child.wait(POLL_SECONDS)
            return ""
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        count = len(_journal(folder))
        if count != step_count:
            step_count, step_began = count, now
        used = resident_bytes(child.pid)
        if used > limits.memory:
            return f"took {used / 1e9:.1f} GB of memory, over the limit of {limits.memory / 1e9:.1f}"
        if now > min(limits.deadline, step_began + limits.step_seconds):
            return f"did not end within {now - step_began:.0f} s"
        if limits.is_stopping():
            return "the server stops"


def _journal(folder: Path) -> list[dict[str, Any]]:
    """Every step that was begun; a last line that is not whole is left out."""
    try:
        lines = (folder / JOURNAL_FILE).read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError:
        return []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _last_line(folder: Path) -> str:
    lines = (folder / LOG_FILE).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:500] if lines else ""
