"""Heat maps of finished classifications: one after the other on a thread of their own, which ends when none is wanted.

Who wants one waits in a thread, or leaves a call. What was made stays as a result file beside the prediction.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.engines.explain_process import ExplainProcess
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.errors import DeepPredictorError, ImageNotStored, NotExplainable, TooManyWaiting
from deep_predictor.images.heat import decode_heat, encode_heat
from deep_predictor.images.result_files import heat_name
from deep_predictor.predictions.storing import decode_upload
from deep_predictor.results import PredictionStatus

if TYPE_CHECKING:
    from deep_predictor.db.prediction_rows import PredictionRecord
    from deep_predictor.environment import Environment
    from deep_predictor.predictions.predictor import Predictor

logger = logging.getLogger(__name__)

#: Explanations that wait for their turn; who wants one more is asked to come back.
MOST_WAITING = 16
#: The process with its model, and the thread, stay so long without work.
IDLE_SECONDS = 60.0
#: An ended explanation is remembered for those who wait for it.
REMEMBERED_SECONDS = 30.0
#: Kinds of networks whose layers nothing here can look into.
_CLOSED_KINDS = {"onnx": "an ONNX file", "torch": "a PyTorch file"}


@dataclass(frozen=True)
class Wanted:
    """What is to be explained: one class of one stored prediction, and where its picture lies."""

    environment: Environment
    predictor: Predictor
    prediction_id: str
    class_index: int
    image_path: Path

    @property
    def file_name(self) -> str:
        """Of the result file."""
        return heat_name(self.class_index)


def find_heat(wanted: Wanted) -> np.ndarray | None:
    """uint8 (height, width) of the network's input, where it was made before."""
    path = wanted.environment.results.find(wanted.prediction_id, wanted.file_name)
    try:
        return decode_heat(path.read_bytes()) if path else None
    except (OSError, ValueError):  # gone since it was looked up, or cut short by a full disk
        return None


def network_of(predictor: Predictor | None, record: PredictionRecord) -> NetworkRequest:
    """What a prediction was made with, if it can be explained. Raises NotExplainable, which says why it cannot."""
    if record.status != PredictionStatus.DONE:
        raise NotExplainable("only what is finished can be explained")
    if predictor is None or predictor.state != "ready":
        raise NotExplainable("its predictor is not there, or not ready", NotExplainable.FAILED)
    if record.result_kind == "video":
        raise NotExplainable("heat maps explain pictures, and this is a video")
    if predictor.task != "classification":
        raise NotExplainable(f"heat maps explain classifications, and this is a {predictor.task}")
    if predictor.model_info != record.model_info:
        raise NotExplainable("its predictor has another model by now")
    request = predictor.backend.request
    if request is None:
        raise NotExplainable("its predictor has no network")
    if request.kind in _CLOSED_KINDS or request.model_path.is_dir():
        what = _CLOSED_KINDS.get(request.kind, "a SavedModel")
        raise NotExplainable(f"heat maps need the layers of a Keras file (.keras or .h5), and its model is {what}")
    return request


class Explanation:
    """One that waits, runs or has ended. Usable from any thread."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.ended_at: float | None = None
        self._result: np.ndarray | DeepPredictorError | None = None
        self._calls: list[Callable[[], object]] = []
        self._changed = threading.Condition()

    def when_ended(self, call: Callable[[], object]) -> bool:
        """Have it called once, in another thread; False, and no call, when it has ended already."""
        with self._changed:
            if self.ended_at is None:
                self._calls.append(call)
            return self.ended_at is None

    def wait(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.ended_at is not None, seconds)

    def heat(self) -> np.ndarray:
        """uint8 (height, width) of the network's input. Raises what it ended with, TooManyWaiting while it runs."""
        result = self._result
        if result is None:
            raise TooManyWaiting
        if isinstance(result, DeepPredictorError):
            raise result
        return result

    def end(self, result: np.ndarray | DeepPredictorError) -> None:
        with self._changed:
            if self.ended_at is not None:
                return
            self._result, self.ended_at = result, time.monotonic()
            calls, self._calls = self._calls, []
            self._changed.notify_all()
        for call in calls:
            call()


class Explanations:
    """All of one application; `process` makes the heat maps."""

    def __init__(self, process: ExplainProcess | None = None, idle_seconds: float = IDLE_SECONDS) -> None:
        self._process, self._idle_seconds = process or ExplainProcess(), idle_seconds
        self._changed = threading.Condition()
        self._known: dict[tuple[Any, ...], Explanation] = {}
        self._waiting: deque[Explanation] = deque()
        self._is_working = self._is_closed = False

    def ask(self, wanted: Wanted) -> Explanation:
        """The one that was asked for before, or a new one. Raises TooManyWaiting, also when the server stops."""
        key = (wanted.environment.name, wanted.prediction_id, wanted.class_index)
        with self._changed:
            self._forget_old()
            if key in self._known:
                return self._known[key]
            if self._is_closed or len(self._waiting) >= MOST_WAITING:
                raise TooManyWaiting
            explanation = self._known[key] = Explanation(wanted)
            self._waiting.append(explanation)
            if not self._is_working:
                self._is_working = True
                threading.Thread(target=self._work, name="explaining", daemon=True).start()
            self._changed.notify_all()
        return explanation

    def close(self) -> None:
        """End what waits and what runs; nothing more is taken."""
        with self._changed:
            self._is_closed = True
            known = list(self._known.values())
            self._waiting.clear()
            self._changed.notify_all()
        for explanation in known:
            explanation.end(TooManyWaiting())
        self._process.close()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed, self._idle_seconds)
                if not self._waiting:
                    self._is_working = False
                    self._process.close()
                    return
                explanation = self._waiting.popleft()
            try:
                explanation.end(self._explained(explanation.wanted))
            except DeepPredictorError as error:
                explanation.end(error)
            except Exception:  # who waits must be answered, and the thread must go on
                logger.exception("prediction %s: explaining it raised", explanation.wanted.prediction_id)
                explanation.end(NotExplainable("something went wrong", NotExplainable.FAILED))

    def _explained(self, wanted: Wanted) -> np.ndarray:
        """Raises NotExplainable, ImageUnreadable, BackendNotReady, DatabaseBusy."""
        environment, request = wanted.environment, wanted.predictor.backend.request
        assert request is not None
        try:
            data = wanted.image_path.read_bytes()
        except OSError as error:
            raise NotExplainable("its picture was not kept", NotExplainable.FAILED) from error
        pixels = decode_upload(environment, wanted.predictor, data).pixels
        picture = wanted.predictor.backend.prepare(pixels)
        found = self._process.heat_map(request.model_path, picture, wanted.class_index)
        stored = encode_heat(found, request.spec)
        try:
            environment.results.save(wanted.prediction_id, wanted.file_name, stored)
            if environment.rows.find(wanted.prediction_id) is None:  # deleted meanwhile
                environment.results.remove(wanted.prediction_id)
        except ImageNotStored as error:  # it is made again the next time
            logger.error("prediction %s: its heat map is not kept: %s", wanted.prediction_id, error)
        return decode_heat(stored)

    def _forget_old(self) -> None:
        now = time.monotonic()
        for key, explanation in list(self._known.items()):
            if explanation.ended_at is not None and now - explanation.ended_at > REMEMBERED_SECONDS:
                del self._known[key]
