"""A named, configured model that users choose: its state, its backend, its queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Literal

from deep_predictor.backends.base import Backend, EngineLoader
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import (
    PredictorConfig,
    PredictorOptions,
    readable_main_folder,
    readable_options,
)
from deep_predictor.engines.verdict import Verdict
from deep_predictor.errors import BackendNotReady, ConfigError, PredictionError, PredictionTimedOut, UnsafeModel
from deep_predictor.os_limits import usable_cores
from deep_predictor.predictions import running
from deep_predictor.predictions.housekeeping import Housekeeper
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.queue import PredictionQueue
from deep_predictor.predictions.queue_settings import QueueActions, QueueSettings
from deep_predictor.predictions.run_gate import RunGate

logger = logging.getLogger(__name__)

PredictorState = Literal["loading", "ready", "failed"]
#: Reads a predictor's cfg. Raises ConfigError.
ConfigLoader = Callable[[], PredictorConfig]


class Predictor:
    """Made from its cfg at once, loaded later by the registry. A wrong cfg makes it `failed`, and nothing else.

    `failure` is the error that ends every prediction while the state is `failed`.
    """

    def __init__(self, name: str, load_config: ConfigLoader, gate: RunGate, stopping: threading.Event) -> None:
        self.name = name
        self.stopping = stopping
        self.model_info: dict[str, Any] = {}
        self.model_id = 0
        self.options = PredictorOptions()
        self.state: PredictorState = "loading"
        self.failure: PredictionError | None = None
        #: Whether its load has come to an end, well or not; said by the registry.
        self.has_loaded = False
        self._backend: Backend | None = None
        self._state_lock = threading.Lock()
        #: Holds the class folders; None when the cfg does not say where.
        self.main_folder: Path | None = None
        self._housekeeper: Housekeeper | None = None
        try:
            self._configure(load_config())
        except ConfigError as error:
            self.fail(BackendNotReady(str(error), code="config"))
        except PredictionError as error:
            self.fail(error)
        self.queue = PredictionQueue(
            QueueSettings(
                name,
                self.options.queue_size,
                self.options.timeout_seconds,
                max_delay_seconds=self.options.max_delay_ms / 1000,
            ),
            QueueActions(running.run, self._time_out, self._give_up, running.note_start),
            gate,
        )

    @property
    def backend(self) -> Backend:
        """Raises BackendNotReady unless the cfg was read."""
        if self._backend is None:
            raise BackendNotReady(f"predictor {self.name} has no backend")
        return self._backend

    @property
    def is_configured(self) -> bool:
        return self._backend is not None and self.state != "failed"

    @property
    def required(self) -> bool:
        """Whether readiness waits for this predictor."""
        return self.options.required

    @property
    def reason_code(self) -> str | None:
        """A public word for why it failed; None while it did not."""
        return self.failure.code if self.failure else None

    @property
    def task(self) -> str | None:
        return self._backend.task if self._backend else None

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._backend.class_names if self._backend else ()

    @property
    def background_index(self) -> int | None:
        """The class of a segmentation that is nothing; None where there is none."""
        return getattr(self.options, "background_index", None)

    @property
    def input_size(self) -> tuple[int, int] | None:
        """(width, height) in pixels."""
        return self._backend.input_size if self._backend else None

    @property
    def engine_name(self) -> str | None:
        """What runs its network; None without one, or until it is loaded."""
        engine = self._backend.engine if self._backend else None
        return engine.name if engine else None

    @property
    def verdict(self) -> Verdict | None:
        """Why its engine runs it; None where nothing was measured."""
        engine = self._backend.engine if self._backend else None
        return engine.verdict if engine else None

    @property
    def smallest_decoded(self) -> tuple[int, int] | None:
        """(width, height) in pixels that a decoded picture must have at least; None: all of them."""
        return self._backend.smallest_decoded if self._backend else None

    def load(self, load_engine: EngineLoader) -> None:
        """Load the network and become ready or failed; then the workers start, to predict or to end what waits."""
        try:
            if self.is_configured:
                self.backend.load(load_engine)
        except PredictionError as error:
            self.fail(error)
        except UnsafeModel as error:
            self.fail(BackendNotReady(str(error), code="model_unsafe"))
        except Exception as error:  # a load must end in a known state; one bad model never takes the others down
            logger.exception("predictor %s: loading raised", self.name)
            self.fail(BackendNotReady(f"{type(error).__name__}: {error}", code="load_failed"))
        with self._state_lock:
            if self.state == "loading":
                self.state = "ready"
                logger.info("predictor %s: ready", self.name)
        self.queue.start(*self._shares())

    def _shares(self) -> tuple[int, int]:
        """(workers, largest batch): what the cfg says, else what its engine takes.

        One worker more than the engine runs at a time: it decodes the next picture and hands out the last answer
        meanwhile. But not where each run has a core of its own: there it would only take one from a run.
        """
        engine = self._backend.engine if self._backend and self.state == "ready" else None
        workers = 1
        if engine:
            has_own_cores = not engine.settings.on_gpu and engine.settings.requests >= usable_cores()
            workers = engine.settings.requests + (0 if has_own_cores else 1)
        batch_size = engine.settings.batch_size if engine else 1
        return self.options.workers or workers, self.options.max_batch_size or batch_size

    def fail(self, error: PredictionError) -> None:
        """From now on every prediction ends with this error's status, until a restart."""
        with self._state_lock:
            self.state, self.failure = "failed", error
        logger.error("predictor %s: failed (%d, %s): %s", self.name, error.status, error.code, error)

    def close(self) -> None:
        """Forget the network; called once, when the queue has ended."""
        if self._backend:
            self._backend.close()

    def keep_house(self, keep: Callable[[], Collection[Path]]) -> None:
        """Apply `keep_days` and `max_disk_mb` to the predictor's folder, now and then; files that `keep` names stay."""
        if self._housekeeper:
            self._housekeeper.run(keep)

    def _configure(self, config: PredictorConfig) -> None:
        self.model_info = config.model_info
        self.model_id = config.model_id
        self.options = readable_options(config)
        self.main_folder = readable_main_folder(config)
        self._backend = create_backend(config)
        self.options = self._backend.options
        if self.main_folder:
            self._housekeeper = Housekeeper(self.main_folder, self.options.keep_days, self.options.max_disk_mb)

    def _time_out(self, job: Job) -> None:
        running.fail(job, PredictionTimedOut(self.options.timeout_seconds))

    def _give_up(self) -> None:
        self.fail(BackendNotReady("its workers got stuck three times", code="stuck"))
