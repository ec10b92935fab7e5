"""Models that were trained elsewhere: kept, looked at by a process of its own, and then ready or refused."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deep_predictor.db.model_rows import ModelRecord, ModelRows, ModelState, NewModel
from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.errors import TrainingJobNotFound
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.publishing.model_folders import NAMES_FILE, ModelFolders
from deep_predictor.training.job_files import CHECK_RESULT_FILE, read_object
from deep_predictor.training.jobs import TrainingJobs

logger = logging.getLogger(__name__)

KIND = "check-model"
SECTION = "check_model"
#: Of a reason that is told.
_LONGEST_REASON = 2000


@dataclass(frozen=True)
class ModelUpload:
    """A model as it came in. `class_names` in the order of its outputs; `spec`: what pictures it wants to see.

    `options`: further `model_options` of its task, checked one by one by whoever made this; whether they fit together
    and to the file is found out by the job.
    """

    name: str
    class_names: Sequence[str]
    spec: InputSpec
    created_by: int | None = None
    task: str = "classification"
    options: Mapping[str, Any] = field(default_factory=dict)


class ModelUploads:
    def __init__(self, rows: ModelRows, folders: ModelFolders, jobs: TrainingJobs) -> None:
        self._rows, self._folders, self._jobs = rows, folders, jobs
        jobs.take_in[KIND] = self.take_in

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """A new folder to write the model's file to, and to `check` it; when the block raises, it goes."""
        incoming = self._folders.incoming(self._folders.new_name())
        incoming.mkdir(parents=True)
        try:
            yield incoming
        except BaseException:
            self._folders.remove(incoming.name)
            raise

    def check(self, path: Path, upload: ModelUpload) -> ModelRecord:
        """Add the model whose file lies in the folder of `receiving`, and start the job that looks at it."""
        incoming = path.parent
        (incoming / NAMES_FILE).write_text("".join(f"{name}\n" for name in upload.class_names), encoding="utf-8")
        new = NewModel(upload.name, incoming.name, "uploaded", created_by=upload.created_by, task=upload.task)
        model = self._rows.add(new)
        order = {
            "model_id": model.id,
            "created_at": model.created_at,
            "upload": str(path),
            "names": str(incoming / NAMES_FILE),
            "task": upload.task,
            "options": _model_options(upload),
            "folder": str(self._folders.of(model)),
        }
        try:
            job_id = self._jobs.start({SECTION: order}, KIND, f"check {upload.name}", created_by=upload.created_by)
        except BaseException:
            self._refuse(model, "its check could not be started")
            raise
        self._rows.set_job(model.id, job_id)
        return self._rows.get(model.id)

    def take_in(self, job: TrainingJob) -> None:
        """What the job found out becomes the model's state."""
        order = job.cfg[SECTION]
        model = self._rows.find(order["model_id"])
        if model is None or model.created_at != order["created_at"]:  # removed meanwhile
            self._folders.remove(Path(order["folder"]).name)
            return
        result = read_object(Path(job.run_folder) / CHECK_RESULT_FILE)
        if result.get("accepted") is True:
            self._rows.set_ready(model.id, [str(name) for name in result["class_names"]], {})
            shutil.rmtree(self._folders.incoming(model.folder), ignore_errors=True)
        else:
            self._refuse(model, f"{result.get('code', 'unknown')}: {result.get('reason', 'no reason was given')}")

    def settle(self, model: ModelRecord) -> ModelRecord:
        """A model whose job ended without a word is refused; others stay as they are."""
        if model.state != ModelState.CHECKING or model.job_id is None:
            return model
        try:
            job = self._jobs.get(model.job_id)
        except TrainingJobNotFound:
            return self._refuse(model, "check_lost: the job that looked at it is gone")
        if job.state == JobState.CANCELLED:
            return self._refuse(model, "check_cancelled: somebody cancelled the job that looked at it")
        if job.state == JobState.FAILED:
            return self._refuse(model, f"check_failed: the process that looked at it {_first_line(job.reason)}")
        return model

    def settle_lost(self) -> None:
        """At start: what was being added when the server died, before its job was there, is refused."""
        for model in self._rows.checking():
            if model.job_id is None and model.origin == "uploaded":
                self._refuse(model, "check_lost: the server stopped before it was looked at")

    def _refuse(self, model: ModelRecord, reason: str) -> ModelRecord:
        logger.warning("model %d (%s) is refused: %s", model.id, model.name, reason)
        self._rows.set_refused(model.id, reason[:_LONGEST_REASON])
        self._folders.remove(model.folder)
        return self._rows.find(model.id) or model


def _model_options(upload: ModelUpload) -> dict[str, Any]:
    """`model_options` of a predictor cfg."""
    written = upload.spec.to_dict()
    width, height = written.pop("width"), written.pop("height")
    options = {
        "tensorflow_version": 2,
        "image_w": width,
        "image_h": height,
        **written,
        "predicted_image_action": "save",
        "strip_metadata": 1,
    }
    if upload.task == "classification":
        is_gray = int(upload.spec.color_mode == "grayscale")
        options |= {"grayscale": is_gray, "return_topN": 5, "confidence_threshold": 0.0}
    return {**options, **upload.options}


def _first_line(reason: str | None) -> str:
    return (reason or "ended without a result").splitlines()[0]
