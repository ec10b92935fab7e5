"""A trial's process, seen from the search: started (never forked), answered, and what became of it."""

from __future__ import annotations

import json
import math
import multiprocessing
import shutil
import signal
import time
from contextlib import suppress
from typing import Any

from deep_predictor.training.search.study import OpenTrial
from deep_predictor.training.search.trial import TrialOrder, run_trial

#: A process that told its end may take so long to leave.
LEAVE_SECONDS = 30.0
#: Of the run's folder; a trial is not gone on with, and a network is large.
CHECKPOINTS_FOLDER = "checkpoints"


class TrialProcess:
    """One trial and its process."""

    def __init__(self, trial: OpenTrial, order: TrialOrder) -> None:
        self.trial, self._order = trial, order
        self._started = time.monotonic()
        self._is_pruned = False
        order.folder.mkdir(parents=True, exist_ok=True)
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=run_trial, args=(order, theirs), daemon=True)
        self._process.start()
        theirs.close()  # so that its end is seen when the process ends

    def take_message(self) -> bool:
        """Answer what the process told; False when that was its last word, and the trial has ended."""
        try:
            message: dict[str, Any] = json.loads(self.connection.recv_bytes())
        except (EOFError, OSError, ValueError):
            self._leave()
            self._end("failed", reason=self._how())
            return False
        if message["what"] == "epoch":
            self._is_pruned = self.trial.should_stop(message["epoch"], message["value"])
            with suppress(OSError):  # it has died meanwhile; the next message says so
                self.connection.send_bytes(json.dumps(self._is_pruned).encode())
            return True
        if message["what"] == "failed":
            self._end("failed", reason=message["reason"])
        elif not math.isfinite(message["value"]):
            self._end("failed", reason=f"its figure is {message['value']}")
        elif self._is_pruned:
            self._end("pruned", epoch=message["epoch"])
        else:
            self._end("done", message["value"], epoch=message["epoch"])
        self._leave()
        return False

    def abandon(self) -> None:
        """Kill it; its values are tried again."""
        self._process.kill()
        self._leave()
        self.trial.abandon()

    def _end(self, state: Any, value: float | None = None, **facts: Any) -> None:
        seconds = round(time.monotonic() - self._started, 1)
        self.trial.end(state, value, seconds=seconds, **facts)

    def _leave(self) -> None:
        self._process.join(LEAVE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()
        shutil.rmtree(self._order.folder / CHECKPOINTS_FOLDER, ignore_errors=True)

    def _how(self) -> str:
        status = self._process.exitcode or 0
        if status == -signal.SIGKILL:
            return "was killed (SIGKILL): by somebody, or because the memory was used up"
        return f"crashed (signal {-status})" if status < 0 else f"ended with status {status} and without a word"
