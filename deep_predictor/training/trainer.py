"""The training loop: fits a network and keeps its best epoch. Knows nothing of files, bars and reports."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.errors import TrainingDiverged

if TYPE_CHECKING:
    import keras

    from deep_predictor.training.config import FitOptions

#: Pictures that are run at once when a network is only asked, not trained.
_PREDICT_BATCH_SIZE = 256


@dataclass(frozen=True)
class Examples:
    """Network inputs (N, h, w, c) float32 and their class indices (N,)."""

    inputs: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class EpochFigures:
    """Mean cross-entropy in nats and share of right answers; epochs count from 1."""

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float


@dataclass(frozen=True)
class Watcher:
    """What is told how far a run is: after each step, and after each epoch with its figures."""

    on_step: Callable[[], object] = lambda: None
    on_epoch: Callable[[EpochFigures], object] = lambda figures: None


def step_count(options: FitOptions, example_count: int) -> int:
    """Steps of one epoch."""
    return math.ceil(example_count / options.batch_size)


def fit(
    model: keras.Model, train: Examples, val: Examples, options: FitOptions, watcher: Watcher | None = None
) -> list[EpochFigures]:
    """Train `model` in place and leave it with the weights of the epoch of the lowest loss on `val`.

    The learning rate falls along a cosine from `options.learning_rate` to zero. Raises TrainingDiverged when the loss
    is no longer a number, within the batch.
    """
    import keras

    watcher = watcher or Watcher()
    steps = step_count(options, len(train.labels)) * options.epochs
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history: list[EpochFigures] = []

    def check(loss: float) -> None:
        if not math.isfinite(loss):
            raise TrainingDiverged(len(history) + 1, float(loss), options.learning_rate)

    def end_step(step: int, logs: dict[str, Any]) -> None:
        check(logs["loss"])
        watcher.on_step()

    def end_epoch(epoch: int, logs: dict[str, Any]) -> None:
        check(logs["val_loss"])
        history.append(_figures(epoch + 1, logs))
        watcher.on_epoch(history[-1])

    model.fit(
        train.inputs,
        train.labels,
        batch_size=options.batch_size,
        epochs=options.epochs,
        validation_data=(val.inputs, val.labels),
        callbacks=[
            keras.callbacks.LambdaCallback(on_train_batch_end=end_step, on_epoch_end=end_epoch),
            # With this patience it never stops early; it is here to bring the best epoch's weights back.
            keras.callbacks.EarlyStopping("val_loss", patience=options.epochs, restore_best_weights=True),
        ],
        verbose=0,
    )
    return history


def best_epoch(history: list[EpochFigures]) -> EpochFigures:
    """The epoch whose weights `fit` left in the model."""
    return min(history, key=lambda figures: figures.val_loss)


def predict_probabilities(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """(N, h, w, c) -> (N, classes), in batches."""
    starts = range(0, len(inputs), _PREDICT_BATCH_SIZE)
    outputs = [np.asarray(model(inputs[s : s + _PREDICT_BATCH_SIZE], training=False)) for s in starts]
    return np.concatenate(outputs)


def _figures(epoch: int, logs: dict[str, Any]) -> EpochFigures:
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return EpochFigures(epoch, *(float(logs[name]) for name in names))
