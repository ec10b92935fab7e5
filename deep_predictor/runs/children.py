"""Short commands of the training module, each in a process of its own: what must not burden, or crash, the server."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from deep_predictor.errors import TooManyWaiting
from deep_predictor.training.job_run import PROJECT_ROOT, JobSettings, job_environment

#: How many run at a time; and how long one more request waits for its turn.
AT_ONCE = 2
PATIENCE_SECONDS = 10.0
TIMED_OUT = 124
#: Added to the server's own: it goes first.
NICENESS = 10


@dataclass(frozen=True)
class Finished:
    """`status`: the exit status, TIMED_OUT where it took too long, negative for a signal."""

    status: int
    printed: str
    complained: str


class Children:
    """Usable from any thread."""

    def __init__(
        self, settings: JobSettings, at_once: int = AT_ONCE, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._settings, self._patience_seconds = settings, patience_seconds
        self._places = threading.BoundedSemaphore(at_once)

    def run(self, words: Sequence[str], seconds: float) -> Finished:
        """Run one command to its end. Raises TooManyWaiting when too many others run, OSError."""
        if not self._places.acquire(timeout=self._patience_seconds):
            raise TooManyWaiting
        try:
            return self._run(words, seconds)
        finally:
            self._places.release()

    def _run(self, words: Sequence[str], seconds: float) -> Finished:
        with subprocess.Popen(
            [*self._settings.program, *words],
            cwd=PROJECT_ROOT,
            env=job_environment(self._settings.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as child:
            try:
                with suppress(OSError):  # it has ended already
                    os.setpriority(os.PRIO_PROCESS, child.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
                printed, complained = child.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                _kill(child)
                return Finished(TIMED_OUT, *child.communicate())
            except BaseException:
                _kill(child)
                raise
        return Finished(child.returncode, printed, complained)


def _kill(child: subprocess.Popen[str]) -> None:
    """With all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
