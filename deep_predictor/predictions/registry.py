"""Loads the predictors of all environments at start: in parallel, the port open meanwhile, a shared network once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue

from deep_predictor.engines.base import Engine
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.room import EngineRoom
from deep_predictor.errors import BackendNotReady, PredictionError
from deep_predictor.predictions.predictor import Predictor

logger = logging.getLogger(__name__)

#: A load that takes longer does not hold up the next one: another thread goes on with it.
PATIENCE_SECONDS = 60.0


@dataclass
class _SharedEngine:
    lock: threading.Lock = field(default_factory=threading.Lock)
    engine: Engine | None = None


class Registry:
    """Owns the loading threads and every loaded engine."""

    def __init__(self, predictors: Sequence[Predictor], room: EngineRoom) -> None:
        self._predictors = list(predictors)
        self._room = room
        self._engines: dict[NetworkRequest, _SharedEngine] = {}
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._to_load: SimpleQueue[Predictor] = SimpleQueue()

    def start(self) -> None:
        """Run each engine's first inference here, in the main thread, then load everything on threads."""
        self._start_engines()
        for predictor in sorted(self._predictors, key=lambda p: not p.required):
            self._to_load.put(predictor)
        for _ in range(min(len(self._predictors), max(2, self._room.settings.cores))):
            self._add_loader()

    def wait_until_loaded(self, timeout_seconds: float) -> bool:
        """Wait for the loading threads; False when that took longer."""
        for thread in self._threads:
            thread.join(timeout_seconds)
        return not any(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """Close every engine; predictors are not used after it."""
        self._stopping.set()
        with self._lock:
            shared, self._engines = list(self._engines.values()), {}
        for entry in shared:
            if entry.engine:
                entry.engine.close()

    def load_engine(self, request: NetworkRequest) -> Engine:
        """The engine of a model, loaded at its first use and shared by every predictor that asks for the same."""
        key = replace(request, model_path=request.model_path.resolve())
        with self._lock:
            entry = self._engines.setdefault(key, _SharedEngine())
        with entry.lock:
            if entry.engine is None:
                entry.engine = self._room.open(request)
            return entry.engine

    def _start_engines(self) -> None:
        for predictor in self._predictors:
            request = predictor.backend.request if predictor.is_configured else None
            if request is None:
                continue
            try:
                self._room.start_for(request)
            except PredictionError as error:
                predictor.fail(error)
            except Exception as error:  # a broken library fails its predictors, never the server
                logger.exception("predictor %s: its engine cannot be started", predictor.name)
                message = f"its engine cannot be started: {type(error).__name__}: {error}"
                predictor.fail(BackendNotReady(message, "library_broken"))

    def _add_loader(self) -> None:
        thread = threading.Thread(target=self._load_all, name=f"loading {len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _load_all(self) -> None:
        """Load one predictor after the other; one that takes very long gets a thread of its own to itself."""
        while not self._stopping.is_set():
            try:
                predictor = self._to_load.get_nowait()
            except Empty:
                return
            patience = threading.Timer(PATIENCE_SECONDS, self._add_loader)
            patience.daemon = True
            patience.start()
            try:
                predictor.load(self.load_engine)
            finally:
                patience.cancel()
