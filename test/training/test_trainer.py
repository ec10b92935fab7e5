"""The loop: it learns, keeps its best epoch, tells its steps, and stops when the loss is no number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deep_predictor.errors import TrainingDiverged
from deep_predictor.training.architectures import ARCHITECTURES, build_architecture
from deep_predictor.training.config import FitOptions
from deep_predictor.training.trainer import (
    EpochFigures,
    Examples,
    Watcher,
    best_epoch,
    fit,
    predict_probabilities,
    step_count,
)


def options(**changes: Any) -> FitOptions:
    values = {"architecture": "convnet_small", "epochs": 3, "batch_size": 8, "learning_rate": 0.01}
    return FitOptions.model_validate(values | changes)


def examples(count: int, seed: int = 1) -> Examples:
    """Pictures of 8 x 8 that are bright, or dark."""
    labels = np.arange(count) % 2
    noise = np.random.default_rng(seed).normal(0, 0.1, (count, 8, 8, 1))
    return Examples((noise + labels[:, None, None, None] * 2 - 1).astype(np.float32), labels)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
@pytest.mark.parametrize("input_shape", [(32, 32, 1), (5, 9, 3)])
def test_build_architecture_gives_probabilities_of_each_class(name: str, input_shape: tuple[int, int, int]) -> None:
    network = build_architecture(name, input_shape, 7)
    outputs = predict_probabilities(network, np.zeros((2, *input_shape), np.float32))

    assert outputs.shape == (2, 7)
    assert outputs.sum(axis=1) == pytest.approx(np.ones(2))


def test_fit_learns_and_leaves_the_best_epochs_weights() -> None:
    network = build_architecture("convnet_small", (8, 8, 1), 2)
    train, val = examples(40), examples(20, seed=2)
    steps: list[int] = []
    told: list[EpochFigures] = []

    history = fit(network, train, val, options(), Watcher(lambda: steps.append(1), told.append))

    assert [figures.epoch for figures in history] == [1, 2, 3]
    assert told == history
    assert len(steps) == 3 * step_count(options(), 40) == 15
    outputs = predict_probabilities(network, val.inputs)
    loss = -np.log(outputs[np.arange(20), val.labels]).mean()
    assert loss == pytest.approx(best_epoch(history).val_loss, rel=1e-3)
    assert best_epoch(history).val_loss == min(figures.val_loss for figures in history)


def test_fit_input_that_is_no_number_stops_with_its_reason() -> None:
    network = build_architecture("convnet_small", (8, 8, 1), 2)
    train = examples(40)
    train.inputs[3] = np.nan
    steps: list[int] = []

    with pytest.raises(TrainingDiverged, match=r"nan in epoch 1; a learning_rate under 0\.01"):
        fit(network, train, examples(8), options(epochs=50), Watcher(lambda: steps.append(1)))

    assert len(steps) < 5


def test_fit_val_loss_that_is_no_number_stops_too() -> None:
    import keras

    layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    network = keras.Sequential(layers)  # a ReLU would turn NaN into 0
    val = examples(8)
    val.inputs[0] = np.nan

    with pytest.raises(TrainingDiverged):
        fit(network, examples(16), val, options(epochs=50))


@pytest.mark.parametrize(("examples_in_all", "steps"), [(1, 1), (8, 1), (9, 2), (40, 5)])
def test_step_count_last_batch_may_be_small(examples_in_all: int, steps: int) -> None:
    assert step_count(options(), examples_in_all) == steps
