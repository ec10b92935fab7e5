"""The bounded queue of one predictor, its worker threads, and the watchdog that ends what takes too long."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from deep_predictor.errors import QueueFull
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.run_gate import GatePass, RunGate

logger = logging.getLogger(__name__)

#: A stuck worker is replaced this often; the next time the predictor is given up.
MAX_REPLACEMENTS = 2


@dataclass(frozen=True)
class QueueSettings:
    """`size` counts waiting jobs; `timeout_seconds` counts from the moment a worker starts a batch."""

    name: str
    size: int
    timeout_seconds: float
    #: What may be known only when the network is loaded; `start` may replace them.
    workers: int = 1
    max_batch_size: int = 1
    #: A batch that is not full waits so long for more.
    max_delay_seconds: float = 0.0


@dataclass(eq=False)
class _Worker:
    thread: threading.Thread | None = None
    #: The batch it took; they may still be waited for or waiting at the gate.
    jobs: list[Job] = field(default_factory=list)
    gate_pass: GatePass | None = None
    #: time.monotonic() at which the batch is given up; None while nothing that may hang is running.
    deadline: float | None = None
    abandoned: bool = False


@dataclass
class QueueActions:
    """What the queue's owner does at the three moments that matter."""

    #: Runs a batch to its end; never raises.
    run: Callable[[Sequence[Job]], None]
    #: Ends a job that ran longer than the timeout.
    time_out: Callable[[Job], None]
    #: A worker got stuck after all replacements were used up.
    give_up: Callable[[], None]
    #: Notes a start in each job's row; gives those that are to be run.
    note_start: Callable[[Sequence[Job]], list[Job]] = field(default=list)


class PredictionQueue:
    """Jobs wait here in order. `reserve` a place first, then `put`, so that a refused upload leaves nothing behind."""

    def __init__(self, settings: QueueSettings, actions: QueueActions, gate: RunGate) -> None:
        self.settings = settings
        self._actions = actions
        self._gate = gate
        # Each wakes only whom it concerns: a thread that wakes in vain takes the interpreter from one that works.
        self._lock = threading.Lock()
        self._has_work = threading.Condition(self._lock)
        self._became_idle = threading.Condition(self._lock)
        self._look_again = threading.Condition(self._lock)
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
        with self._lock:
            if self._stopping or len(self._waiting) + self._reserved >= self.settings.size:
                seconds = len(self._waiting) * self._mean_seconds / self.settings.workers
                raise QueueFull(self.settings.name, min(60, max(1, math.ceil(seconds / 2))))
            self._reserved += 1

    def release(self) -> None:
        """Give a reserved place back."""
        with self._lock:
            self._reserved -= 1
            self._became_idle.notify_all()

    def put(self, job: Job) -> None:
        """Turn a reserved place into a waiting job."""
        with self._lock:
            self._reserved -= 1
            self._waiting.append(job)
            self._has_work.notify()

    def put_recovered(self, job: Job) -> None:
        """Queue a job that an earlier process had accepted: beyond the bound, and first when it must run alone."""
        with self._lock:
            if job.alone:
                self._waiting.appendleft(job)
            else:
                self._waiting.append(job)
            self._has_work.notify()

    def discard(self, job: Job) -> None:
        """Forget a waiting job; nothing happens when it is not waiting any more."""
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)
                self._became_idle.notify_all()

    def start(self, workers: int | None = None, max_batch_size: int | None = None) -> None:
        """Start the workers and the watchdog; jobs that were put before wait for this. None: as the settings say."""
        with self._lock:
            if self._stopping or self._watchdog:
                return
            self.settings = replace(
                self.settings,
                workers=workers or self.settings.workers,
                max_batch_size=max_batch_size or self.settings.max_batch_size,
            )
            self._watchdog = threading.Thread(target=self._watch, name=f"watchdog {self.settings.name}", daemon=True)
            self._watchdog.start()
            for _ in range(self.settings.workers):
                self._add_worker()

    def stop(self, deadline: float) -> None:
        """Take no new job, let running ones finish until `deadline` (monotonic); waiting jobs stay as they are."""
        with self._lock:
            self._stopping = True
            self._has_work.notify_all()
            self._look_again.notify_all()
            threads = [worker.thread for worker in self._workers if worker.thread and not worker.abandoned]
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._watchdog:
            self._watchdog.join(max(0.1, deadline - time.monotonic()))

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until nothing waits or runs; False when that took longer."""
        with self._lock:
            return self._became_idle.wait_for(
                lambda: not self._waiting and not self._reserved and not self._busy(), timeout_seconds
            )

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.jobs and not worker.abandoned]

    def _add_worker(self) -> None:
        worker = _Worker()
        worker.thread = threading.Thread(
            target=self._work, args=(worker,), name=f"worker {self.settings.name}", daemon=True
        )
        self._workers.append(worker)
        worker.thread.start()

    def _work(self, worker: _Worker) -> None:
        while True:
            with self._lock:
                self._has_work.wait_for(lambda: self._stopping or worker.abandoned or self._waiting)
                if self._stopping or worker.abandoned:
                    return
                self._take(worker)
            gate_pass = self._gate.enter(worker.jobs[0].alone)
            try:
                jobs = [job for job in worker.jobs if not job.is_claimed]
                jobs = self._actions.note_start(jobs) if jobs and not self._stopping else []
                if jobs:
                    self._run_watched(worker, jobs, gate_pass)
            finally:
                gate_pass.leave()
                with self._lock:
                    worker.jobs, worker.gate_pass, worker.deadline = [], None, None
                    self._became_idle.notify_all()
                    if self._stopping:
                        self._look_again.notify_all()

    def _take(self, worker: _Worker) -> None:
        """Move what waits into the worker's batch: one that must run alone, or up to `max_batch_size` others.

        A batch that is not full waits for more, but not longer than `max_delay_seconds`. Called with the lock held.
        """
        until = time.monotonic() + self.settings.max_delay_seconds
        worker.jobs.append(self._waiting.popleft())
        while not worker.jobs[0].alone and len(worker.jobs) < self.settings.max_batch_size:
            if self._waiting:
                if self._waiting[0].alone:
                    return
                worker.jobs.append(self._waiting.popleft())
            elif self._stopping or not self._has_work.wait(max(0.0, until - time.monotonic())):
                return

    def _run_watched(self, worker: _Worker, jobs: list[Job], gate_pass: GatePass) -> None:
        started = time.monotonic()
        with self._lock:
            worker.gate_pass = gate_pass
            worker.deadline = started + self.settings.timeout_seconds
        self._actions.run(jobs)
        seconds = (time.monotonic() - started) / len(jobs)
        self._mean_seconds += 0.1 * (seconds - self._mean_seconds)

    def _watch(self) -> None:
        while True:
            with self._lock:
                late = self._late_workers()
                if not late:
                    if self._stopping and not self._busy():
                        return
                    self._look_again.wait(self._seconds_to_next_deadline())
                    continue
            for worker in late:
                self._abandon(worker)

    def _late_workers(self) -> list[_Worker]:
        now = time.monotonic()
        return [w for w in self._workers if w.deadline is not None and w.deadline <= now and not w.abandoned]

    def _seconds_to_next_deadline(self) -> float:
        """A batch that starts later ends later: nobody has to tell the watchdog of it."""
        deadlines = [w.deadline for w in self._workers if w.deadline is not None and not w.abandoned]
        next_deadline = min(deadlines, default=math.inf)
        return max(0.0, min(next_deadline - time.monotonic(), self.settings.timeout_seconds))

    def _abandon(self, worker: _Worker) -> None:
        """Give up on a worker that is still inside its batch; one that is being stored right now is left to it."""
        with self._lock:
            jobs, gate_pass = list(worker.jobs), worker.gate_pass
            if worker.deadline is None or not jobs:
                return
            if any(job.is_ending_in_worker for job in jobs):
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
        for job in jobs:
            self._actions.time_out(job)
        if gate_pass:
            gate_pass.leave()
        with self._lock:
            self._workers.remove(worker)
            if not self._stopping:
                self._add_worker()
            self._became_idle.notify_all()
