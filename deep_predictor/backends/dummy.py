"""A backend without a network: the same answer for every picture, in the form of another backend."""

from __future__ import annotations

import time
from typing import Any, Literal

import numpy as np
from pydantic import Field

from deep_predictor.backends.base import Backend, EngineLoader, Task
from deep_predictor.config.predictor_config import PredictorOptions, PredictorPaths
from deep_predictor.results import Answer, ClassScore, Detection, ResultItem

_ANSWERS: dict[str, tuple[ResultItem, ...]] = {
    "keras": (
        ClassScore(0, "adanaKenap", 0.72227),
        ClassScore(1, "akcaabatKofte", 0.17435),
        ClassScore(2, "bulgurPilavi", 0.06662),
    ),
    "tf_yolo": (
        Detection(0, "person", 0.99786, cx_norm=0.36250, cy_norm=0.56250, w_norm=0.12188, h_norm=0.66274),
        Detection(1, "dog", 0.99429, cx_norm=0.20703, cy_norm=0.71934, w_norm=0.22031, h_norm=0.18868),
        Detection(2, "horse", 0.98321, cx_norm=0.78516, cy_norm=0.57075, w_norm=0.30469, h_norm=0.48113),
    ),
}
_TASKS: dict[str, Task] = {"keras": "classification", "tf_yolo": "detection"}


class DummyOptions(PredictorOptions):
    #: The backend whose form the answer has.
    simulate: Literal["keras", "tf_yolo"]
    #: The class folder that every picture goes to.
    image_class: str = Field("dummy", min_length=1)
    #: Seconds that a prediction takes.
    sleep: float = Field(0.0, ge=0, le=86_400)


class DummyBackend(Backend):
    """Always ready; `interpret` ignores the numbers that it gets."""

    Options = DummyOptions
    Paths = PredictorPaths

    def __init__(self, options: Any, paths: Any) -> None:
        super().__init__(options, paths)
        self.task = _TASKS[options.simulate]
        self._items = _ANSWERS[options.simulate]
        self.class_names = tuple(item.class_name for item in self._items)

    def load(self, load_engine: EngineLoader) -> None:
        """There is nothing to load."""

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return image[:1, :1].astype(np.float32)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Sleep once a batch, and answer a row of nothing for each picture."""
        if self.options.sleep:
            time.sleep(self.options.sleep)
        return np.zeros((len(batch), 0), np.float32)

    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        return Answer(self._items, self.options.image_class)
