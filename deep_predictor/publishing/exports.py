"""A model as files for others: as it is, or converted by a job, once."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.db.model_rows import ModelRecord, ModelState
from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.errors import StateConflict, TrainingJobNotFound
from deep_predictor.publishing.model_folders import EXPORTS_FOLDER, PREDICTOR_FILE, ModelFolders
from deep_predictor.training.jobs import TrainingJobs

ExportFormat = Literal["folder", "keras", "onnx", "openvino", "litert", "savedmodel"]
EXPORT_FORMATS: Final = get_args(ExportFormat)
KIND: Final = "export"
SECTION: Final = "export"


@dataclass(frozen=True)
class Download:
    """Files that are there. `is_folder`: all that lies in `path` goes as a zip, but what lies in `without`."""

    path: Path
    file_name: str
    is_folder: bool
    without: tuple[str, ...] = ()


class ModelExports:
    def __init__(self, folders: ModelFolders, jobs: TrainingJobs) -> None:
        self._folders, self._jobs = folders, jobs
        #: (model, format) -> the last job that converts it.
        self._started: dict[tuple[int, str], int] = {}
        self._lock = threading.Lock()

    def get(self, model: ModelRecord, wanted: ExportFormat, user_id: int | None) -> Download | TrainingJob:
        """What is there, or the job that makes it. Raises StateConflict when it cannot be had like that."""
        if model.state != ModelState.READY:
            raise StateConflict("model_not_ready", f"model {model.id} is {model.state}")
        folder, stem = self._folders.of(model), f"model-{model.id}"
        if wanted == "folder":
            return Download(folder, f"{stem}.zip", True, (EXPORTS_FOLDER,))
        own = self._model_path(model)
        if wanted == "keras" and own.suffix in (".keras", ".h5"):
            return Download(own, f"{stem}{own.suffix}", False)
        if wanted == "savedmodel" and own.is_dir():
            return Download(own, f"{stem}-savedmodel.zip", True)
        if wanted == "onnx" and own.suffix == ".onnx":
            return Download(own, f"{stem}.onnx", False)
        if own.suffix != ".keras":
            raise StateConflict("no_such_export", f"a model that came as {own.suffix or 'SavedModel'} stays as it is")
        exported = folder / EXPORTS_FOLDER / wanted
        if exported.is_dir():
            return Download(exported, f"{stem}-{wanted}.zip", True)
        return self._job(model, wanted, exported, user_id)

    def _model_path(self, model: ModelRecord) -> Path:
        """The network itself. Raises StateConflict where the folder has none."""
        folder = self._folders.of(model)
        written = load_predictor_config(folder / PREDICTOR_FILE, self._folders.root).model_paths.get("model_path")
        path = folder / Path(str(written)).name
        if not isinstance(written, str) or not path.exists():
            raise StateConflict("no_such_export", f"model {model.id} has no network")
        return path

    def _job(self, model: ModelRecord, wanted: str, exported: Path, user_id: int | None) -> TrainingJob:
        """The job that is under way, or a new one; what it failed of is told once, and then tried again."""
        key = (model.id, wanted)
        with self._lock:
            job = self._last(key)
            if job is None or job.has_ended:
                self._started.pop(key, None)
            if job and job.state in (JobState.FAILED, JobState.CANCELLED):
                reason = (job.reason or "it was cancelled").splitlines()[-1]
                raise StateConflict("export_failed", f"it could not be made: {_without_paths(reason)}")
            if job is None or job.has_ended:
                order = {"model": str(self._folders.of(model)), "to": wanted, "output": str(exported)}
                name = f"export {model.name} to {wanted}"
                self._started[key] = self._jobs.start({SECTION: order}, KIND, name, created_by=user_id)
                job = self._jobs.get(self._started[key])
        return job

    def _last(self, key: tuple[int, str]) -> TrainingJob | None:
        job_id = self._started.get(key)
        try:
            return self._jobs.get(job_id) if job_id is not None else None
        except TrainingJobNotFound:
            return None


def _without_paths(text: str) -> str:
    return " ".join(word if not word.startswith("/") else Path(word).name for word in text.split(" "))
