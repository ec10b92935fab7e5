"""A backend that finds a bright square, in the form of each task, and stops at a frame where a test wants it to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

import numpy as np

from deep_predictor.backends.base import Backend, EngineLoader, Task
from deep_predictor.backends.table import BACKENDS
from deep_predictor.config.predictor_config import PredictorOptions, PredictorPaths
from deep_predictor.errors import ResultInvalid
from deep_predictor.results import Answer, ClassScore, ClassShare, Detection

#: Seconds that a stopped backend waits at most.
PATIENCE = 30.0


class SquareOptions(PredictorOptions):
    """`task`: in which form it answers; `fault`: what goes wrong at the fifth frame."""

    task: Literal["classification", "detection", "segmentation"] = "detection"
    fault: Literal["", "raise", "hang", "invalid"] = ""
    background_index: int | None = 0


class SquareBackend(Backend):
    """Sees a square where pixels are bright."""

    Options = SquareOptions
    Paths = PredictorPaths
    class_names: tuple[str, ...] = ("nothing", "square")
    #: Before this frame it says `has_stopped` and waits for `go_on`.
    stop_before: ClassVar[int | None] = None
    has_stopped: ClassVar[threading.Event] = threading.Event()
    go_on: ClassVar[threading.Event] = threading.Event()
    frames: ClassVar[int] = 0

    def __init__(self, options: SquareOptions, paths: PredictorPaths) -> None:
        super().__init__(options, paths)
        self.task: Task = options.task

    def load(self, load_engine: EngineLoader) -> None:
        """There is nothing to load."""

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return image.astype(np.float32)

    def run(self, batch: np.ndarray) -> np.ndarray:
        if SquareBackend.frames == SquareBackend.stop_before:
            SquareBackend.has_stopped.set()
            assert SquareBackend.go_on.wait(PATIENCE)
        SquareBackend.frames += len(batch)
        if SquareBackend.frames >= 5 and self.options.fault == "raise":
            raise ValueError("a model that raises")
        if SquareBackend.frames >= 5 and self.options.fault == "hang":
            SquareBackend.go_on.wait(PATIENCE)
        return batch

    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        if SquareBackend.frames >= 5 and self.options.fault == "invalid":
            raise ResultInvalid("the model's output is not finite")
        mask = (output.min(axis=2) > 128).astype(np.uint8)
        share = float(mask.mean())
        if self.options.task == "segmentation":
            items = [ClassShare(0, "nothing", 1 - share), *([ClassShare(1, "square", share)] if share else [])]
            return Answer(tuple(items), "square" if share else "not-confident", mask)
        if self.options.task == "classification":
            return Answer((ClassScore(1, "square", 0.75), ClassScore(0, "nothing", 0.25)), "square")
        return Answer((_box(mask),), "square") if share else Answer((), "not-confident")


def _box(mask: np.ndarray) -> Detection:
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
    return Detection(
        1,
        "square",
        0.9,
        (left + right) / 2 / width,
        (top + bottom) / 2 / height,
        (right - left) / width,
        (bottom - top) / height,
    )


@contextmanager
def square_backend() -> Iterator[type[SquareBackend]]:
    """Inside the block a cfg may name the backend `square`."""
    BACKENDS["square"] = "test.video_fakes:SquareBackend"
    try:
        yield SquareBackend
    finally:
        SquareBackend.go_on.set()
        del BACKENDS["square"]


def fresh(stop_before: int | None = None) -> type[SquareBackend]:
    """Count frames from zero again."""
    SquareBackend.stop_before, SquareBackend.frames = stop_before, 0
    SquareBackend.has_stopped.clear()
    SquareBackend.go_on.clear()
    return SquareBackend
