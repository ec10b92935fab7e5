"""The training loop: fits a network, epoch by epoch, and keeps its best one. Knows nothing of bars and reports.

What the loop changes is in `_Progress` and in the network's variables; both are in the checkpoint of each epoch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from deep_predictor.errors import TrainingDiverged
from deep_predictor.training.architectures.fine_tuning import freeze_body, unfreeze_top
from deep_predictor.training.batches import Batches
from deep_predictor.training.checkpoint import LAST_FILE, Checkpoints, arrays_of, restore
from deep_predictor.training.figures import EpochFigures, StepFigures, TrainFigures, ValFigures, Watcher
from deep_predictor.training.schedule import Phase, Plateau, rate_at

if TYPE_CHECKING:
    import keras

    from deep_predictor.training.fit_options import FitOptions


class Objective(Protocol):
    """What a network is fitted to, and how its answers are judged. Every task has its own."""

    def loss(self) -> keras.losses.Loss:
        """Of (targets, outputs of the network)."""

    def metrics(self) -> list[Any]:
        """Of Keras, at most one, named "accuracy"."""

    def weights_of(self, targets: np.ndarray) -> np.ndarray | None:
        """(N,): how much each picture of a batch counts; None: all the same."""

    def validate(self, network: keras.Model, val: Batches) -> ValFigures:
        """The figures of the validation part, by plain labels."""


@dataclass
class _Progress:
    """What a checkpoint holds beside arrays."""

    history: list[EpochFigures] = field(default_factory=list)
    best_epoch: int = 0
    plateau: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "history": [figures.to_dict() for figures in self.history]}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> _Progress:
        return cls(**{**state, "history": [EpochFigures.from_dict(figures) for figures in state["history"]]})


class Trainer:
    """Fits one network by one cfg."""

    def __init__(self, network: keras.Model, options: FitOptions, objective: Objective) -> None:
        self._network, self._options, self._objective = network, options, objective
        self._plateau = Plateau(options.plateau_factor, options.plateau_patience)
        self._progress = _Progress()
        _add_l2(network, options.l2)

    def fit(
        self, train: Batches, val: Batches, watcher: Watcher | None = None, checkpoints: Checkpoints | None = None
    ) -> list[EpochFigures]:
        """Train in place and leave the network with the weights of its best epoch.

        With `checkpoints`, goes on from the last one. Raises TrainingDiverged within the batch when the loss is no
        longer a number, and what the watcher raises.
        """
        watcher = watcher or Watcher()
        kept = self._resume(checkpoints)
        begun_phase = None
        for epoch in range(len(self._progress.history) + 1, self._options.epochs + 1):
            if self._is_over(epoch - 1):
                break
            phase = self._phase_of(epoch)
            if phase != begun_phase and (begun_phase is not None or epoch == phase.first):
                self._compile(phase)
            begun_phase = phase
            figures = self._epoch(epoch, train, val, watcher)
            kept = self._end_epoch(figures, checkpoints) or kept
            watcher.on_epoch(figures)
        self._network.set_weights(kept if kept is not None else self._network.get_weights())
        return self._progress.history

    @property
    def best(self) -> EpochFigures:
        """The epoch whose weights `fit` left in the network."""
        return self._progress.history[self._progress.best_epoch - 1]

    def _resume(self, checkpoints: Checkpoints | None) -> list[np.ndarray] | None:
        """The best weights so far, None at a beginning."""
        loaded = checkpoints.load() if checkpoints else None
        if checkpoints is None or loaded is None:
            return None
        arrays, state = loaded
        self._progress = _Progress.from_dict(state)
        if self._progress.plateau:
            self._plateau.restore(self._progress.plateau)
        self._compile(self._phase_of(len(self._progress.history)))
        restore(self._network, arrays, Path(LAST_FILE))
        return checkpoints.load_best(self._progress.best_epoch)

    def _phase_of(self, epoch: int) -> Phase:
        options, tuning = self._options, self._options.fine_tuning
        if tuning is None:
            return Phase(1, options.epochs, options.learning_rate)
        if epoch <= tuning.head_epochs:
            return Phase(1, tuning.head_epochs, options.learning_rate)
        factor = tuning.top_learning_rate_factor
        return Phase(tuning.head_epochs + 1, options.epochs, options.learning_rate * factor)

    def _compile(self, phase: Phase) -> None:
        """Make the step of a phase: what is trained in it, with a fresh optimizer."""
        tuning = self._options.fine_tuning
        if tuning and phase.first == 1:
            freeze_body(self._network)
        elif tuning:
            unfreeze_top(self._network, tuning.top_share)
        self._network.compile(_optimizer(self._options), loss=self._objective.loss(), metrics=self._objective.metrics())
        self._network.optimizer.build(self._network.trainable_variables)

    def train_epoch(
        self, epoch: int, train: Batches, on_step: Callable[[StepFigures], object] = lambda step: None
    ) -> TrainFigures:
        """One pass over `train`, by the schedule's rates for this epoch (from 1). Raises TrainingDiverged."""
        options, network, phase = self._options, self._network, self._phase_of(epoch)
        if not network.compiled:
            self._compile(phase)
        rate, sums, count = phase.learning_rate, _Sums(), 0
        for step, batch in enumerate(train.shuffled(epoch)):
            rate = rate_at(
                options.schedule,
                phase,
                epoch,
                step,
                len(train),
                options.warm_up_epochs,
                options.learning_rate_decay,
                self._plateau.share,
            )
            network.optimizer.learning_rate = rate
            weights = self._objective.weights_of(batch.targets)
            logs = network.train_on_batch(batch.inputs, batch.targets, sample_weight=weights, return_dict=True)
            if not math.isfinite(logs["loss"]):
                raise TrainingDiverged(epoch, float(logs["loss"]), options.learning_rate)
            # Keras forgets its sums before each of these calls.
            sums.add(len(batch.inputs), logs)
            count += len(batch.inputs)
            on_step(StepFigures(epoch, step + 1, len(train), count, sums.loss, sums.accuracy))
        return TrainFigures(sums.loss, sums.accuracy, rate)

    def _epoch(self, epoch: int, train: Batches, val: Batches, watcher: Watcher) -> EpochFigures:
        started = time.monotonic()
        trained = self.train_epoch(epoch, train, watcher.on_step)
        val_figures = self._objective.validate(self._network, val)
        if not math.isfinite(val_figures.loss):
            raise TrainingDiverged(epoch, val_figures.loss, self._options.learning_rate)
        return EpochFigures(
            epoch,
            trained.loss,
            trained.accuracy,
            val_figures.loss,
            val_figures.accuracy,
            trained.learning_rate,
            round(time.monotonic() - started, 3),
            val_figures.map50,
            val_figures.map50_95,
            val_figures.miou,
        )

    def _end_epoch(self, figures: EpochFigures, checkpoints: Checkpoints | None) -> list[np.ndarray] | None:
        """Note the figures, write the checkpoint; the weights where this epoch is the best so far."""
        progress = self._progress
        progress.history.append(figures)
        self._plateau.end_epoch(figures.val_loss)
        progress.plateau = self._plateau.state()
        judgement = self._options.judgement
        is_best = progress.best_epoch == 0 or figures.rank(judgement) > self.best.rank(judgement)
        weights = self._network.get_weights() if is_best else None
        if is_best:
            progress.best_epoch = figures.epoch
        if checkpoints:
            if weights is not None:
                checkpoints.save_best(figures.epoch, weights)
            checkpoints.save(arrays_of(self._network), progress.to_dict())
            checkpoints.forget_other_bests(progress.best_epoch)
        return weights

    def _is_over(self, epoch: int) -> bool:
        """Whether the early stop ends the run after this epoch."""
        patience = self._options.early_stop_patience
        return patience is not None and epoch - self._progress.best_epoch >= patience


class _Sums:
    """Means over the pictures of an epoch so far."""

    def __init__(self) -> None:
        self._count, self._loss, self._accuracy = 0, 0.0, 0.0
        self._has_accuracy = False

    def add(self, count: int, logs: Mapping[str, Any]) -> None:
        self._has_accuracy = "accuracy" in logs
        self._count += count
        self._loss += count * float(logs["loss"])
        self._accuracy += count * float(logs.get("accuracy", 0.0))

    @property
    def loss(self) -> float:
        return self._loss / max(1, self._count)

    @property
    def accuracy(self) -> float | None:
        return self._accuracy / self._count if self._has_accuracy else None


def _optimizer(options: FitOptions) -> Any:
    import keras

    common = {"learning_rate": options.learning_rate, "global_clipnorm": options.clip_norm}
    if options.optimizer == "sgd":
        return keras.optimizers.SGD(momentum=options.momentum, **common)
    if options.optimizer == "adamw":
        return keras.optimizers.AdamW(weight_decay=options.weight_decay, **common)
    return keras.optimizers.Adam(**common)


def _add_l2(network: keras.Model, l2: float) -> None:
    """Kernels only: a penalty on biases or normalisation would move what they are there to fit."""
    import keras

    if l2:
        for variable in network.trainable_variables:
            if "kernel" in variable.name:
                variable.regularizer = keras.regularizers.L2(l2)
