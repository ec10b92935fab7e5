"""A library for tests: models without a network, as a training would have left them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from deep_predictor.db.model_rows import ModelRecord
from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.environment import Application, Environment
from deep_predictor.management import EXTENSION, Management
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.submitting import Upload, submit_upload
from deep_predictor.publishing.library import ModelLibrary
from test.app_builder import build_app, fault_predictor, write_config
from test.fakes import picture, register_fault_backend
from test.server_process import new_id

WAIT_SECONDS = 20.0
WEB_THREADS = 64


def write_model_folder(folder: Path, class_name: str, **options: Any) -> Path:
    """What a run leaves in `folder`, for FaultBackend; `options`: of FaultOptions."""
    folder.mkdir(parents=True)
    sections = {
        "model_info": {"predictor_backend": "fault", "method": "test", "model_id": 7},
        "model_options": {"class_name": class_name, "predicted_image_action": "save", **options},
        "model_paths": {"predictions_main_folder": "var/predictions/never"},
    }
    (folder / "predictor.cfg").write_text(json.dumps({"predictor_options": sections}))
    (folder / "names.txt").write_text(f"{class_name}\n", encoding="utf-8")
    (folder / "manifest.json").write_text("{}")
    figures = {"count": 4, "accuracy": 0.75, "confusion": [[1]], "classes": []}
    (folder / "metrics.json").write_text(json.dumps({"best_epoch": 2, "test": figures, "epochs": []}))
    return folder


def done_job(folder: Path, job_id: int, **changes: Any) -> TrainingJob:
    """A training job of this number that is about to be done; its run's folder is made."""
    run_folder = folder / "runs" / f"{job_id:04d}"
    run_folder.mkdir(parents=True, exist_ok=True)
    job = TrainingJob(
        id=job_id,
        kind="train",
        name="fruit",
        run_folder=str(run_folder),
        cfg={},
        state=JobState.RUNNING,
        reason=None,
        priority=0,
        owner=None,
        pid=None,
        pid_started=None,
        attempts=1,
        epoch=2,
        epochs=2,
        created_at=1.0,
        started_at=1.0,
        cancel_asked_at=None,
        ended_at=None,
    )
    return replace(job, **changes)


class Server:
    """An application that can be stopped and started again on the same files."""

    def __init__(self, folder: Path, changes: Mapping[str, Any] | None = None) -> None:
        """`changes`: of the main config."""
        register_fault_backend()
        self.folder = folder
        self.config = write_config(folder, {"cfg's": fault_predictor()}, changes=changes)
        self._next_job = 0
        self.start()

    def start(self) -> None:
        self.app = build_app(self.config, web_threads=WEB_THREADS)

    def stop(self) -> None:
        self.application.close(1)

    @property
    def application(self) -> Application:
        application: Application = self.app.extensions["deep_predictor"]
        return application

    @property
    def production(self) -> Environment:
        return self.application.production

    @property
    def management(self) -> Management:
        management: Management = self.app.extensions[EXTENSION]
        return management

    @property
    def library(self) -> ModelLibrary:
        return self.management.models

    def add_model(self, class_name: str = "apple", dataset_id: int | None = None, **options: Any) -> ModelRecord:
        """A model that answers this class, as trained by a job."""
        self._next_job += 1
        job = done_job(self.folder, self._next_job, dataset_id=dataset_id)
        write_model_folder(Path(job.run_folder) / "model", class_name, **options)
        self.library.take_in(job)
        model = self.library._rows.find_by_job(job.id)
        assert model
        return model

    def publish(self, model: ModelRecord, name: str = "fruit", environment: str = "production") -> None:
        self.library.publisher.publish(model.id, environment, name, None)

    def upload(self, name: str = "fruit", fault: str = "none", store: bool = True) -> Job:
        return submit_upload(self.production, Upload(name, new_id(), "a.png", picture(fault), store))

    def answer(self, name: str = "fruit") -> str | None:
        """The class that a predictor gives."""
        job = self.upload(name)
        assert job.wait(WAIT_SECONDS)
        return job.outcome.items[0].class_name if job.outcome and job.outcome.items else None

    def is_clear(self) -> bool:
        """Whether every replaced predictor is gone."""
        return self.application.registry.wait_until_retired(WAIT_SECONDS)


@contextmanager
def serving(folder: Path, changes: Mapping[str, Any] | None = None) -> Iterator[Server]:
    server = Server(folder, changes)
    try:
        yield server
    finally:
        server.stop()
