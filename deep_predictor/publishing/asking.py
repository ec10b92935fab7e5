"""Asking a model of the library that may not be published: a predictor without a name, loaded when it is asked."""

from __future__ import annotations

import threading

from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import PredictorConfig
from deep_predictor.db.model_rows import ModelRecord
from deep_predictor.engines.table import reference_of
from deep_predictor.environment import Application, Environment
from deep_predictor.errors import StateConflict, TooManyWaiting
from deep_predictor.predictions.asking import outcome_of
from deep_predictor.predictions.job import Job, Outcome
from deep_predictor.predictions.predictor import Predictor
from deep_predictor.predictions.submitting import submit_picture
from deep_predictor.publishing.model_folders import ModelFolders
from deep_predictor.publishing.publisher import Publisher

LOAD_SECONDS = 120.0
#: So many requests at most may wait for a model that is not published.
_SLOT_NAME = "models of the library"


class ModelAsker:
    """The model that was asked last stays loaded; a published one is asked where it is."""

    def __init__(self, folders: ModelFolders, application: Application, publisher: Publisher) -> None:
        self._folders, self._application, self._publisher = folders, application, publisher
        self._loaded: tuple[tuple[int, float], Predictor] | None = None
        self._loading = threading.Lock()

    def ask(self, model: ModelRecord, image_bytes: bytes) -> Outcome:
        """How it ended: always well.

        Raises ImageUnreadable, QueueFull, TooManyWaiting, StateConflict when the model cannot be loaded, or raises.
        """
        with self._application.wait_slots.hold(_SLOT_NAME) as granted:
            if not granted:
                raise TooManyWaiting
            return outcome_of(self._submitted(model, image_bytes), self._application.stopping)

    def forget(self, model: ModelRecord) -> None:
        """Close it, if it is the one that is loaded."""
        with self._loading:
            if self._loaded and self._loaded[0] == _key(model):
                self._application.registry.retire(self._loaded[1])
                self._loaded = None

    def _submitted(self, model: ModelRecord, image_bytes: bytes) -> Job:
        while True:
            environment, predictor = self._publisher.find_predictor(model.id) or self._own(model)
            job = submit_picture(environment, predictor, image_bytes)
            if job:  # else another one has taken its place meanwhile
                return job

    def _own(self, model: ModelRecord) -> tuple[Environment, Predictor]:
        production, registry = self._application.production, self._application.registry
        with self._loading:
            if self._loaded and self._loaded[0] == _key(model) and self._loaded[1].state == "ready":
                return production, self._loaded[1]
            predictor = self._make(model)
            if not registry.load_now(predictor, LOAD_SECONDS):
                raise StateConflict("load_timed_out", f"model {model.id} was not ready within {LOAD_SECONDS:g} s")
            if predictor.state != "ready":
                registry.retire(predictor)
                raise StateConflict(predictor.reason_code or "backend_not_ready", f"model {model.id} cannot be loaded")
            if self._loaded:
                registry.retire(self._loaded[1])
            self._loaded = (_key(model), predictor)
        return production, predictor

    def _make(self, model: ModelRecord) -> Predictor:
        """By the reference engine: measuring the others would take longer than all that is asked here."""
        name = f"model {model.id}"
        pictures = self._folders.pictures("none", name)

        def load() -> PredictorConfig:
            request = create_backend(self._folders.served_config(model, pictures)).request
            options = {"engine": reference_of(request)} if request else {}
            return self._folders.served_config(model, pictures, options)

        return Predictor(name, load, self._application.run_gate, self._application.stopping)


def _key(model: ModelRecord) -> tuple[int, float]:
    """A number may be given again when a model is gone."""
    return model.id, model.created_at
