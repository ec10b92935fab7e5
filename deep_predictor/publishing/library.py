"""The models that the server keeps, with their versions, and which of them is served under which name."""

from __future__ import annotations

from deep_predictor.config.management_options import LibraryOptions
from deep_predictor.db.model_rows import ModelRows
from deep_predictor.environment import Application
from deep_predictor.training.jobs import TrainingJobs


class ModelLibrary:
    def __init__(self, rows: ModelRows, options: LibraryOptions, application: Application, jobs: TrainingJobs) -> None:
        self._rows, self._options, self._application, self._jobs = rows, options, application, jobs

    def restore(self) -> None:
        """At start, before anything is loaded: add the published predictors to their environments."""
