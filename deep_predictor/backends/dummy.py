"""A backend without a network: fixed answers, for building clients and for health checks."""

from __future__ import annotations

import threading
from typing import Literal

import numpy as np
from pydantic import Field

from deep_predictor.backends.base import Backend, EngineLoader, Task
from deep_predictor.config.predictor_config import PredictorOptions, PredictorPaths
from deep_predictor.results import Answer, ClassScore, Detection

SCORES = (
    ClassScore(0, "adanaKenap", 0.72227),
    ClassScore(1, "akcaabatKofte", 0.17435),
    ClassScore(2, "bulgurPilavi", 0.06662),
)
DETECTIONS = (
    Detection(0, "person", 0.98317, 0.27, 0.55, 0.22, 0.7),
    Detection(1, "dog", 0.95242, 0.58, 0.7, 0.24, 0.36),
    Detection(2, "horse", 0.91146, 0.76, 0.5, 0.36, 0.6),
)


class DummyOptions(PredictorOptions):
    """`simulate`: whose answers; `image_class`: the class folder (default: the first answer's class); `sleep`: seconds."""

    simulate: Literal["keras", "tf_yolo"] = "keras"
    image_class: str = ""
    sleep: float = Field(0.0, ge=0, le=3600)


class DummyBackend(Backend):
    Options = DummyOptions
    Paths = PredictorPaths

    def __init__(self, options: PredictorOptions, paths: PredictorPaths) -> None:
        super().__init__(options, paths)
        self._items = SCORES if self.options.simulate == "keras" else DETECTIONS
        self.task: Task = "classification" if self.options.simulate == "keras" else "detection"
        self.class_names = tuple(item.class_name for item in self._items)

    def load(self, load_engine: EngineLoader) -> None:
        """There is nothing to load."""

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """One pixel is enough."""
        return image[:1, :1].astype(np.float32)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Sleep as long as the cfg says."""
        if self.options.sleep:
            threading.Event().wait(self.options.sleep)
        return batch

    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        return Answer(self._items, self.options.image_class or self.class_names[0])
