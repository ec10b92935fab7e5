"""The training loop: fits a network, epoch by epoch, and keeps its best one. Knows nothing of bars and reports.

What the loop changes is in `_Progress` and in the network's variables; both are in the checkpoint of each epoch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from deep_predictor.errors import TrainingDiverged
from deep_predictor.training.architectures.fine_tuning import freeze_body, unfreeze_top
from deep_predictor.training.architectures.losses import loss_named
from deep_predictor.training.batches import Batch, Batches
from deep_predictor.training.checkpoint import LAST_FILE, Checkpoints, arrays_of, restore
from deep_predictor.training.schedule import Phase, Plateau, rate_at

if TYPE_CHECKING:
    import keras

    from deep_predictor.training.config import FitOptions

#: A probability of zero for the true class costs this much of a logarithm, not infinity.
_SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class EpochFigures:
    """Mean loss (cross-entropy in nats, unless the architecture has its own) and share of right answers.

    Epochs count from 1. The figures of training are those during the epoch, of augmented pictures and smoothed labels.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float = 0.0
    seconds: float = 0.0


class StepFigures(NamedTuple):
    """How far an epoch is after a step; loss and accuracy are of its training pictures so far. All count from 1."""

    epoch: int
    step: int
    steps: int
    images: int
    loss: float
    accuracy: float


class TrainFigures(NamedTuple):
    """Of the training pictures during an epoch; the rate is that of its last step."""

    loss: float
    accuracy: float
    learning_rate: float


@dataclass(frozen=True)
class Watcher:
    """What is told how far a run is: after each step, and after each epoch with its figures; may raise to end it."""

    on_step: Callable[[StepFigures], object] = lambda step: None
    on_epoch: Callable[[EpochFigures], object] = lambda figures: None


@dataclass
class _Progress:
    """What a checkpoint holds beside arrays."""

    history: list[EpochFigures] = field(default_factory=list)
    best_epoch: int = 0
    plateau: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "history": [asdict(figures) for figures in self.history]}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> _Progress:
        return cls(**{**state, "history": [EpochFigures(**figures) for figures in state["history"]]})


class Trainer:
    """Fits one network by one cfg. `loss`: the name of the architecture's loss."""

    def __init__(
        self, network: keras.Model, options: FitOptions, loss: str, class_weights: np.ndarray | None = None
    ) -> None:
        """`class_weights`: (classes,), None where all count the same."""
        self._network, self._options, self._loss, self._weights = network, options, loss, class_weights
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
        self._network.compile(
            _optimizer(self._options),
            loss=loss_named(self._loss, self._options.label_smoothing),
            metrics=["categorical_accuracy"],
        )
        self._network.optimizer.build(self._network.trainable_variables)

    def train_epoch(
        self, epoch: int, train: Batches, on_step: Callable[[StepFigures], object] = lambda step: None
    ) -> TrainFigures:
        """One pass over `train`, by the schedule's rates for this epoch (from 1). Raises TrainingDiverged."""
        options, network, phase = self._options, self._network, self._phase_of(epoch)
        if not network.compiled:
            self._compile(phase)
        rate, sums, count = phase.learning_rate, np.zeros(2), 0
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
            weights = None if self._weights is None else batch.targets @ self._weights
            logs = network.train_on_batch(batch.inputs, batch.targets, sample_weight=weights, return_dict=True)
            if not math.isfinite(logs["loss"]):
                raise TrainingDiverged(epoch, float(logs["loss"]), options.learning_rate)
            # Keras forgets its sums before each of these calls.
            sums += len(batch.inputs) * np.array([logs["loss"], logs["categorical_accuracy"]])
            count += len(batch.inputs)
            on_step(StepFigures(epoch, step + 1, len(train), count, *(sums / count).tolist()))
        loss, accuracy = (sums / max(1, count)).tolist()
        return TrainFigures(loss, accuracy, rate)

    def _epoch(self, epoch: int, train: Batches, val: Batches, watcher: Watcher) -> EpochFigures:
        started = time.monotonic()
        trained = self.train_epoch(epoch, train, watcher.on_step)
        val_loss, val_accuracy = self._validate(val)
        if not math.isfinite(val_loss):
            raise TrainingDiverged(epoch, val_loss, self._options.learning_rate)
        seconds = round(time.monotonic() - started, 3)
        return EpochFigures(
            epoch, trained.loss, trained.accuracy, val_loss, val_accuracy, trained.learning_rate, seconds
        )

    def _validate(self, val: Batches) -> tuple[float, float]:
        """(loss, accuracy) of plain labels."""
        probabilities = predict_probabilities(self._network, val.in_order())
        return plain_loss(probabilities, val.labels, self._loss), float((probabilities.argmax(1) == val.labels).mean())

    def _end_epoch(self, figures: EpochFigures, checkpoints: Checkpoints | None) -> list[np.ndarray] | None:
        """Note the figures, write the checkpoint; the weights where this epoch is the best so far."""
        progress = self._progress
        progress.history.append(figures)
        self._plateau.end_epoch(figures.val_loss)
        progress.plateau = self._plateau.state()
        is_best = progress.best_epoch == 0 or _rank(figures, self._options) > _rank(self.best, self._options)
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


def predict_probabilities(network: keras.Model, batches: Iterable[Batch]) -> np.ndarray:
    """(N, classes) of all pictures of the batches."""
    return np.concatenate([np.asarray(network.predict_on_batch(batch.inputs), np.float32) for batch in batches])


def plain_loss(probabilities: np.ndarray, labels: np.ndarray, loss: str) -> float:
    """The mean loss of (N, classes) outputs against (N,) labels; NaN where an output is none."""
    if loss == "cross_entropy":
        of_true_class = probabilities[np.arange(len(labels)), labels].astype(np.float64)
        return float(-np.log(of_true_class.clip(_SMALLEST_PROBABILITY, 1)).mean())
    targets = np.eye(probabilities.shape[1], dtype=np.float32)[labels]
    return float(np.mean(np.asarray(loss_named(loss, 0.0)(targets, probabilities))))


def balanced_weights(labels: np.ndarray, class_count: int) -> np.ndarray:
    """(classes,): pictures / (classes * pictures of the class); a class without pictures counts 1."""
    counts = np.bincount(labels, minlength=class_count)
    return np.where(counts > 0, len(labels) / (class_count * np.maximum(counts, 1)), 1.0).astype(np.float32)


def _rank(figures: EpochFigures, options: FitOptions) -> tuple[float, float]:
    """More is better; of equal accuracies the lower loss counts."""
    if options.keep_best == "val_accuracy":
        return figures.val_accuracy, -figures.val_loss
    return -figures.val_loss, 0.0


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
