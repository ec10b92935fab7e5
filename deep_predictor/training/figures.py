"""The figures of a training, epoch by epoch: what the trainer tells, and everybody else writes, shows and compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

#: What an epoch can be judged by. A loss is better when it is lower, all others when they are higher.
Judgement = Literal["val_loss", "val_accuracy", "val_map50", "val_map50_95", "val_miou"]


class ValFigures(NamedTuple):
    """Of the validation part after an epoch; None: a figure that the task does not have."""

    loss: float
    #: Share of right answers, or of right pixels.
    accuracy: float | None = None
    map50: float | None = None
    map50_95: float | None = None
    miou: float | None = None


@dataclass(frozen=True)
class EpochFigures:
    """Mean loss (cross-entropy in nats, unless the architecture has its own), and how good the answers are.

    Epochs count from 1. The figures of training are those during the epoch, of augmented pictures and smoothed labels.
    `accuracy`: share of right answers, or of right pixels. None: a figure that the task does not have.
    """

    epoch: int
    loss: float
    accuracy: float | None
    val_loss: float
    val_accuracy: float | None
    learning_rate: float = 0.0
    seconds: float = 0.0
    val_map50: float | None = None
    val_map50_95: float | None = None
    val_miou: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The figures that there are, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, figures: dict[str, Any]) -> EpochFigures:
        return cls(**{"accuracy": None, "val_accuracy": None, **figures})

    def value_of(self, judgement: str) -> float:
        """A figure by name; one that is not there counts as 0: nothing was found."""
        value = getattr(self, judgement)
        return 0.0 if value is None else float(value)

    def rank(self, judgement: str) -> tuple[float, float]:
        """More is better; of equal figures the lower loss counts."""
        if judgement == "val_loss":
            return -self.val_loss, 0.0
        return self.value_of(judgement), -self.val_loss


class StepFigures(NamedTuple):
    """How far an epoch is after a step; loss and accuracy are of its training pictures so far. All count from 1."""

    epoch: int
    step: int
    steps: int
    images: int
    loss: float
    accuracy: float | None


class TrainFigures(NamedTuple):
    """Of the training pictures during an epoch; the rate is that of its last step."""

    loss: float
    accuracy: float | None
    learning_rate: float


@dataclass(frozen=True)
class Watcher:
    """What is told how far a run is: after each step, and after each epoch with its figures; may raise to end it."""

    on_step: Callable[[StepFigures], object] = lambda step: None
    on_epoch: Callable[[EpochFigures], object] = lambda figures: None
