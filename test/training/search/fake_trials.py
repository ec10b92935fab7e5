"""What trials train in tests: nothing. A function of (order, watch) whose figures are a formula of the cfg."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from deep_predictor.errors import TrainingDiverged
from deep_predictor.training.figures import EpochFigures, StepFigures
from deep_predictor.training.search.trial import TrialOrder, Watch

EPOCHS = 4
BEST_RATE = 0.01
STEP = StepFigures(1, 1, 1, 1, 0.5, 0.5)


def quality(rate: float) -> float:
    """1 at the best rate, less by the distance in decades."""
    import math

    return 1 / (1 + abs(math.log10(rate / BEST_RATE)))


def train(order: TrialOrder, watch: Watch) -> None:
    """Gets better for three epochs and then worse: the third is kept."""
    rate = order.section["fit_options"]["learning_rate"]
    with watch(EPOCHS, 1) as watcher:
        for epoch in range(1, EPOCHS + 1):
            watcher.on_step(STEP)
            share = (0.5, 0.8, 1.0, 0.9)[epoch - 1]
            accuracy = quality(rate) * share
            watcher.on_epoch(EpochFigures(epoch, 1 - accuracy, accuracy, 1 - accuracy, accuracy))
    (order.folder / "test-was-read").touch()  # a run measures and exports here


def fail_now_and_then(order: TrialOrder, watch: Watch) -> None:
    """By number: diverges, has no memory, is killed, ends without a word, before an epoch, with no figure, trains."""
    print("this goes to the trial's own output")
    number = int(order.folder.name)
    if number == 0:
        raise TrainingDiverged(2, float("nan"), 0.5)
    if number == 1:
        raise MemoryError("no room for\n3 GB")
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 3:
        os._exit(7)
    if number == 4:
        return  # before its first epoch
    if number == 5:
        with watch(1, 1) as watcher:
            watcher.on_epoch(EpochFigures(1, 1.0, 0.5, float("nan"), float("nan")))
    train(order, watch)


def fail_always(order: TrialOrder, watch: Watch) -> None:
    raise ValueError("the layer 3 does not fit")


def hold(order: TrialOrder, watch: Watch) -> None:
    """The trials from number 2 on wait for a file in the search's folder."""
    folder = order.folder.parents[1]
    if int(order.folder.name) >= 2:
        (folder / f".holding-{order.folder.name}-{os.getpid()}").touch()
        with watch(EPOCHS, 1) as watcher:
            while not (folder / ".go").exists():
                watcher.on_step(STEP)
                threading.Event().wait(0.01)
        return
    train(order, watch)


def note_threads(order: TrialOrder, watch: Watch) -> None:
    Path(order.folder / "threads").write_text(os.environ.get("TF_NUM_INTRAOP_THREADS", ""))
    train(order, watch)
