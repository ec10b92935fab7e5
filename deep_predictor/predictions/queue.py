"""The bounded queue of one predictor, its worker threads, and the watchdog that ends what takes too long."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from deep_predictor.errors import QueueFull
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.run_gate import GatePass, RunGate

logger = logging.getLogger(__name__)

#: A stuck worker is replaced this often; the next time the predictor is given up.
MAX_REPLACEMENTS = 2


@dataclass(frozen=True)
class QueueSettings:
    """`size` counts waiting jobs; `timeout_seconds` counts from the moment a worker starts a job."""

    name: str
    size: int
    workers: int
    timeout_seconds: float


@dataclass(eq=False)
class _Worker:
    thread: threading.Thread | None = None
    job: Job | None = None
    gate_pass: GatePass | None = None
    #: time.monotonic() at which the job is given up; None while nothing that may hang is running.
    deadline: float | None = None
    abandoned: bool = False


@dataclass
class QueueActions:
    """What the queue's owner does at the three moments that matter."""

    #: Runs a job to its end; never raises.
    run: Callable[[Job], None]
    #: Ends a job that ran longer than the timeout.
    time_out: Callable[[Job], None]
    #: A worker got stuck after all replacements were used up.
    give_up: Callable[[], None]
    #: Notes a start in the job's row; False when the job is to be dropped.
    note_start: Callable[[Job], bool] = field(default=lambda job: True)


class PredictionQueue:
    """Jobs wait here in order. `reserve` a place first, then `put`, so that a refused upload leaves nothing behind."""

    def __init__(self, settings: QueueSettings, actions: QueueActions, gate: RunGate) -> None:
        self.settings = settings
        self._actions = actions
        self._gate = gate
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._reserved = 0
        self._workers: list[_Worker] = []
        self._watchdog: threading.Thread | None = None
        self._stopping = False
        self._replacements = 0
        self._mean_seconds = 1.0

    def __len__(self) -> int:
        return len(self._waiting)

    def reserve(self) -> None:
        """Take a place, or raise QueueFull with the seconds after which one is likely to be free."""
        with self._changed:
            if self._stopping or len(self._waiting) + self._reserved >= self.settings.size:
                seconds = len(self._waiting) * self._mean_seconds / self.settings.workers
                raise QueueFull(self.settings.name, min(60, max(1, math.ceil(seconds / 2))))
            self._reserved += 1

    def release(self) -> None:
        """Give a reserved place back."""
        with self._changed:
            self._reserved -= 1

    def put(self, job: Job) -> None:
        """Turn a reserved place into a waiting job."""
        with self._changed:
            self._reserved -= 1
            self._waiting.append(job)
            self._changed.notify_all()

    def put_recovered(self, job: Job) -> None:
        """Queue a job that an earlier process had accepted: beyond the bound, and first when it must run alone."""
        with self._changed:
            if job.alone:
                self._waiting.appendleft(job)
            else:
                self._waiting.append(job)
            self._changed.notify_all()

    def discard(self, job: Job) -> None:
        """Forget a waiting job; nothing happens when it is not waiting any more."""
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
                self._changed.notify_all()

    def start(self) -> None:
        """Start the workers and the watchdog; jobs that were put before wait for this."""
        with self._changed:
            if self._stopping or self._watchdog:
                return
            self._watchdog = threading.Thread(target=self._watch, name=f"watchdog {self.settings.name}", daemon=True)
            self._watchdog.start()
            for _ in range(self.settings.workers):
                self._add_worker()

    def stop(self, deadline: float) -> None:
        """Take no new job, let running ones finish until `deadline` (monotonic); waiting jobs stay as they are."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            threads = [worker.thread for worker in self._workers if worker.thread and not worker.abandoned]
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._watchdog:
            self._watchdog.join(max(0.1, deadline - time.monotonic()))

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until nothing waits or runs; False when that took longer."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._waiting and not self._reserved and not self._busy(), timeout_seconds
            )

    def _is_idle(self) -> bool:
        return not self._waiting and not self._reserved and not self._busy()

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.job is not None and not worker.abandoned]

    def _add_worker(self) -> None:
        worker = _Worker()
        worker.thread = threading.Thread(
            target=self._work, args=(worker,), name=f"worker {self.settings.name}", daemon=True
        )
        self._workers.append(worker)
        worker.thread.start()

    def _work(self, worker: _Worker) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or worker.abandoned or self._waiting)
                if self._stopping or worker.abandoned:
                    return
                job = worker.job = self._waiting.popleft()
            gate_pass = self._gate.enter(job.alone)
            try:
                if not self._stopping and not job.is_claimed and self._actions.note_start(job):
                    self._run_watched(worker, job, gate_pass)
            finally:
                gate_pass.leave()
                with self._changed:
                    worker.job = worker.gate_pass = worker.deadline = None
                    self._changed.notify_all()

    def _run_watched(self, worker: _Worker, job: Job, gate_pass: GatePass) -> None:
        started = time.monotonic()
        with self._changed:
            worker.gate_pass = gate_pass
            worker.deadline = started + self.settings.timeout_seconds
            self._changed.notify_all()
        self._actions.run(job)
        self._mean_seconds += 0.1 * (time.monotonic() - started - self._mean_seconds)

    def _watch(self) -> None:
        while True:
            with self._changed:
                late = self._late_workers()
                if not late:
                    if self._stopping and not self._busy():
                        return
                    self._changed.wait(self._seconds_to_next_deadline())
                    continue
            for worker in late:
                self._abandon(worker)

    def _late_workers(self) -> list[_Worker]:
        now = time.monotonic()
        return [w for w in self._workers if w.deadline is not None and w.deadline <= now and not w.abandoned]

    def _seconds_to_next_deadline(self) -> float | None:
        deadlines = [w.deadline for w in self._workers if w.deadline is not None and not w.abandoned]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _abandon(self, worker: _Worker) -> None:
        """Give up on a worker that is still inside its job; a job that is being stored right now is left to it."""
        with self._changed:
            job, gate_pass = worker.job, worker.gate_pass
            if worker.deadline is None or job is None:
                return
            if job.is_ending_in_worker:
                worker.deadline = None
                return
            worker.abandoned = True
            give_up = self._replacements >= MAX_REPLACEMENTS
            self._replacements += 1
        logger.error(
            "predictor %s: a prediction ran over %g s, its worker is given up",
            self.settings.name,
            self.settings.timeout_seconds,
        )
        if give_up:
            self._actions.give_up()
        self._actions.time_out(job)
        if gate_pass:
            gate_pass.leave()
        with self._changed:
            self._workers.remove(worker)
            if not self._stopping:
                self._add_worker()
            self._changed.notify_all()
