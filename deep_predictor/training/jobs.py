"""Training jobs: runs as processes of their own, one after the other, that outlive the server. Imports nothing heavy.

How a job stands is in the table `training_jobs`; this thread alone writes there what becomes of a running job.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from deep_predictor.config.strict import read_json_object
from deep_predictor.db.training_job_rows import JobState, NewTrainingJob, TrainingJob, TrainingJobRows
from deep_predictor.errors import DatabaseBusy, StateConflict, TrainingJobNotResumable
from deep_predictor.training.job_files import (
    CANCEL_FILE,
    RunState,
    file_name_of,
    new_run_folder,
    read_metrics,
    read_state,
    without_run_folder,
)
from deep_predictor.training.job_run import (
    COMMANDS,
    LANES,
    PROJECT_ROOT,
    JobRun,
    JobSettings,
    Lane,
    find_run,
    last_pid,
    outcome_of,
    start_run,
)
from deep_predictor.training.process_identity import name_of_this_process, named_process_lives

logger = logging.getLogger(__name__)

#: A job that ends its process so often without finishing an epoch is not started again by itself.
MAX_ATTEMPTS = 3


class TrainingJobs:
    """The jobs of one database, run below `runs_folder`. Every method may be called from any thread."""

    def __init__(self, rows: TrainingJobRows, runs_folder: Path, settings: JobSettings | None = None) -> None:
        self._rows, self._runs_folder = rows, runs_folder
        self._settings = settings or JobSettings()
        #: Tells other servers whether this one lives, and from others in this process.
        self._owner = f"{name_of_this_process()}:{uuid.uuid4().hex}"
        self._runs: dict[int, JobRun] = {}
        self._endings: dict[int, tuple[JobState, str | None]] = {}
        self._changed = threading.Condition()
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        #: Kind of a job -> what takes its results in before it counts as done. A server may die in between, so it has
        #: to bear being called twice for one job. What it raises makes the job a failed one.
        self.take_in: dict[str, Callable[[TrainingJob], object]] = {}

    def begin(self) -> None:
        """Take up what an earlier server left: what still runs is watched, what died goes on from its checkpoint."""
        for job in self._rows.all(JobState.RUNNING):
            if named_process_lives(job.owner):
                logger.warning("training job %d is looked after by another server", job.id)
            elif self._rows.take_over(job, self._owner):
                self._take_up(replace(job, owner=self._owner))
        if self._runs or self._rows.all(JobState.QUEUED):
            self._ensure_thread()

    def close(self) -> None:
        """Stop watching; runs go on, and any server may take them up."""
        self._stopping.set()
        self._wake.set()
        if self._thread:
            self._thread.join()
        for run in self._runs.values():
            run.leave()
        with suppress(DatabaseBusy):  # then the next server sees that this one is gone
            self._rows.release(self._owner)

    def start(
        self,
        cfg: Path | Mapping[str, Any],
        kind: str = "train",
        name: str = "",
        priority: int = 0,
        created_by: int | None = None,
        dataset_id: int | None = None,
    ) -> int:
        """Queue a job and return its id. `cfg`: a file, or what one would hold.

        Raises ConfigError, RunFolderUnusable, ValueError for an unknown kind.
        """
        if kind not in COMMANDS:
            raise ValueError(f"there is no kind {kind!r} of training job; there are: {', '.join(COMMANDS)}")
        written = read_json_object(cfg, PROJECT_ROOT) if isinstance(cfg, Path) else cfg
        name = name or (cfg.stem if isinstance(cfg, Path) else kind)
        new = NewTrainingJob(kind, name, without_run_folder(written), priority, created_by, dataset_id)
        file_name = file_name_of(name)
        job = self._rows.insert(new, lambda job_id: str(new_run_folder(self._runs_folder, f"{job_id:04d}-{file_name}")))
        self._ensure_thread()
        return job.id

    def cancel(self, job_id: int) -> bool:
        """Have a job end; False when it had ended before. Raises TrainingJobNotFound."""
        if self._rows.cancel_queued(job_id) or self._rows.ask_cancel(job_id):
            self._tell()
            return True
        self._rows.get(job_id)
        return False

    def resume(self, job_id: int) -> None:
        """Queue a failed or cancelled job again; it goes on from its checkpoint.

        Raises TrainingJobNotFound, TrainingJobNotResumable.
        """
        job = self._rows.get(job_id)
        if job.state not in (JobState.FAILED, JobState.CANCELLED):
            raise TrainingJobNotResumable(job_id, job.state)
        (Path(job.run_folder) / CANCEL_FILE).unlink(missing_ok=True)
        if not self._rows.queue_again(job_id):
            raise TrainingJobNotResumable(job_id, self._rows.get(job_id).state)
        self._ensure_thread()

    def forget(self, job_id: int) -> None:
        """Remove a job and its run's folder. Raises TrainingJobNotFound, StateConflict while it has not ended."""
        job = self._rows.get(job_id)
        if not self._rows.forget(job_id):
            raise StateConflict("job_not_ended", f"job {job_id} is {self._rows.get(job_id).state}; cancel it first")
        shutil.rmtree(job.run_folder, ignore_errors=True)

    def page(
        self, kinds: Collection[str] = (), states: Collection[JobState] = (), limit: int = 50, offset: int = 0
    ) -> tuple[int, Sequence[TrainingJob]]:
        """How many jobs there are of these kinds and states (none given: all), and some of them, newest first."""
        return self._rows.page(kinds, states, limit, offset)

    def named(self, kind: str, name: str) -> Sequence[TrainingJob]:
        """The newest jobs of a kind and name, newest first."""
        return self._rows.named(kind, name)

    def list(self, *states: JobState) -> Sequence[TrainingJob]:
        """The jobs of these states, or all, oldest first."""
        return self._rows.all(*states)

    def get(self, job_id: int) -> TrainingJob:
        """Raises TrainingJobNotFound."""
        return self._rows.get(job_id)

    def wait(self, job_id: int, timeout_seconds: float) -> TrainingJob:
        """The job once it has ended, or as it stands when that took longer. Raises TrainingJobNotFound."""
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            while not (job := self._rows.get(job_id)).has_ended and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(min(left, self._settings.poll_seconds))
        return job

    def watch(self, job_id: int) -> Iterator[dict[str, Any]]:
        """The figures of each epoch, those that are there and those to come, until the job has ended.

        Raises TrainingJobNotFound.
        """
        seen = 0
        while True:
            job = self.wait(job_id, 0)
            lines = read_metrics(Path(job.run_folder))
            seen = min(seen, len(lines))  # a run that goes on from its checkpoint may have fewer
            yield from lines[seen:]
            seen = len(lines)
            if job.has_ended:
                return
            self.wait(job_id, self._settings.poll_seconds)

    def _ensure_thread(self) -> None:
        with self._changed:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="training-jobs", daemon=True)
                self._thread.start()
        self._tell()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._write_endings()
                for run in list(self._runs.values()):
                    self._look_at(run)
                for lane in LANES:
                    while self._has_room(lane) and self._start_next(lane):
                        pass
            except DatabaseBusy as error:
                logger.warning("training jobs: %s; tried again soon", error)
            except Exception:  # the thread has to go on: nobody else looks after the jobs
                logger.exception("training jobs")
            self._wake.wait(self._settings.poll_seconds)

    def _look_at(self, run: JobRun) -> None:
        """Note how far a run is, and how it ended."""
        job = self._rows.get(run.job.id)
        has_ended = run.has_ended()  # asked first: what it wrote at its end is there when it has
        self._note_progress(job, read_state(run.folder))
        if has_ended and run.was_second and (first := find_run(job)):
            self._watch_over(first)
        elif has_ended:
            self._finish(job, *run.outcome(job.cancel_asked_at is not None))
        elif job.cancel_asked_at is not None:
            run.press_cancel(self._settings.cancel_seconds)

    def _note_progress(self, job: TrainingJob, said: RunState) -> int:
        """Write how far a run is; its starts since it last got further. A run that just goes on says epoch 0."""
        attempts = 0 if said.epoch > job.epoch else job.attempts
        epoch, epochs = said.epoch or job.epoch, said.epochs or job.epochs
        if (epoch, epochs, attempts) != (job.epoch, job.epochs, job.attempts):
            self._rows.set_progress(job.id, self._owner, epoch, epochs, attempts)
        return attempts

    def _has_room(self, lane: Lane) -> bool:
        return sum(run.job.kind in LANES[lane] for run in self._runs.values()) < self._settings.max_running[lane]

    def _start_next(self, lane: Lane) -> bool:
        job = self._rows.claim_next(self._owner, self._settings.max_running[lane], LANES[lane])
        if job:
            self._launch(job)
        return job is not None

    def _take_up(self, job: TrainingJob) -> None:
        """Watch a job of an earlier server, end it, or start it again."""
        run = find_run(job)
        folder = Path(job.run_folder)
        if run:
            logger.info("training job %d still runs (process %d)", job.id, run.pid)
            self._watch_over(run)
            return
        said, pid = read_state(folder), last_pid(job)
        ended_by_itself = said.pid is not None and said.pid == pid and said.state not in ("", JobState.RUNNING)
        if ended_by_itself or job.cancel_asked_at is not None:
            self._finish(job, *outcome_of(folder, pid, None, job.cancel_asked_at is not None))
            return
        attempts = self._note_progress(job, said)
        if attempts >= MAX_ATTEMPTS:
            _, reason = outcome_of(folder, pid, None, False)
            self._finish(job, JobState.FAILED, f"died {attempts} times without finishing an epoch: {reason}")
            return
        logger.info("training job %d died with its server; it goes on from its checkpoint", job.id)
        self._rows.count_start(job.id, self._owner, attempts + 1)
        self._launch(job)

    def _launch(self, job: TrainingJob) -> None:
        try:
            run = start_run(job, self._settings)
        except Exception as error:  # whatever the system refuses, the job has to end in a stored state
            logger.exception("training job %d", job.id)
            self._finish(job, JobState.FAILED, f"could not be started: {error}")
            return
        self._watch_over(run)

    def _watch_over(self, run: JobRun) -> None:
        self._runs[run.job.id] = run
        self._rows.set_process(run.job.id, self._owner, run.pid, run.pid_started)
        self._tell()

    def _finish(self, job: TrainingJob, state: JobState, reason: str | None) -> None:
        if state == JobState.DONE and job.kind in self.take_in:
            try:
                self.take_in[job.kind](job)
            except DatabaseBusy:
                raise  # tried again soon
            except Exception as error:  # the job has to end in a stored state
                logger.exception("training job %d: its results cannot be taken in", job.id)
                state, reason = JobState.FAILED, f"its results cannot be taken in: {error}"
        logger.info("training job %d (%s) is %s%s", job.id, job.name, state, f": {reason}" if reason else "")
        self._runs.pop(job.id, None)
        self._endings[job.id] = (state, reason)
        self._write_endings()

    def _write_endings(self) -> None:
        """Store how jobs ended; what a busy database refuses is stored the next time."""
        for job_id, (state, reason) in list(self._endings.items()):
            self._rows.finish(job_id, self._owner, state, reason)
            del self._endings[job_id]
            self._tell()

    def _tell(self) -> None:
        """Wake the thread, and who waits for a change."""
        self._wake.set()
        with self._changed:
            self._changed.notify_all()
