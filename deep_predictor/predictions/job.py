"""One prediction on its way: who decides how it ends, and who waits for that."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.errors import PredictionIdUsed
from deep_predictor.predictions.pixel_budget import PixelBudget
from deep_predictor.results import PredictionStatus, ResultItem

if TYPE_CHECKING:
    from deep_predictor.environment import Environment
    from deep_predictor.predictions.predictor import Predictor


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a prediction ended. `items` is None unless the status is DONE; `seconds` counts from its acceptance."""

    status: PredictionStatus
    items: tuple[ResultItem, ...] | None
    seconds: float
    reason_code: str | None
    finished_at: int


@dataclass
class VideoProgress:
    """How far a video is: frames that were read, and the share of its file that they are."""

    frames_done: int = 0
    share: float = 0.0


class Job:
    """A prediction that was accepted and is not final yet.

    Several parties may want to end it (its worker, the watchdog, a cancelling client); the first to `claim` it does,
    the others drop what they have.
    """

    def __init__(
        self,
        prediction_id: str,
        predictor: Predictor,
        environment: Environment,
        *,
        image_path: Path | None = None,
        pixels: np.ndarray | None = None,
        alone: bool = False,
    ) -> None:
        self.prediction_id = prediction_id
        self.predictor = predictor
        self.environment = environment
        #: Where the upload lies; None for a prediction that is stored nowhere (`store=0`), or not yet.
        self.image_path = image_path
        #: RGB uint8 (H, W, 3); None when the picture is to be read from its file again.
        self.pixels = pixels
        #: The upload itself, where it is not stored, or not yet.
        self.image_bytes: bytes | None = None
        #: The extension under which it is to be stored with its answer; None where it is stored already, or nowhere.
        self.keep_as: str | None = None
        #: Held by who stores it.
        self.storing = threading.Lock()
        #: Why there is no prediction after all, where a worker was the first to look at the upload.
        self.refusal: Exception | None = None
        #: Whether no other prediction may run beside it: it was running when the process last died.
        self.alone = alone
        #: Of a video; None for a picture.
        self.progress: VideoProgress | None = None
        self.accepted_at = time.monotonic()
        #: Seconds since 1970.
        self.accepted_time = time.time()
        self.outcome: Outcome | None = None
        #: Its row as it was written at the end; None while it is not final, or when its row was deleted or not written.
        self.record: PredictionRecord | None = None
        self._claimed = False
        #: Whether its own worker ends it at this moment; any other claim leaves the worker to the watchdog.
        self.is_ending_in_worker = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._final = threading.Event()
        self._calls: list[Callable[[], object]] = []
        self._budget: PixelBudget | None = None

    @property
    def store(self) -> bool:
        return self.image_path is not None

    @property
    def is_kept(self) -> bool:
        """Whether it is stored, or will be with its answer."""
        return self.image_path is not None or self.keep_as is not None

    @property
    def is_claimed(self) -> bool:
        return self._claimed

    def claim(self, by_worker: bool = False) -> bool:
        """True for the first caller, who then must call `end`; False for everyone after it.

        Who stores it at this moment comes first: from here on it is stored or not.
        """
        with self._lock:
            if self._claimed:
                return False
            self._claimed = True
            self.is_ending_in_worker = by_worker
        with self.storing:
            return True

    def refuse(self, error: Exception) -> None:
        """Nothing is kept of it; whoever waits for the answer gets this error. Its end comes next."""
        error.__context__ = None  # it would keep the upload alive, as its traceback would
        self.refusal, self.keep_as = error.with_traceback(None), None

    def keep_pixels_within(self, budget: PixelBudget) -> None:
        """Hold the decoded picture until the end if the budget allows; else drop it, the file is there."""
        if self.pixels is None:
            return
        if budget.take(self.pixels.nbytes):
            self._budget = budget
        else:
            self.pixels = None

    def end(self, outcome: Outcome | None) -> None:
        """Publish the outcome (None: it was cancelled) and wake everyone who waits. Called once, by who claimed it."""
        self.outcome = outcome
        if self._budget and self.pixels is not None:
            self._budget.give_back(self.pixels.nbytes)
        self.pixels = self.image_bytes = None
        self._final.set()
        self._wake()

    def wait(self, seconds: float) -> bool:
        """Wait until the prediction is final; False when the time is over or the server stops first."""
        self._ended.wait(seconds)
        return self.outcome is not None

    def when_ended(self, call: Callable[[], object]) -> bool:
        """Have it called once, by the thread that ends this job; False, and no call, when it has ended already."""
        with self._lock:
            if not self._ended.is_set():
                self._calls.append(call)
                return True
        return False

    def wait_until_final(self, seconds: float) -> bool:
        """As `wait`, also while the server stops."""
        self._final.wait(seconds)
        return self._final.is_set()

    def wake_waiters(self) -> None:
        """Let every `wait` return now, without an outcome."""
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            self._ended.set()
            calls, self._calls = self._calls, []
        for call in calls:
            try:
                call()
            except Exception:  # who ends a job goes on
                logger.exception("prediction %s: telling that it has ended raised", self.prediction_id)


class LiveJobs:
    """The predictions of one environment that this process accepted and has not ended."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def add(self, job: Job) -> None:
        """Raises PredictionIdUsed when a job of that id is under way."""
        with self._lock:
            if job.prediction_id in self._jobs:
                raise PredictionIdUsed(job.prediction_id)
            self._jobs[job.prediction_id] = job

    def discard(self, job: Job) -> None:
        with self._lock:
            if self._jobs.get(job.prediction_id) is job:
                del self._jobs[job.prediction_id]

    def find(self, prediction_id: str) -> Job | None:
        with self._lock:
            return self._jobs.get(prediction_id)

    def all(self) -> list[Job]:
        with self._lock:
            return list(self._jobs.values())

    def __len__(self) -> int:
        return len(self._jobs)
