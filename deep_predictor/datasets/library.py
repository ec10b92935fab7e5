"""The data sets that the server keeps: rows in the database, pictures in a folder a set."""

from __future__ import annotations

from pathlib import Path

from deep_predictor.config.management_options import LibraryOptions
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.training.jobs import TrainingJobs


class DatasetLibrary:
    def __init__(self, rows: DatasetRows, options: LibraryOptions, root: Path, jobs: TrainingJobs) -> None:
        self._rows, self._options, self._root, self._jobs = rows, options, root, jobs
