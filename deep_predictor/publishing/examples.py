"""Examples: trainings that the main config offers. Whoever may train starts one; its model is served when it is done.

Nothing is kept of them: how one stands is in the jobs and the publications.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deep_predictor.config.management_options import ExampleOptions
from deep_predictor.config.strict import get_section, read_json_object, shown_path
from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.errors import ConfigError, NotFound, StateConflict
from deep_predictor.predictions.predictor import PredictorState
from deep_predictor.publishing.library import ModelLibrary
from deep_predictor.training.jobs import TrainingJobs

logger = logging.getLogger(__name__)

#: offered → waiting → training → loading → served; `failed`: the training did, or what came of it cannot be loaded.
ExampleState = Literal["offered", "waiting", "training", "failed", "loading", "served"]
_KIND = "train"
_ENVIRONMENT = "production"
_SECTION = "training_options"
#: A cancelled training is offered again, and so is the model of a done one that is published no more.
_STATES: Mapping[JobState, ExampleState] = {
    JobState.QUEUED: "waiting",
    JobState.RUNNING: "training",
    JobState.FAILED: "failed",
}
_IN_WORDS: Mapping[ExampleState, str] = {
    "waiting": "waits for its turn",
    "training": "is being trained",
    "loading": "is being loaded",
    "served": "is served already",
}


@dataclass(frozen=True)
class Example:
    """One as it stands now. `job`: its newest training."""

    predictor_name: str
    title: str
    description: str
    state: ExampleState
    job: TrainingJob | None


class Examples:
    """Usable from any thread. Methods may raise DatabaseBusy."""

    def __init__(
        self, jobs: TrainingJobs, library: ModelLibrary, options: Sequence[ExampleOptions], root: Path
    ) -> None:
        self._jobs, self._library, self._options, self._root = jobs, library, options, root
        self._starting = threading.Lock()
        jobs.take_in[_KIND] = self._take_in

    def all(self) -> list[Example]:
        """In the cfg's order."""
        return [self._as_it_stands(options) for options in self._options]

    def start(self, predictor_name: str, created_by: int | None) -> TrainingJob:
        """Queue the training of an example, by its cfg file as it is now.

        Raises NotFound, StateConflict where that waits, runs or is served already, ConfigError for the file.
        """
        options = next((one for one in self._options if one.predictor_name == predictor_name), None)
        if options is None:
            raise NotFound("example", predictor_name)
        with self._starting:
            example = self._as_it_stands(options)
            if example.state in _IN_WORDS:
                raise StateConflict(f"example_{example.state}", f"{predictor_name!r} {_IN_WORDS[example.state]}")
            cfg = self._cfg_of(options)
            return self._jobs.get(self._jobs.start(cfg, _KIND, predictor_name, created_by=created_by))

    def _as_it_stands(self, options: ExampleOptions) -> Example:
        name = options.predictor_name
        job = next((job for job in self._jobs.named(_KIND, name) if self._is_of(job, options)), None)
        return Example(name, options.title, options.description, _state(self._published_state(name), job), job)

    def _published_state(self, name: str) -> PredictorState | None:
        """None where nothing is published under the name."""
        publisher = self._library.publisher
        try:
            return publisher.state_of(publisher.find(_ENVIRONMENT, name))
        except NotFound:
            return None

    def _take_in(self, job: TrainingJob) -> None:
        """As the library does; the model of an example is published at once. May be called again. Raises OSError."""
        model = self._library.take_in(job)
        options = next((one for one in self._options if self._is_of(job, one)), None)
        if options and model:
            self._library.publisher.publish_soon(model.id, _ENVIRONMENT, options.predictor_name, job.created_by)

    def _is_of(self, job: TrainingJob, options: ExampleOptions) -> bool:
        """Whether a job is a training of an example: by its name, and what it is trained on, which no client names."""
        if job.name != options.predictor_name:
            return False
        try:
            return _dataset_options(job.cfg) == _dataset_options(read_json_object(options.cfg_path, self._root))
        except ConfigError as error:
            logger.warning("example %s: %s", options.predictor_name, error)
            return False

    def _cfg_of(self, options: ExampleOptions) -> dict[str, Any]:
        """The cfg file's content without folders of its own. Raises ConfigError."""
        whole = read_json_object(options.cfg_path, self._root)
        file = shown_path(options.cfg_path, self._root)
        section = dict(get_section(whole, _SECTION, file))
        section.pop("output_folder", None)
        serving = get_section(section, "serving_options", file, _SECTION)
        pictures = self._library.folders.pictures(_ENVIRONMENT, options.predictor_name)
        section["serving_options"] = {**serving, "predictions_main_folder": str(pictures)}
        return {**whole, _SECTION: section}


def _state(published: PredictorState | None, job: TrainingJob | None) -> ExampleState:
    if published == "ready":
        return "served"
    if published == "loading":
        return "loading"
    found = _STATES.get(job.state, "offered") if job else "offered"
    return "failed" if published == "failed" and found == "offered" else found


def _dataset_options(cfg: Mapping[str, Any]) -> Any:
    section = cfg.get(_SECTION)
    return section.get("dataset_options") if isinstance(section, Mapping) else None
