"""The bounded queue of one predictor, its worker threads, and the watchdog that ends what takes too long."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from deep_predictor.errors import QueueFull
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.queue_settings import QueueActions, QueueSettings
from deep_predictor.predictions.run_gate import GatePass, RunGate

logger = logging.getLogger(__name__)

#: A stuck worker is replaced this often; the next time the predictor is given up.
MAX_REPLACEMENTS = 2
#: How long workers that have nothing left to do may take to end.
END_SECONDS = 10.0


@dataclass(eq=False)
class _Worker:
    thread: threading.Thread | None = None
    #: The batch it took; they may still be waited for or waiting at the gate.
    jobs: list[Job] = field(default_factory=list)
    gate_pass: GatePass | None = None
    #: time.monotonic() at which the batch is given up; None while nothing that may hang is running.
    deadline: float | None = None
    abandoned: bool = False


class PredictionQueue:
    """Jobs wait here in order. `reserve` a place first, then `put`, so that a refused upload leaves nothing behind.

    A queue that is retired takes no new job and ends those that it has taken; one that is stopped leaves them waiting.
    """

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
        #: Jobs that somebody took out, and may put back.
        self._held = 0
        self._workers: list[_Worker] = []
        self._watchdog: threading.Thread | None = None
        self._retired = False
        self._stopping = False
        self._replacements = 0
        self._mean_seconds = 1.0

    def __len__(self) -> int:
        return len(self._waiting)

    def reserve(self) -> bool:
        """Take a place; False when the queue is retired, for good.

        Raises QueueFull with the seconds after which a place is likely to be free.
        """
        with self._lock:
            if self._retired:
                return False
            if self._stopping or len(self._waiting) + self._reserved >= self.settings.size:
                seconds = len(self._waiting) * self._mean_seconds / self.settings.workers
                raise QueueFull(self.settings.name, min(60, max(1, math.ceil(seconds / 2))))
            self._reserved += 1
            return True

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

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside the block a retired queue does not end: what is taken out of it may be put back."""
        with self._lock:
            self._held += 1
        try:
            yield
        finally:
            with self._lock:
                self._held -= 1
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

    def retire(self) -> None:
        """Refuse every further place; `end_retired` waits for what was taken before."""
        with self._lock:
            self._retired = True

    def end_retired(self) -> bool:
        """Wait until all that was taken has ended, then end the workers.

        False when `stop` came first: then something may still run, and what waits is taken up at the next start.
        """
        with self._lock:
            self._became_idle.wait_for(lambda: self._stopping or self._has_ended_all())
            if self._stopping:
                return False
        self.stop(time.monotonic() + END_SECONDS)
        return True

    def stop(self, deadline: float) -> None:
        """Take no new job, let running ones finish until `deadline` (monotonic); waiting jobs stay as they are."""
        with self._lock:
            self._stopping = True
            self._has_work.notify_all()
            self._look_again.notify_all()
            self._became_idle.notify_all()
            threads = [worker.thread for worker in self._workers if worker.thread and not worker.abandoned]
            watchdog = self._watchdog
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if watchdog:
            watchdog.join(max(0.1, deadline - time.monotonic()))

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until nothing waits or runs; False when that took longer."""
        with self._lock:
            return self._became_idle.wait_for(
                lambda: not self._waiting and not self._reserved and not self._busy(), timeout_seconds
            )

    def _has_ended_all(self) -> bool:
        return not (self._waiting or self._reserved or self._held or self._busy())

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
