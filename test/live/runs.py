"""A run that a test writes by hand, and jobs that know it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.errors import DatabaseBusy, TrainingJobNotFound
from deep_predictor.training.job_files import METRICS_FILE, STATE_FILE, Progress, write_object, write_progress


class WrittenRun:
    """`folder` is made. Epochs count from 1."""

    def __init__(self, folder: Path, epochs: int = 3, steps: int = 4) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.epochs, self.steps = folder, epochs, steps
        write_object(folder / STATE_FILE, {"state": "running", "epochs": epochs})

    def end_step(self, epoch: int, step: int) -> None:
        figures = {"epoch": epoch, "epochs": self.epochs, "step": step, "steps": self.steps, "loss": 1 / step}
        figures |= {"accuracy": step / self.steps, "images_per_second": 80.0, "eta_seconds": 9.5}
        done = (epoch - 1) * self.steps + step
        write_progress(self.folder, Progress(done, self.epochs * self.steps, "step", figures))

    def end_epoch(self, epoch: int, **changes: Any) -> None:
        line = {"epoch": epoch, "loss": 1 / epoch, "accuracy": 0.5, "val_loss": 2 / epoch, "val_accuracy": 0.25}
        line |= {"learning_rate": 0.001, "seconds": 2.0, **changes}
        with (self.folder / METRICS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def cut_to(self, lines: int) -> None:
        """As a run that goes on from an older checkpoint does."""
        kept = (self.folder / METRICS_FILE).read_text().splitlines(keepends=True)[:lines]
        part = self.folder / "part"
        part.write_text("".join(kept))
        part.replace(self.folder / METRICS_FILE)


def job_of(run: WrittenRun, job_id: int = 1, **changes: Any) -> TrainingJob:
    job = TrainingJob(
        **{"id": job_id, "kind": "train", "name": "digits", "run_folder": str(run.folder), "cfg": {}},
        **{"state": JobState.RUNNING, "reason": None, "priority": 0, "owner": None, "pid": None, "pid_started": None},
        **{"attempts": 1, "epoch": 0, "epochs": run.epochs, "created_at": 0.0, "started_at": 0.0},
        **{"cancel_asked_at": None, "ended_at": None},
    )
    return replace(job, **changes)


class KnownJobs:
    """In place of TrainingJobs."""

    def __init__(self, *jobs: TrainingJob) -> None:
        self.rows = {job.id: job for job in jobs}
        self.is_busy = False

    def get(self, job_id: int) -> TrainingJob:
        if self.is_busy:
            raise DatabaseBusy("of a test")
        if job_id not in self.rows:
            raise TrainingJobNotFound(job_id)
        return self.rows[job_id]

    def change(self, job_id: int, **changes: Any) -> None:
        self.rows[job_id] = replace(self.rows[job_id], **changes)
