"""The loop: it learns, keeps its best epoch, stops in time, and goes on from a checkpoint as if never interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.errors import CheckpointUnusable, TrainingDiverged
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.batches import Batches, BatchOptions, Pipeline
from deep_predictor.training.checkpoint import LAST_FILE, Checkpoints, Identity, arrays_of
from deep_predictor.training.dataset import ArrayDataset
from deep_predictor.training.figures import EpochFigures, StepFigures, Watcher
from deep_predictor.training.fit_options import FitOptions
from deep_predictor.training.sample import Sample
from deep_predictor.training.tasks.classification import (
    ClassificationObjective,
    balanced_weights,
    plain_loss,
    predict_probabilities,
)
from deep_predictor.training.trainer import Trainer

SPEC = InputSpec(width=8, height=8, color_mode="grayscale", scale=1 / 255, mean=0.5, std=0.5)
IDENTITY = Identity("run", "cfg", "data")


class Killed(Exception):
    pass


class NoNumbers:
    def sample(self, rng: np.random.Generator, sample: Sample) -> Sample:
        return sample

    def batch(self, rng: np.random.Generator, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return inputs * np.float32(np.nan), targets


def options(**changes: Any) -> FitOptions:
    values = {"architecture": "convnet_small", "epochs": 3, "batch_size": 8, "learning_rate": 0.01}
    return FitOptions.model_validate(values | changes)


@contextmanager
def parts(count: int = 40, broken: bool = False) -> Iterator[tuple[Batches, Batches]]:
    """Pictures of 8 x 8 that are bright, or dark; (train, val)."""
    rng = np.random.default_rng(1)
    labels = np.arange(count + 20) % 2
    images = [rng.integers(0, 100, (8, 8, 3), np.uint8) + np.uint8(label * 120) for label in labels]
    dataset = ArrayDataset(images, labels, ("dark", "bright"))
    pipeline = Pipeline(SPEC, None, NoNumbers() if broken else None)
    sizes = BatchOptions(8, 2, 5, 10**6)
    with (
        Batches(dataset, np.arange(count), pipeline, sizes) as train,
        Batches(dataset, np.arange(count, count + 20), Pipeline(SPEC), sizes) as val,
    ):
        yield train, val


def network(seed: int = 3) -> Any:
    """With batch normalisation, which has a state, and dropout, which has a random one."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(4, 3),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(2, activation="softmax"),
    ]
    return keras.Sequential(layers)


def trainer(model: Any, loss: str = "cross_entropy", **changes: Any) -> Trainer:
    return Trainer(model, options(**changes), ClassificationObjective(loss))


def test_fit_learns_and_leaves_the_best_epochs_weights() -> None:
    model, told = network(), []
    steps: list[StepFigures] = []
    fitted = trainer(model)

    with parts() as (train, val):
        history = fitted.fit(train, val, Watcher(steps.append, told.append))
        outputs = predict_probabilities(model, val.in_order())

    assert [figures.epoch for figures in history] == [1, 2, 3]
    assert told == history
    assert history[0].accuracy * 40 == pytest.approx(round(history[0].accuracy * 40))
    assert 0 < history[0].accuracy < 1
    assert [step[:4] for step in steps] == [(epoch, step, 5, 8 * step) for epoch in (1, 2, 3) for step in range(1, 6)]
    assert [step[4:] for step in steps[4::5]] == [(figures.loss, figures.accuracy) for figures in history]
    loss = -np.log(outputs[np.arange(20), val.labels]).mean()
    assert loss == pytest.approx(fitted.best.val_loss, rel=1e-3)
    assert fitted.best.val_loss == min(figures.val_loss for figures in history)
    assert fitted.best.val_accuracy > 0.9
    assert history[0].learning_rate > history[2].learning_rate > 0


@pytest.mark.parametrize(
    ("kill_at", "changes"),
    [
        (3, {}),
        (9, {"optimizer": "sgd", "schedule": "plateau", "plateau_patience": 1}),
        (15, {"optimizer": "adamw", "clip_norm": 1.0}),
    ],
)
def test_fit_killed_at_any_step_and_resumed_ends_as_if_never_killed(
    tmp_path: Path, kill_at: int, changes: dict[str, Any]
) -> None:
    whole = network()
    with parts() as (train, val):
        expected = trainer(whole, **changes).fit(train, val, None, Checkpoints(tmp_path / "a", IDENTITY))

    def die(step: StepFigures) -> None:
        steps[0] += 1
        if steps[0] == kill_at:
            raise Killed

    steps, told = [0], []
    with parts() as (train, val), pytest.raises(Killed):
        trainer(network(), **changes).fit(train, val, Watcher(die), Checkpoints(tmp_path / "b", IDENTITY))
    resumed = network(seed=99 if kill_at > 5 else 3)  # after an epoch the weights come from the checkpoint
    with parts() as (train, val):
        found = trainer(resumed, **changes).fit(
            train, val, Watcher(on_epoch=told.append), Checkpoints(tmp_path / "b", IDENTITY)
        )

    assert [f.epoch for f in told] == list(range((kill_at - 1) // 5 + 1, 4))
    for one, other in zip(expected, found, strict=True):
        assert replace(one, seconds=0) == replace(other, seconds=0)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_fit_that_is_done_is_not_trained_further_when_resumed(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    first, again, told = network(), network(seed=9), []
    with parts() as (train, val):
        history = trainer(first).fit(train, val, None, checkpoints)
        assert trainer(again).fit(train, val, Watcher(on_epoch=told.append), checkpoints) == history

    assert told == []
    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert sorted(path.name for path in tmp_path.iterdir())[-1] == LAST_FILE
    assert len(list(tmp_path.iterdir())) == 2


def test_fit_stops_early_also_when_resumed(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    changes = {"epochs": 50, "learning_rate": 5.0, "early_stop_patience": 2, "keep_best": "val_accuracy"}
    with parts() as (train, val):
        fitted = trainer(network(), **changes)
        history = fitted.fit(train, val, None, checkpoints)
        again = trainer(network(), **changes).fit(train, val, None, checkpoints)

    assert len(history) == fitted.best.epoch + 2 < 50
    assert again == history


@pytest.mark.parametrize(("field", "words"), [("run_id", "run"), ("cfg_hash", "cfg"), ("dataset_hash", "pictures")])
def test_checkpoint_of_another_run_cfg_or_data_set_is_refused(tmp_path: Path, field: str, words: str) -> None:
    model = network()
    model.compile("adam", "mse")
    Checkpoints(tmp_path, IDENTITY).save(arrays_of(model), {"history": [], "best_epoch": 0})

    with pytest.raises(CheckpointUnusable, match=words):
        Checkpoints(tmp_path, replace(IDENTITY, **{field: "other"})).load()


def test_checkpoint_of_another_network_or_a_broken_one_is_refused(tmp_path: Path) -> None:
    import keras

    checkpoints = Checkpoints(tmp_path, IDENTITY)
    with parts() as (train, val):
        trainer(network(), epochs=1).fit(train, val, None, checkpoints)
        layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
        with pytest.raises(CheckpointUnusable, match="another network"):
            trainer(keras.Sequential(layers)).fit(train, val, None, checkpoints)
        (tmp_path / LAST_FILE).write_bytes((tmp_path / LAST_FILE).read_bytes()[:500])
        with pytest.raises(CheckpointUnusable, match="cannot be read"):
            trainer(network()).fit(train, val, None, checkpoints)


def test_fit_input_that_is_no_number_stops_with_its_reason() -> None:
    steps = [0]

    def count_step(step: StepFigures) -> None:
        steps[0] += 1

    with (
        parts(broken=True) as (train, val),
        pytest.raises(TrainingDiverged, match=r"in epoch 1; a learning_rate under 0\.01"),
    ):
        trainer(network(), epochs=50).fit(train, val, Watcher(count_step))

    assert steps[0] < 5


def test_fit_class_weights_count_pictures_by_their_class(monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = network(), []
    real = model.train_on_batch

    def train_on_batch(inputs: Any, targets: np.ndarray, sample_weight: np.ndarray, **options: Any) -> Any:
        seen.append((targets, sample_weight))
        return real(inputs, targets, sample_weight=sample_weight, **options)

    monkeypatch.setattr(model, "train_on_batch", train_on_batch)
    with parts() as (train, val):
        Trainer(
            model, options(epochs=1), ClassificationObjective("cross_entropy", 0.0, np.array([2.0, 0.5], np.float32))
        ).fit(train, val)

    assert len(seen) == 5
    for targets, weights in seen:
        np.testing.assert_array_equal(weights, np.where(targets[:, 0] == 1, 2.0, 0.5))


def test_l2_is_added_for_kernels_alone() -> None:
    model = network()
    trainer(model, l2=0.5)

    assert [v.name for v in model.trainable_variables if v.regularizer] == ["kernel", "kernel"]
    kernels = [np.asarray(v) for v in model.trainable_variables if v.name == "kernel"]
    expected = 0.5 * sum(float((kernel**2).sum()) for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_balanced_weights_are_by_hand() -> None:
    np.testing.assert_allclose(balanced_weights(np.array([0, 0, 0, 1]), 3), [4 / 9, 4 / 3, 1.0], rtol=1e-6)


def test_plain_loss_is_by_hand() -> None:
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75]], np.float32)

    assert plain_loss(probabilities, np.array([0, 1]), "cross_entropy") == pytest.approx(-np.log([0.5, 0.75]).mean())
    assert plain_loss(np.array([[0.0, 1.0]]), np.array([0]), "cross_entropy") == pytest.approx(-np.log(1e-7))
    # margin loss: max(0, 0.9 - v)^2 of the true class, 0.5 * max(0, v - 0.1)^2 of the others
    expected = np.mean([0.4**2 + 0.5 * 0.4**2, 0.15**2 + 0.5 * 0.15**2])
    assert plain_loss(probabilities, np.array([0, 1]), "margin") == pytest.approx(expected, rel=1e-5)


def test_epoch_figures_are_plain_numbers() -> None:
    with parts() as (train, val):
        figures = trainer(network(), epochs=1).fit(train, val)[0]

    assert all(type(value) in (int, float) for value in figures.to_dict().values())
    assert isinstance(figures, EpochFigures)
