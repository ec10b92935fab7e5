"""The bounded queue of videos, one for the process, and the one thread that runs them in order."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from deep_predictor.errors import DatabaseBusy, QueueFull
from deep_predictor.predictions import running
from deep_predictor.predictions.job import Job, VideoProgress
from deep_predictor.predictions.network_thread import NetworkThread
from deep_predictor.predictions.run_gate import RunGate
from deep_predictor.predictions.video_running import run_video

logger = logging.getLogger(__name__)

#: A client that is refused comes back after so long.
RETRY_SECONDS = 30
#: How often is looked whether a predictor that a video waits for has been loaded.
LOADING_SECONDS = 0.2

#: Runs one video to its end; never raises.
RunVideo = Callable[[Job, NetworkThread, RunGate], None]


class VideoQueue:
    """Videos wait here in order; those whose predictor is still loading let others pass.

    `reserve` a place first, then `put`. While a video waits or runs, its predictor stays alive, also one that is
    retired meanwhile.
    """

    def __init__(self, gate: RunGate, run: RunVideo = run_video) -> None:
        self._gate, self._run = gate, run
        self._changed = threading.Condition()
        self._waiting: list[Job] = []
        self._held: dict[Job, ExitStack] = {}
        self._reserved = 0
        self._running: Job | None = None
        self._worker: threading.Thread | None = None
        self._stopping = False

    def __len__(self) -> int:
        return len(self._waiting)

    def reserve(self, most: int) -> None:
        """Take one of so many places. Raises QueueFull."""
        with self._changed:
            if self._stopping or len(self._waiting) + self._reserved >= most:
                raise QueueFull("videos", RETRY_SECONDS)
            self._reserved += 1

    def release(self) -> None:
        """Give a reserved place back."""
        with self._changed:
            self._reserved -= 1
            self._changed.notify_all()

    def put(self, job: Job) -> None:
        """Turn a reserved place into a waiting video."""
        self._add(job)
        self.release()

    def put_recovered(self, job: Job) -> None:
        """Queue a video that was accepted before: beyond the bound."""
        self._add(job)

    def discard(self, job: Job) -> None:
        """Forget a waiting video; nothing happens when it is not waiting any more."""
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
                self._let_go(job)

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until nothing waits or runs; False when that took longer."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not (self._waiting or self._reserved or self._running), timeout_seconds
            )

    def stop(self, deadline: float) -> None:
        """Take no new video, end the decoder of the one that runs; all of them are taken up at the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            worker = self._worker
        if worker:
            worker.join(max(0.1, deadline - time.monotonic()))

    def _add(self, job: Job) -> None:
        job.progress = VideoProgress()
        with self._changed:
            self._waiting.append(job)
            stack = self._held[job] = ExitStack()
            stack.enter_context(job.predictor.queue.held())
            if self._worker is None and not self._stopping:
                self._worker = threading.Thread(target=self._work, name="videos", daemon=True)
                self._worker.start()
            self._changed.notify_all()

    def _let_go(self, job: Job) -> None:
        """Its predictor may end now. Called with the lock held."""
        stack = self._held.pop(job, None)
        if stack:
            stack.close()
        self._changed.notify_all()

    def _work(self) -> None:
        network = NetworkThread()
        while job := self._next():
            try:
                if not job.is_claimed and running.note_start([job]):
                    self._run(job, network, self._gate)
                    self._take_back_start(job)
            finally:
                with self._changed:
                    self._running = None
                    self._let_go(job)
        network.close()

    def _next(self) -> Job | None:
        """The first whose predictor is loaded, or failed; None when the server stops."""
        with self._changed:
            while not self._stopping:
                for job in self._waiting:
                    if job.predictor.state != "loading":
                        self._waiting.remove(job)
                        self._running = job
                        return job
                self._changed.wait(LOADING_SECONDS if self._waiting else None)
        return None

    def _take_back_start(self, job: Job) -> None:
        """A video that the server's orderly end cut short did not bring it down."""
        if job.is_claimed:
            return
        try:
            job.environment.rows.take_back_start(job.prediction_id)
        except DatabaseBusy as error:
            logger.warning("video %s: its start stays counted: %s", job.prediction_id, error)
