"""Stand-ins that tests use in place of real models: a backend whose faults are chosen by the picture."""

from __future__ import annotations

import os
import signal
import threading
from io import BytesIO
from typing import ClassVar

import numpy as np
from PIL import Image

from deep_predictor.backends.base import Backend, EngineLoader, Task
from deep_predictor.backends.table import BACKENDS
from deep_predictor.config.predictor_config import PredictorOptions, PredictorPaths
from deep_predictor.errors import BackendNotReady, EngineGone, ResultInvalid
from deep_predictor.results import Answer, ClassScore

#: Colour of the picture -> what FaultBackend does with it.
FAULT_COLOURS: dict[str, tuple[int, int, int]] = {
    "none": (200, 200, 200),
    "kill": (250, 0, 0),
    "raise": (0, 250, 0),
    "hang": (0, 0, 250),
    "not finite": (250, 250, 0),
    "invalid result": (0, 250, 250),
    "system exit": (250, 0, 250),
    "not json": (90, 0, 0),
    "engine gone": (0, 90, 0),
}

#: Set by a test's end to let hanging predictions go.
release_hanging = threading.Event()


class FaultOptions(PredictorOptions):
    """`load_fault`: `raise` or `not ready` when it is loaded, `block` until `release_loading` is set."""

    load_fault: str = ""
    sleep_seconds: float = 0.0
    class_name: str = "fine"


release_loading = threading.Event()


class FaultBackend(Backend):
    """Answers one class of its options' name, or does what the picture's colour says."""

    Options = FaultOptions
    Paths = PredictorPaths
    task: Task = "classification"
    class_names: tuple[str, ...] = ("fine",)
    runs: ClassVar[list[str]] = []

    def load(self, load_engine: EngineLoader) -> None:
        if self.options.load_fault == "raise":
            raise RuntimeError("loading raised")
        if self.options.load_fault == "not ready":
            raise BackendNotReady("no weights", code="model_missing")
        if self.options.load_fault == "block":
            assert release_loading.wait(60)

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return image[:1, :1].astype(np.float32)

    def run(self, batch: np.ndarray) -> np.ndarray:
        for row in batch:
            self._run_one(fault_of(row[0, 0]))
        return batch

    def _run_one(self, fault: str) -> None:
        FaultBackend.runs.append(fault)
        if self.options.sleep_seconds:
            threading.Event().wait(self.options.sleep_seconds)
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "raise":
            raise ValueError("a model that raises")
        if fault == "hang":
            release_hanging.wait(60)
        if fault == "engine gone":
            raise EngineGone("its process crashed 3 times")
        if fault == "system exit":
            raise SystemExit(1)

    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        fault = fault_of(output[0, 0])
        if fault == "not finite":
            raise ResultInvalid("the model's output is not finite")
        if fault == "invalid result":
            return Answer((ClassScore(0, object(), 0.5),), "fine")  # type: ignore[arg-type]
        if fault == "not json":
            return Answer((ClassScore(0, "\ud800", 0.5),), "fine")
        return Answer((ClassScore(0, self.options.class_name, 0.9),), self.options.class_name)


def fault_of(colour: np.ndarray) -> str:
    for name, value in FAULT_COLOURS.items():
        if np.abs(colour - np.array(value, np.float32)).max() < 20:
            return name
    return "none"


def register_fault_backend() -> None:
    BACKENDS["fault"] = "test.fakes:FaultBackend"


def picture(fault: str = "none", size: tuple[int, int] = (8, 6), image_format: str = "PNG") -> bytes:
    """An encoded picture of one colour; the colour says what FaultBackend does with it."""
    file = BytesIO()
    Image.new("RGB", size, FAULT_COLOURS[fault]).save(file, image_format)
    return file.getvalue()
