"""What the doctor says of a data set: a job looks at a snapshot of it, and the newest report is kept beside it."""

from __future__ import annotations

import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deep_predictor.datasets.folders import DatasetFolders
from deep_predictor.datasets.snapshots import write_snapshot
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.errors import ImageNotStored, NotFound, StateConflict
from deep_predictor.training.job_files import read_object, write_object
from deep_predictor.training.jobs import TrainingJobs

KIND = "doctor"
SECTION = "doctor_options"
#: In the run's folder.
REPORT_FILE = "doctor.json"


@dataclass(frozen=True)
class DoctorReport:
    """`findings`: as `doctor --json` prints them. `is_current`: the data set is still the one that was looked at."""

    job_id: int
    written_at: float
    is_current: bool
    findings: dict[str, Any]


class DoctorReports:
    """Starts jobs of kind `doctor`, and keeps what they found."""

    def __init__(self, rows: DatasetRows, folders: DatasetFolders, jobs: TrainingJobs) -> None:
        self._rows, self._folders, self._jobs = rows, folders, jobs
        jobs.take_in[KIND] = self.take_in

    def start(self, dataset_id: int, created_by: int | None) -> int:
        """The id of a job that looks at the data set as it is now: one that waits or runs already, or a new one.

        Raises NotFound, StateConflict for a data set without items, ImageNotStored.
        """
        dataset = self._rows.get(dataset_id)
        waiting = self._waiting(dataset_id)
        for job in waiting:
            if _looked_at(job) == (dataset.version, dataset.created_at):
                return job.id
        if not self._rows.items_after(dataset_id, 0, 1):
            raise StateConflict("dataset_empty", f"the data set {dataset.name!r} has no items")
        if not waiting:
            shutil.rmtree(self._folders.snapshots(dataset_id), ignore_errors=True)  # of jobs that failed
        folder = self._folders.snapshots(dataset_id) / uuid.uuid4().hex
        try:
            listing = write_snapshot(self._rows, self._folders, dataset, folder)
        except OSError as error:
            raise ImageNotStored(f"a snapshot of data set {dataset_id}: {error.strerror or error}") from error
        options = {"version": dataset.version, "dataset_created_at": dataset.created_at}
        cfg = {SECTION: {"dataset_options": {"name": "listing", "path": str(listing)}, **options}}
        return self._jobs.start(cfg, KIND, dataset.name, created_by=created_by, dataset_id=dataset_id)

    def newest(self, dataset_id: int) -> DoctorReport:
        """Raises NotFound for the data set, StateConflict when the doctor has not looked at it yet."""
        dataset = self._rows.get(dataset_id)
        found = read_object(self._folders.report(dataset_id))
        if found.get("dataset_created_at") != dataset.created_at:  # none, or that of an earlier one of this number
            raise StateConflict("no_report", "the doctor has not looked at this data set yet")
        is_current = found["version"] == dataset.version
        return DoctorReport(found["job_id"], found["written_at"], is_current, found["findings"])

    def has_report(self, dataset_id: int) -> bool:
        """Raises NotFound for the data set."""
        try:
            self.newest(dataset_id)
        except StateConflict:
            return False
        return True

    def take_in(self, job: TrainingJob) -> None:
        """Keep the report of a job that is done. May be done twice. Raises NotFound when the data set is gone."""
        options = job.cfg[SECTION]
        dataset = self._rows.get(job.dataset_id or 0)
        if dataset.created_at != options["dataset_created_at"]:
            raise NotFound("dataset", dataset.id)  # another one has its number now
        findings = read_object(Path(job.run_folder) / REPORT_FILE)
        about = {"job_id": job.id, "written_at": time.time(), "dataset_created_at": dataset.created_at}
        report = {**about, "version": options["version"], "findings": findings}
        write_object(self._folders.report(dataset.id), report)
        shutil.rmtree(Path(options["dataset_options"]["path"]).parent, ignore_errors=True)

    def cancel_all(self, dataset_id: int) -> None:
        for job in self._waiting(dataset_id):
            self._jobs.cancel(job.id)

    def _waiting(self, dataset_id: int) -> list[TrainingJob]:
        jobs = self._jobs.list(JobState.QUEUED, JobState.RUNNING)
        return [job for job in jobs if job.kind == KIND and job.dataset_id == dataset_id]


def _looked_at(job: TrainingJob) -> tuple[int, float]:
    options = job.cfg[SECTION]
    return options["version"], options["dataset_created_at"]
