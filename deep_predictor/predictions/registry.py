"""Loads predictors, those of the cfg at start and published ones later, and closes the engines that nobody uses."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from queue import Empty, SimpleQueue

from deep_predictor.engines.base import Engine
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.room import EngineRoom
from deep_predictor.errors import BackendNotReady, PredictionError
from deep_predictor.predictions.predictor import Predictor

logger = logging.getLogger(__name__)

#: A load that takes longer does not hold up the next one: another thread goes on with it.
PATIENCE_SECONDS = 60.0


@dataclass(eq=False)
class _SharedEngine:
    """An engine, and the predictors that asked for it; `opening` is held while it is opened."""

    opening: threading.Lock = field(default_factory=threading.Lock)
    engine: Engine | None = None
    users: set[Predictor] = field(default_factory=set)


class Registry:
    """Owns the loading threads and every loaded engine."""

    def __init__(self, predictors: Sequence[Predictor], room: EngineRoom) -> None:
        self._predictors = list(predictors)
        self._has_started = False
        self._room = room
        self._lock = threading.Lock()
        #: Wakes who waits for a predictor to be loaded or gone.
        self._changed = threading.Condition(self._lock)
        self._engines: dict[NetworkRequest, _SharedEngine] = {}
        self._loaded: set[Predictor] = set()
        self._retiring: set[Predictor] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._to_load: SimpleQueue[Predictor] = SimpleQueue()

    def add(self, predictor: Predictor) -> None:
        """One more to load: by `start`, and after it at once, on a thread of its own. Nobody waits for it."""
        with self._lock:
            if not self._has_started:
                self._predictors.append(predictor)
                return
            self._start_loading(predictor)

    def start(self) -> None:
        """Run each engine's first inference here, in the main thread, then load everything on threads."""
        with self._lock:
            self._has_started = True
        self._start_engines()
        for predictor in sorted(self._predictors, key=lambda p: not p.required):
            self._to_load.put(predictor)
        for _ in range(min(len(self._predictors), max(2, self._room.settings.cores))):
            self._add_loader()

    def wait_until_loaded(self, timeout_seconds: float) -> bool:
        """Wait for the loading threads; False when that took longer."""
        with self._lock:  # who holds it may be about to start one
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout_seconds)
        return not any(thread.is_alive() for thread in threads)

    def load_now(self, predictor: Predictor, timeout_seconds: float) -> bool:
        """Load one more predictor, on a thread of its own; it is ready or failed then.

        False when that takes longer, or the server stops: then it is retired, and goes as soon as it is loaded.
        """
        with self._changed:
            self._start_loading(predictor)
            self._changed.wait_for(lambda: predictor.has_loaded or self._stopping.is_set(), timeout_seconds)
            is_loaded = predictor.has_loaded and not self._stopping.is_set()
        if not is_loaded:
            self.retire(predictor)
        return is_loaded

    def retire(self, predictor: Predictor) -> None:
        """Have a predictor that nobody finds any more end what it has accepted; then its engine is closed.

        Returns at once; what comes to the predictor meanwhile is sent elsewhere, see `PredictionQueue.reserve`.
        """
        predictor.queue.retire()
        with self._lock:
            self._retiring.add(predictor)
        threading.Thread(
            target=self._see_off, args=(predictor,), name=f"retiring {predictor.name}", daemon=True
        ).start()

    def at_work(self) -> set[Predictor]:
        """Those that are loaded or retiring, whether or not somebody finds them by a name."""
        with self._lock:
            return self._loaded | self._retiring

    def wait_until_retired(self, timeout_seconds: float) -> bool:
        """Wait until no retired predictor is left; False when that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._retiring, timeout_seconds)

    def open_engines(self) -> list[Engine]:
        """What is loaded at this moment."""
        with self._lock:
            return [entry.engine for entry in self._engines.values() if entry.engine]

    def close(self) -> None:
        """Close every engine; predictors are not used after it."""
        with self._changed:
            self._stopping.set()
            entries, self._engines = list(self._engines.values()), {}
            self._changed.notify_all()
        _close_all(entries)

    def _engine_for(self, predictor: Predictor, request: NetworkRequest) -> Engine:
        """The engine of a model, opened at its first use and shared by every predictor that asks for the same."""
        key = replace(request, model_path=request.model_path.resolve())
        with self._lock:
            self._refuse_when_stopping()
            entry = self._engines.setdefault(key, _SharedEngine())
            entry.users.add(predictor)  # from now on nobody else's retirement closes it
        with entry.opening:
            return entry.engine or self._keep(entry, self._room.open(request))

    def _keep(self, entry: _SharedEngine, engine: Engine) -> Engine:
        """Raises BackendNotReady when all engines were closed while this one was opened."""
        try:
            with self._lock:
                self._refuse_when_stopping()
                entry.engine = engine
        except BaseException:
            engine.close()
            raise
        return engine

    def _refuse_when_stopping(self) -> None:
        if self._stopping.is_set():
            raise BackendNotReady("the server stops", code="stopping")

    def _see_off(self, predictor: Predictor) -> None:
        """Its queue first: only then nobody is inside the engine, and nothing that was accepted is lost."""
        with self._changed:
            self._changed.wait_for(lambda: predictor.has_loaded or self._stopping.is_set())
        if predictor.queue.end_retired():
            predictor.close()
            self._release(predictor)
            gc.collect()  # networks are full of circles, and what is left of one may be a gigabyte
            logger.info("predictor %s: an earlier version is gone", predictor.name)
        with self._changed:
            self._retiring.discard(predictor)
            self._changed.notify_all()

    def _release(self, predictor: Predictor) -> None:
        """Close the engines that no other predictor uses."""
        unused = []
        with self._lock:
            self._loaded.discard(predictor)
            for key, entry in list(self._engines.items()):
                if predictor in entry.users:
                    entry.users.discard(predictor)
                    if not entry.users:
                        unused.append(self._engines.pop(key))
        _close_all(unused)

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

    def _start_loading(self, predictor: Predictor) -> None:
        """Called with the lock held."""
        thread = threading.Thread(target=self._load, args=(predictor,), name=f"loading {predictor.name}", daemon=True)
        self._threads = [*(other for other in self._threads if other.is_alive()), thread]
        thread.start()

    def _add_loader(self) -> None:
        with self._lock:
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
                self._load(predictor)
            finally:
                patience.cancel()

    def _load(self, predictor: Predictor) -> None:
        try:
            predictor.load(partial(self._engine_for, predictor))
        finally:
            with self._changed:
                predictor.has_loaded = True
                self._loaded.add(predictor)
                self._changed.notify_all()


def _close_all(entries: Sequence[_SharedEngine]) -> None:
    for entry in entries:
        if entry.engine:
            entry.engine.close()
