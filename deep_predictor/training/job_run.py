"""One running job: its process started, or found alive; asked to end; and how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.training.job_child import ALREADY_RUNS, PROCESS_FILE
from deep_predictor.training.job_files import (
    CANCEL_FILE,
    JOB_CFG_FILE,
    JOB_FOLDER,
    JOB_LOG_FILE,
    RunState,
    end_of_log,
    read_object,
    read_state,
    write_object,
)
from deep_predictor.training.process_identity import lives, start_of

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_SEARCH = ("search", "{cfg}", "--run-folder", "{run}", "--quiet")
#: Kind of a job -> the words of its first start, and of a further one.
COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "train": (("train", "{cfg}", "--run-folder", "{run}", "--quiet"), ("resume", "{run}", "--quiet")),
    "search": (_SEARCH, _SEARCH),
    "augment": (("augment", "{cfg}", "--run-folder", "{run}", "--quiet"),) * 2,
    "import": (("import", "{cfg}", "--run-folder", "{run}"),) * 2,
    "check-model": (("check-model", "{cfg}", "--run-folder", "{run}"),) * 2,
    "export": (("export-job", "{cfg}"),) * 2,
    "doctor": (("doctor", "--cfg", "{cfg}", "--report", "{run}/doctor.json"),) * 2,
}
Lane = Literal["training", "data"]
#: What takes hours does not hold up what takes seconds; a kind that is not here is in the lane `data`.
TRAINING_KINDS = frozenset({"train", "search"})
LANES: dict[Lane, frozenset[str]] = {"training": TRAINING_KINDS, "data": frozenset(COMMANDS) - TRAINING_KINDS}
#: Kinds whose commands know --allow-python.
PYTHON_KINDS = frozenset({"train", "search"})
#: The only variables of the server that a job sees: none of them is a secret.
KEPT_VARIABLES = frozenset(
    "PATH HOME USER LOGNAME LANG LANGUAGE TZ TMPDIR TEMP TMP SYSTEMROOT VIRTUAL_ENV PYTHONPATH PYTHONHASHSEED "
    "LD_LIBRARY_PATH LD_PRELOAD XDG_CACHE_HOME MPLCONFIGDIR".split()
)
KEPT_PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "TF_", "XLA_", "OMP_", "MKL_", "OPENBLAS_", "KMP_", "GOMP_")
#: A variable with one of these words in its name is left out, whatever its prefix.
SECRET_WORDS = ("KEY", "SECRET", "TOKEN", "PASSWORD", "CREDENTIAL")
#: From SIGTERM to SIGKILL.
KILL_SECONDS = 10.0
CANCELLED_STATUS = 3


@dataclass(frozen=True)
class JobSettings:
    """How jobs are run. Times in seconds."""

    #: Jobs of one lane that run at a time.
    max_running: Mapping[Lane, int] = field(default_factory=lambda: {"training": 1, "data": 1})
    #: How long a cancelled run may take to end by itself.
    cancel_seconds: float = 30.0
    #: Between two looks at the processes.
    poll_seconds: float = 1.0
    #: Whether a cfg may name a Python file that builds the network.
    allow_python: bool = False
    #: What is started, before the command's words.
    program: Sequence[str] = (sys.executable, "-m", "deep_predictor.training")
    #: Of it, a job sees what `job_environment` lets through.
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)


class JobRun:
    """The process of one job. `child` is None for a process that an earlier server started."""

    def __init__(self, job: TrainingJob, pid: int, pid_started: str, child: subprocess.Popen[bytes] | None) -> None:
        self.job, self.pid, self.pid_started = job, pid, pid_started
        self._child = child
        self._asked_at: float | None = None
        self._last_signal: signal.Signals | None = None

    @property
    def folder(self) -> Path:
        return Path(self.job.run_folder)

    def has_ended(self) -> bool:
        if self._child:
            return self._child.poll() is not None
        return not lives(self.pid, self.pid_started)

    @property
    def was_second(self) -> bool:
        """Whether it ended since another process already worked on the job."""
        return self._child is not None and self._child.returncode == ALREADY_RUNS

    def leave(self) -> None:
        """The process goes on without this one."""
        if self._child and self._child.poll() is None:
            self._child.returncode = 0  # else Popen warns that nobody saw it end

    def press_cancel(self, patience_seconds: float) -> None:
        """Have it end by itself; after some time SIGTERM to it and all that it started, then SIGKILL."""
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
        with suppress(OSError):  # a run that goes on from a checkpoint begins by removing it
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / CANCEL_FILE).touch()
        waited = now - self._asked_at
        if waited >= patience_seconds + KILL_SECONDS:
            self._signal(signal.SIGKILL)
        elif waited >= patience_seconds:
            self._signal(signal.SIGTERM)

    def outcome(self, is_cancel_asked: bool) -> tuple[JobState, str | None]:
        """How it ended, and why it failed. Asked only after its end."""
        status = self._child.returncode if self._child else None
        return outcome_of(self.folder, self.pid, status, is_cancel_asked)

    def _signal(self, number: signal.Signals) -> None:
        if number == self._last_signal or not lives(self.pid, self.pid_started):
            return
        self._last_signal = number
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def start_run(job: TrainingJob, settings: JobSettings) -> JobRun:
    """Start a job's process in a session of its own, so that it outlives this one. Raises OSError."""
    folder = Path(job.run_folder)
    job_folder = folder / JOB_FOLDER
    cfg_path = job_folder / JOB_CFG_FILE
    write_object(cfg_path, job.cfg)
    first, further = COMMANDS[job.kind]
    words = further if read_state(folder).state else first
    command = [*settings.program, *(word.format(cfg=cfg_path, run=folder) for word in words)]
    if settings.allow_python and job.kind in PYTHON_KINDS:
        command.append("--allow-python")
    with (job_folder / JOB_LOG_FILE).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "deep_predictor.training.job_child", str(job_folder), *command],
            cwd=PROJECT_ROOT,
            env=job_environment(settings.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return JobRun(job, child.pid, start_of(child.pid) or "", child)


def find_run(job: TrainingJob) -> JobRun | None:
    """The living process of a job that an earlier server started; None when it is gone."""
    for pid, started in ((job.pid, job.pid_started), _written_process(job)):
        if pid is not None and started is not None and lives(pid, started):
            return JobRun(job, pid, started, None)
    return None


def last_pid(job: TrainingJob) -> int | None:
    """The number of the job's last process, living or not; a server may have died before it could store it."""
    return job.pid if job.pid is not None else _written_process(job)[0]


def outcome_of(folder: Path, pid: int | None, status: int | None, is_cancel_asked: bool) -> tuple[JobState, str | None]:
    """How a process ended, by what it wrote and its exit status (None: not known). Only its own words count."""
    said = read_state(folder)
    if said.pid != pid:
        said = RunState()
    if said.state == JobState.DONE or (status == 0 and not said.state):
        return JobState.DONE, None
    if is_cancel_asked or said.state == JobState.CANCELLED or status == CANCELLED_STATUS:
        return JobState.CANCELLED, None
    what = said.reason if said.state == JobState.FAILED and said.reason else _how(status)
    printed = end_of_log(folder / JOB_FOLDER / JOB_LOG_FILE)
    return JobState.FAILED, f"{what}\n{printed}" if printed else what


def job_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What of the server's variables a job sees."""
    kept = {
        name: value
        for name, value in environ.items()
        if (name.upper() in KEPT_VARIABLES or name.startswith(KEPT_PREFIXES))
        and not any(word in name.upper() for word in SECRET_WORDS)
    }
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}


def _written_process(job: TrainingJob) -> tuple[int | None, str | None]:
    """(pid, start) as the process itself wrote them."""
    written = read_object(Path(job.run_folder) / JOB_FOLDER / PROCESS_FILE)
    pid, started = written.get("pid"), written.get("pid_started")
    return (pid, started) if type(pid) is int and isinstance(started, str) else (None, None)


def _how(status: int | None) -> str:
    if status is None:
        return "the process is gone, and wrote no reason"
    if status == -signal.SIGKILL:
        return "was killed (SIGKILL): by somebody, or because the memory was used up"
    if status < 0:
        return f"crashed (signal {-status})"
    return f"ended with status {status}"
