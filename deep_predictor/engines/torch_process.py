"""The process that holds a PyTorch network, from the server's side: started, asked, watched, ended."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from deep_predictor.engines.array_pipe import read_message, write_message
from deep_predictor.engines.trial_child import PROJECT_ROOT, child_environment
from deep_predictor.errors import BackendNotReady
from deep_predictor.os_limits import resident_bytes

logger = logging.getLogger(__name__)

CHILD_MODULE = "deep_predictor.engines.torch_child"
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class TorchLimits:
    """`memory`: resident bytes of the child. `seconds`: how long one answer may take, the loading being the first."""

    memory: int
    seconds: float
    cores: int


class TorchProcess:
    """One child, asked by one thread at a time; `end` may be called from any.

    It is started by the thread that watches it, which lives as long: the kernel ends a child with the thread that made
    it, and the one that loads a predictor is gone afterwards.
    """

    def __init__(self, limits: TorchLimits) -> None:
        self._limits = limits
        self._command = [sys.executable, "-m", CHILD_MODULE]
        self._child: subprocess.Popen[bytes] | None = None
        self._is_tried = threading.Event()
        #: When the question was asked that is not answered yet.
        self._asked_at: float | None = None
        self._killed = ""
        self._watcher = threading.Thread(target=self._keep, name="torch, watched", daemon=True)
        self._watcher.start()
        self._is_tried.wait()

    def ask(self, head: dict[str, Any], array: np.ndarray | None = None) -> tuple[dict[str, Any], np.ndarray | None]:
        """What the child answers. Raises BackendNotReady (model_crashed) when it ended instead; then this is over."""
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise BackendNotReady("the process that runs the network could not be started", code="model_crashed")
        self._asked_at = time.monotonic()
        try:
            write_message(child.stdin, head, array)
            return read_message(child.stdout)
        except (OSError, EOFError, ValueError) as error:
            self.end()
            raise BackendNotReady(f"the process that runs the network {self._reason()}", "model_crashed") from error
        finally:
            self._asked_at = None

    def end(self) -> None:
        """Kill the child, and wait until it is gone."""
        if self._child:
            self._child.kill()
        self._watcher.join()

    def _keep(self) -> None:
        try:
            child = subprocess.Popen(
                self._command,
                cwd=PROJECT_ROOT,
                env=child_environment(self._limits.cores),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            self._child = child
        except OSError as error:
            logger.error("a process for PyTorch cannot be started: %s", error)
            return
        finally:
            self._is_tried.set()
        self._watch(child)
        for pipe in (child.stdin, child.stdout):
            with suppress(OSError):  # what was not yet sent
                if pipe:
                    pipe.close()

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        while not self._killed:
            try:
                child.wait(LOOK_SECONDS)
                return
            except subprocess.TimeoutExpired:
                self._killed = self._broken_limit(child.pid)
        child.kill()
        child.wait()

    def _broken_limit(self, pid: int) -> str:
        used, asked_at = resident_bytes(pid), self._asked_at
        if used > self._limits.memory:
            return f"took {used / 1e9:.1f} GB of memory, over the limit of {self._limits.memory / 1e9:.1f}"
        if asked_at is not None and time.monotonic() > asked_at + self._limits.seconds:
            return f"did not answer within {self._limits.seconds:g} s"
        return ""

    def _reason(self) -> str:
        code = self._child.returncode if self._child else None
        return self._killed or (f"crashed (signal {-code})" if code and code < 0 else f"ended with status {code}")
