"""Environment: one of production and test, with all that belongs to it. Application: both, and what they share."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deep_predictor.config.main_config import EnvironmentConfig, MainConfig
from deep_predictor.db.prediction_rows import PredictionRows
from deep_predictor.errors import UnknownPredictor
from deep_predictor.images.result_files import ResultFiles, apply_results_retention
from deep_predictor.images.storage import ImageStore
from deep_predictor.predictions.explanations import Explanations
from deep_predictor.predictions.housekeeping import Housekeeper
from deep_predictor.predictions.job import LiveJobs
from deep_predictor.predictions.pixel_budget import PixelBudget
from deep_predictor.predictions.predictor import Predictor
from deep_predictor.predictions.registry import Registry
from deep_predictor.predictions.run_gate import RunGate
from deep_predictor.predictions.video_queue import VideoQueue
from deep_predictor.predictions.waiting import WaitSlots

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A predictor as lists show it; what stands in form B of a cfg, or nothing."""

    name: str
    predictor: Predictor
    frontend_name: str = ""
    model_description: str = ""


@dataclass(eq=False)
class Environment:
    """The settings, predictors, rows and images of production or of test; neither sees the other's.

    `predictors` is replaced as a whole and never changed: who goes through it, or asks it twice, takes it once.
    """

    name: str
    root: Path
    config: EnvironmentConfig
    predictors: dict[str, Predictor]
    rows: PredictionRows
    images: ImageStore
    results: ResultFiles
    pixel_budget: PixelBudget
    #: Shared by both environments.
    videos: VideoQueue
    #: Tells this environment's database from others; no address, so that no password is in it.
    database_name: str = ""
    jobs: LiveJobs = field(default_factory=LiveJobs)

    def __post_init__(self) -> None:
        self._changing = threading.Lock()
        self._written = {entry.name: entry for entry in self.config.prediction_options.predictors}
        paths = self.config.path_options
        self._housekeeper = Housekeeper(paths.temp_save_path, paths.temp_keep_days, paths.temp_max_disk_mb)
        self._results_housekeeper = Housekeeper(
            self.results.folder, paths.results_keep_days, paths.results_max_disk_mb, apply_results_retention
        )

    @property
    def max_image_pixels(self) -> int:
        return int(self.config.upload_options.max_image_megapixels * 1_000_000)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every predictor of this moment: the cfg's in its order, then those that are published."""
        entries = []
        for name, predictor in self.predictors.items():
            written = self._written.get(name)
            shown = (written.frontend_name, written.model_description) if written else ("", "")
            entries.append(Entry(name, predictor, *shown))
        return tuple(entries)

    def is_in_cfg(self, name: str) -> bool:
        """Whether the cfg has a predictor of this name, which nothing can take the place of."""
        return name in self._written

    def serve(self, predictor: Predictor) -> Predictor | None:
        """From now on this predictor has its name; the one that had it, which is to be retired next."""
        with self._changing:
            earlier = self.predictors.get(predictor.name)
            self.predictors = {**self.predictors, predictor.name: predictor}
        return earlier

    def withdraw(self, name: str) -> Predictor | None:
        """From now on nobody has this name; the predictor that had it, which is to be retired next."""
        with self._changing:
            earlier = self.predictors.get(name)
            self.predictors = {key: value for key, value in self.predictors.items() if key != name}
        return earlier

    def get_predictor(self, name: str) -> Predictor:
        """Raises UnknownPredictor."""
        predictors = self.predictors
        try:
            return predictors[name]
        except KeyError:
            raise UnknownPredictor(name, list(predictors)) from None

    def keep_house(self) -> None:
        """Apply every retention, now and then; pictures that wait are never deleted."""
        self._housekeeper.run(self._waiting_images)
        self._results_housekeeper.run(self._unfinished_results)
        for predictor in self.predictors.values():
            predictor.keep_house(self._waiting_images)

    def _waiting_images(self) -> set[Path]:
        return {job.image_path for job in self.jobs.all() if job.image_path}

    def _unfinished_results(self) -> set[Path]:
        return {self.results.folder_of(job.prediction_id) for job in self.jobs.all()}

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until no prediction of this environment waits or runs; False when that took longer."""
        deadline = time.monotonic() + timeout_seconds
        return self.videos.drain(timeout_seconds) and all(
            p.queue.drain(max(0.0, deadline - time.monotonic())) for p in self.predictors.values()
        )


@dataclass(eq=False)
class Application:
    """What `app.extensions["deep_predictor"]` holds."""

    main_config: MainConfig
    production: Environment
    test: Environment
    registry: Registry
    wait_slots: WaitSlots
    run_gate: RunGate
    stopping: threading.Event
    explanations: Explanations = field(default_factory=Explanations)
    closers: list[Callable[[], None]] = field(default_factory=list)
    _closed: bool = False

    @property
    def environments(self) -> tuple[Environment, Environment]:
        return self.production, self.test

    def wake_waiters(self) -> None:
        """Let every waiting request answer now with what is known; the first step of stopping."""
        self.stopping.set()
        for environment in self.environments:
            for job in environment.jobs.all():
                job.wake_waiters()

    def close(self, grace_seconds: float = 10.0) -> None:
        """Stop: running predictions may finish within the grace period, waiting ones are taken up at the next start."""
        if self._closed:
            return
        self._closed = True
        self.wake_waiters()
        self.explanations.close()
        deadline = time.monotonic() + grace_seconds
        named = {predictor for environment in self.environments for predictor in environment.predictors.values()}
        self.production.videos.stop(deadline)
        for predictor in named | self.registry.at_work():
            predictor.queue.stop(deadline)
        left = sum(len(environment.jobs) for environment in self.environments)
        if left:
            logger.warning("stopped with %d predictions unfinished; they are taken up at the next start", left)
        self.registry.wait_until_loaded(max(0.0, deadline - time.monotonic()))
        self.registry.close()
        for closer in reversed(self.closers):
            closer()
