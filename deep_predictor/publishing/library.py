"""The models that the server keeps, with their versions, and which of them is served under which name."""

from __future__ import annotations

import logging
from pathlib import Path

from deep_predictor.config.management_options import LibraryOptions
from deep_predictor.db.model_rows import ModelRecord, ModelRows, ModelState, NewModel
from deep_predictor.db.training_job_rows import TrainingJob
from deep_predictor.environment import Application
from deep_predictor.errors import NotFound, StateConflict
from deep_predictor.predictions.job import Outcome
from deep_predictor.publishing.asking import ModelAsker
from deep_predictor.publishing.exports import ModelExports
from deep_predictor.publishing.model_folders import (
    MANIFEST_FILE,
    PREDICTOR_FILE,
    REPORT_FILE,
    ModelFolders,
    class_names_of,
    metrics_of,
    task_of,
)
from deep_predictor.publishing.publisher import Publisher
from deep_predictor.publishing.uploads import ModelUploads
from deep_predictor.training.jobs import TrainingJobs

logger = logging.getLogger(__name__)


class ModelLibrary:
    """`publisher`, `uploads` and `exports` do what their names say."""

    def __init__(self, rows: ModelRows, options: LibraryOptions, application: Application, jobs: TrainingJobs) -> None:
        self._rows = rows
        self.max_model_bytes = options.max_model_bytes
        self.folders = ModelFolders(application.production.root, options.models_folder)
        self.publisher = Publisher(rows, self.folders, application)
        self.uploads = ModelUploads(rows, self.folders, jobs)
        self.exports = ModelExports(self.folders, jobs)
        self._asker = ModelAsker(self.folders, application, self.publisher)
        jobs.take_in["train"] = jobs.take_in["search"] = self.take_in

    def restore(self) -> None:
        """At start, before anything is loaded: add the published predictors to their environments."""
        self.folders.remove_old_uploads()
        self.uploads.settle_lost()
        self.publisher.restore()

    def take_in(self, job: TrainingJob) -> ModelRecord | None:
        """The model folder of a training or search becomes the next version of the job's name; called again, it is
        that version still. None where the run left no model. Raises OSError."""
        source = _model_folder_of(job, self.folders.root)
        if source is None:
            logger.warning("training job %d left no model folder in its run", job.id)
            return None
        model = self._rows.find_by_job(job.id)
        if model and model.created_at < job.created_at:  # of an earlier job, whose number was given again
            self._rows.set_job(model.id, None)
            model = None
        if model and model.state == ModelState.READY:
            return model
        if model is None:
            about = (job.id, job.dataset_id, job.created_by, task_of(source))
            new = NewModel(job.name, self.folders.new_name(), "trained", *about)
            model = self._rows.add(new)
        reports = [folder / REPORT_FILE for folder in (source.parent, Path(job.run_folder))]
        self.folders.copy_in(source, next(filter(Path.is_file, reports), None), model.folder)
        folder = self.folders.of(model)
        self._rows.set_ready(model.id, class_names_of(folder), metrics_of(folder))
        logger.info("training job %d made model %d: %s version %d", job.id, model.id, model.name, model.version)
        return self._rows.get(model.id)

    def page(
        self, limit: int, offset: int, name: str | None = None, dataset_id: int | None = None
    ) -> tuple[int, list[ModelRecord]]:
        """How many there are, and some of them, newest first."""
        count, models = self._rows.page(limit, offset, name=name, dataset_id=dataset_id)
        return count, [self.uploads.settle(model) for model in models]

    def get(self, model_id: int) -> ModelRecord:
        """Raises NotFound."""
        return self.uploads.settle(self._rows.get(model_id))

    def has_report(self, model: ModelRecord) -> bool:
        return (self.folders.of(model) / REPORT_FILE).is_file()

    def report(self, model_id: int) -> Path:
        """The page that its training wrote. Raises NotFound."""
        path = self.folders.of(self.get(model_id)) / REPORT_FILE
        if not path.is_file():
            raise NotFound("report", model_id)
        return path

    def delete(self, model_id: int) -> None:
        """Raises NotFound, StateConflict while it is published or looked at."""
        with self.publisher.held():
            model = self.get(model_id)
            if model.state == ModelState.CHECKING:
                raise StateConflict("model_checking", f"model {model_id} is being looked at by job {model.job_id}")
            with self.publisher.naming:
                self._rows.delete(model_id)
            self._asker.forget(model)
            self.folders.remove(model.folder)

    def newest_for_dataset(self, dataset_id: int) -> ModelRecord | None:
        """The newest ready model that was trained on a data set."""
        return self._rows.find_newest(dataset_id)

    def predict_with(self, model_id: int, image_bytes: bytes) -> str:
        """The best class's name; "" when nothing is found. Raises as `outcome_with` does."""
        items = self.outcome_with(model_id, image_bytes).items
        return items[0].class_name if items else ""

    def outcome_with(self, model_id: int, image_bytes: bytes) -> Outcome:
        """What a model finds, by its published predictor if it has one, else loaded for it; nothing is stored.

        Raises NotFound, ImageUnreadable, QueueFull, TooManyWaiting, StateConflict.
        """
        model = self.get(model_id)
        if model.state != ModelState.READY:
            raise StateConflict("model_not_ready", f"model {model_id} is {model.state}")
        return self._asker.ask(model, image_bytes)


def _model_folder_of(job: TrainingJob, root: Path) -> Path | None:
    """Where a run put its model; of a search, where the best cfg was trained."""
    run_folder = Path(job.run_folder)
    runs = sorted(run_folder.glob("best-*"), key=_written_at) if job.kind == "search" else [run_folder]
    folders = [run / "model" for run in runs if (run / "model" / PREDICTOR_FILE).is_file()]
    written = job.cfg.get("training_options")
    named = written.get("output_folder") if isinstance(written, dict) else None
    if not folders and isinstance(named, str) and (root / named / PREDICTOR_FILE).is_file():
        return root / named
    return folders[-1] if folders else None


def _written_at(run: Path) -> float:
    try:
        return (run / "model" / MANIFEST_FILE).stat().st_mtime
    except OSError:
        return 0.0
