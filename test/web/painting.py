"""A segmenter and a detector without a network: what they find is painted on the picture."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from deep_predictor.backends.base import Backend, EngineLoader, Task
from deep_predictor.config.predictor_config import PredictorOptions, PredictorPaths
from deep_predictor.results import Answer, ClassShare, Detection

NAMES = ("nothing", "red", "blue")


class PaintOptions(PredictorOptions):
    background_index: int | None = 0
    finds: Literal["segmentation", "detection"] = "segmentation"


class PaintBackend(Backend):
    """Red pixels are of class 1, blue ones of class 2; a detector finds the box around each."""

    Options = PaintOptions
    Paths = PredictorPaths
    class_names = NAMES

    def __init__(self, options: Any, paths: Any) -> None:
        super().__init__(options, paths)
        self.task: Task = options.finds

    def load(self, load_engine: EngineLoader) -> None:
        """There is nothing to load."""

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return image.astype(np.float32)

    def run(self, batch: np.ndarray) -> np.ndarray:
        return batch

    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        red, green, blue = (output[:, :, channel] > 127 for channel in range(3))
        mask = ((red & ~green & ~blue) * 1 + (blue & ~green & ~red) * 2).astype(np.uint8)
        counts = np.bincount(mask.ravel(), minlength=3)
        if self.task == "detection":
            found = tuple(_around(mask == index, index) for index in (1, 2) if counts[index])
            return Answer(found, found[0].class_name if found else "not-confident")
        order = [int(index) for index in np.argsort(-counts, kind="stable") if counts[index]]
        items = tuple(ClassShare(index, NAMES[index], counts[index] / mask.size) for index in order)
        things = [item.class_name for item in items if item.class_index != self.options.background_index]
        return Answer(items, things[0] if things else "not-confident", mask)


def _around(region: np.ndarray, index: int) -> Detection:
    height, width = region.shape
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    cx, cy = (left + right) / 2 / width, (top + bottom) / 2 / height
    return Detection(index, NAMES[index], 0.9, cx, cy, (right - left) / width, (bottom - top) / height)
