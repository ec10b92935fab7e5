"""Publishing: a model of the library becomes a predictor, without a restart and without a request that fails.

The row is written when the new predictor is ready, and before it takes the name: whenever the server stops, the next
start serves what the newest row says. Whatever goes wrong before that row, nothing has changed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from deep_predictor.db.model_rows import ModelRecord, ModelRows, ModelState, PublicationRecord
from deep_predictor.environment import Application, Environment
from deep_predictor.errors import NameTaken, NotFound, StateConflict
from deep_predictor.predictions.predictor import Predictor, PredictorState
from deep_predictor.publishing.model_folders import ModelFolders

logger = logging.getLogger(__name__)

#: Measuring the engines of a model that was never served takes a while.
PUBLISH_SECONDS = 900.0
#: One model is published at a time; who comes meanwhile waits so long for it.
PATIENCE_SECONDS = 60.0


class Publisher:
    """The published predictors of both environments."""

    def __init__(self, rows: ModelRows, folders: ModelFolders, application: Application) -> None:
        self._rows, self._folders, self._application = rows, folders, application
        self._one_at_a_time = threading.Lock()
        #: Held while a row is written and the name given that it speaks of; and while a model is deleted.
        self.naming = threading.Lock()

    def restore(self) -> None:
        """At start, before anything is loaded: add the published predictors to their environments."""
        for publication in self._rows.publications():
            environment = self.environment(publication.environment)
            model = self._rows.find(publication.model_id or 0)
            if environment.is_in_cfg(publication.predictor_name):
                logger.warning("predictor %s is the cfg's: what is published is not served", publication.predictor_name)
            elif model is None:
                logger.error("predictor %s: its model %s is gone", publication.predictor_name, publication.model_id)
            else:
                predictor = self._make(environment, publication.predictor_name, model)
                environment.serve(predictor)
                self._application.registry.add(predictor)

    def environment(self, name: str) -> Environment:
        """Raises NotFound."""
        for environment in self._application.environments:
            if environment.name == name:
                return environment
        raise NotFound("environment", name)

    def publish(
        self, model_id: int, environment_name: str, predictor_name: str, user_id: int | None
    ) -> PublicationRecord:
        """Serve a model under a name, in the place of what was served there; when this returns, it is.

        Raises NotFound, NameTaken for a predictor of the cfg, and StateConflict with the public code of what is in the
        way: then everything is as it was.
        """
        with self.held():
            return self._publish(model_id, environment_name, predictor_name, user_id)

    def publish_soon(
        self, model_id: int, environment_name: str, predictor_name: str, user_id: int | None
    ) -> PublicationRecord | None:
        """Give a model the name now, and load it in the background: until then its predictor is `loading`.

        None where the model had the name before: then nothing is done, also when it has it no more. Raises NotFound.
        """
        environment = self.environment(environment_name)
        with self.naming:
            model = self._rows.get(model_id)
            if any(one.model_id == model_id for one in self._rows.history(environment_name, predictor_name)):
                return None
            predictor = self._make(environment, predictor_name, model)
            publication = self._give_name(environment, predictor, model, user_id)
        self._application.registry.add(predictor)
        return publication

    def roll_back(self, environment_name: str, predictor_name: str, user_id: int | None) -> PublicationRecord:
        """Serve what was published before the model that is served now. Raises as `publish` does."""
        with self.held():
            self.find(environment_name, predictor_name)
            earlier = self._earlier_models(environment_name, predictor_name)
            if not earlier:
                raise StateConflict("nothing_before", f"nothing was published as {predictor_name!r} before this model")
            return self._publish(earlier[-1], environment_name, predictor_name, user_id)

    def unpublish(self, environment_name: str, predictor_name: str, user_id: int | None) -> None:
        """Serve the name no more; what its predictor has accepted ends as always. Raises NotFound, StateConflict."""
        with self.held():
            self.find(environment_name, predictor_name)
            environment = self.environment(environment_name)
            with self.naming:
                self._rows.publish(environment_name, predictor_name, None, user_id)
                earlier = None if environment.is_in_cfg(predictor_name) else environment.withdraw(predictor_name)
            if earlier:
                self._application.registry.retire(earlier)
            logger.info("predictor %s of %s is unpublished", predictor_name, environment_name)

    def published(self) -> Sequence[PublicationRecord]:
        """What is published now, oldest first."""
        return self._rows.publications()

    def earlier_model(self, publication: PublicationRecord) -> int | None:
        """What going back would serve; None where nothing was published before."""
        earlier = self._earlier_models(publication.environment, publication.predictor_name)
        return earlier[-1] if earlier else None

    def state_of(self, publication: PublicationRecord) -> PredictorState | None:
        """Of its predictor; None where the cfg has one of this name, which goes before it."""
        environment = self.environment(publication.environment)
        predictor = environment.predictors.get(publication.predictor_name)
        return predictor.state if predictor and not environment.is_in_cfg(predictor.name) else None

    def find(self, environment_name: str, predictor_name: str) -> PublicationRecord:
        """What is published under a name. Raises NotFound."""
        if not predictor_name.isprintable():  # not every database can be asked for it
            raise NotFound("publication", predictor_name)
        history = self._rows.history(environment_name, predictor_name, 1)
        if not history or history[-1].model_id is None:
            raise NotFound("publication", predictor_name)
        return history[-1]

    def find_predictor(self, model_id: int) -> tuple[Environment, Predictor] | None:
        """A predictor that serves a model, production's first; None where none does."""
        found = [publication for publication in self._rows.publications() if publication.model_id == model_id]
        for publication in sorted(found, key=lambda one: one.environment):
            environment = self.environment(publication.environment)
            predictor = environment.predictors.get(publication.predictor_name)
            if predictor and not environment.is_in_cfg(predictor.name):
                return environment, predictor
        return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside the block nothing is published or deleted by others. Raises StateConflict when that takes too long."""
        if not self._one_at_a_time.acquire(timeout=PATIENCE_SECONDS):
            raise StateConflict("publishing", "another model is being published; try again when that has ended")
        try:
            yield
        finally:
            self._one_at_a_time.release()

    def _publish(
        self, model_id: int, environment_name: str, predictor_name: str, user_id: int | None
    ) -> PublicationRecord:
        environment, model = self.environment(environment_name), self._rows.get(model_id)
        if environment.is_in_cfg(predictor_name):
            raise NameTaken("predictor", predictor_name)
        if model.state != ModelState.READY:
            raise StateConflict("model_not_ready", f"model {model.id} is {model.state}")
        predictor = self._load(self._make(environment, predictor_name, model))
        try:
            with self.naming:
                return self._give_name(environment, predictor, model, user_id)
        except BaseException:
            self._application.registry.retire(predictor)
            raise

    def _give_name(
        self, environment: Environment, predictor: Predictor, model: ModelRecord, user_id: int | None
    ) -> PublicationRecord:
        """Called with `naming` held."""
        publication = self._rows.publish(environment.name, predictor.name, model.id, user_id)
        earlier = environment.serve(predictor)
        if earlier:
            self._application.registry.retire(earlier)
        logger.info("model %d is published as %s in %s", model.id, predictor.name, environment.name)
        return publication

    def _load(self, predictor: Predictor) -> Predictor:
        """Ready, or StateConflict is raised and the predictor goes again."""
        registry = self._application.registry
        if not registry.load_now(predictor, PUBLISH_SECONDS):
            if self._application.stopping.is_set():
                raise StateConflict("stopping", "the server stops")
            raise StateConflict("load_timed_out", f"the model was not ready within {PUBLISH_SECONDS:g} s")
        if predictor.state != "ready":
            registry.retire(predictor)
            code = predictor.reason_code or "backend_not_ready"
            raise StateConflict(code, f"the model cannot become ready ({code}); the server's log says more")
        return predictor

    def _make(self, environment: Environment, predictor_name: str, model: ModelRecord) -> Predictor:
        pictures = self._folders.pictures(environment.name, predictor_name)
        load_config = partial(self._folders.served_config, model, pictures)
        return Predictor(predictor_name, load_config, self._application.run_gate, self._application.stopping)

    def _earlier_models(self, environment_name: str, predictor_name: str) -> list[int]:
        """What could be gone back to, the nearest last. Going back takes a model off the pile, it puts none on it."""
        pile: list[int] = []
        for publication in self._rows.history(environment_name, predictor_name):
            if publication.model_id is None:
                pile = []
            elif pile[-2:-1] == [publication.model_id]:
                pile.pop()
            elif pile[-1:] != [publication.model_id]:
                pile.append(publication.model_id)
        return pile[:-1]
