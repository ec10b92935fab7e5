"""`fit_options` of a training cfg: how the network is fitted, and what its epochs are judged by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from pydantic import AliasChoices, Field, field_validator, model_validator

from deep_predictor.backends.base import Task
from deep_predictor.config.strict import StrictModel
from deep_predictor.os_limits import usable_cores
from deep_predictor.training.architectures.table import ARCHITECTURES
from deep_predictor.training.figures import Judgement
from deep_predictor.training.schedule import ScheduleName

#: What the epochs of a task can be judged by; the first unless the cfg says otherwise.
JUDGEMENTS: Mapping[Task, tuple[Judgement, ...]] = {
    "classification": ("val_loss", "val_accuracy"),
    "detection": ("val_map50_95", "val_map50", "val_loss"),
    "segmentation": ("val_miou", "val_accuracy", "val_loss"),
}


class FineTuning(StrictModel):
    """Two phases for a network that comes with weights: its new head alone, then its top blocks too."""

    #: Epochs, of all, in which only the head is trained.
    head_epochs: int = Field(5, ge=1)
    #: Share of the body's layers, counted from the head, that the second phase trains.
    top_share: float = Field(0.3, gt=0, le=1)
    #: The second phase begins with the learning rate times this.
    top_learning_rate_factor: float = Field(0.1, gt=0, le=1)


class FitOptions(StrictModel):
    """How the network is fitted."""

    architecture: str
    epochs: int = Field(gt=0, le=100_000, validation_alias=AliasChoices("epochs", "num_epochs"))
    batch_size: int = Field(32, gt=0, le=65_536)
    #: Threads that read and prepare pictures; None: one a core.
    workers: int | None = Field(None, ge=1, le=64, validation_alias=AliasChoices("workers", "num_workers"))
    optimizer: Literal["sgd", "adam", "adamw"] = "adam"
    #: At the first step after the warm-up.
    learning_rate: float = Field(0.001, gt=0, le=10)
    #: Of SGD.
    momentum: float = Field(0.9, ge=0, lt=1)
    #: Of AdamW.
    weight_decay: float = Field(0.004, ge=0, le=10)
    #: Times the sum of squares of all kernels, added to the loss.
    l2: float = Field(0.0, ge=0, le=10, validation_alias=AliasChoices("l2", "l2_reg"))
    schedule: ScheduleName = "cosine"
    warm_up_epochs: float = Field(0.0, ge=0)
    #: `constant` and `plateau`: rate / (1 + decay * epochs done).
    learning_rate_decay: float = Field(0.0, ge=0, validation_alias=AliasChoices("learning_rate_decay", "lr_decay"))
    plateau_factor: float = Field(0.5, gt=0, lt=1)
    plateau_patience: int = Field(3, ge=1)
    #: `balanced`: by how rare a class is in the training part; or a number by class name, absent ones 1.
    class_weights: Literal["balanced"] | dict[str, float] | None = None
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    #: The largest norm of all gradients together; None: as they are.
    clip_norm: float | None = Field(None, gt=0)
    #: Ends the run when the kept figure was not better for so many epochs; None: all epochs are run.
    early_stop_patience: int | None = Field(None, ge=1)
    #: What the kept epoch is best in; None: the first of JUDGEMENTS.
    keep_best: Judgement | None = None
    #: float16 arithmetic where a GPU is; elsewhere it does nothing.
    mixed_precision: bool = False
    #: The same figures again from the same seed, also after kills: slower, on one machine's CPU.
    deterministic: bool = False
    #: Pictures kept in memory between epochs, in 10^6 bytes; what does not fit is read again.
    cache_mb: int = Field(1000, ge=0)
    fine_tuning: FineTuning | None = None

    @field_validator("architecture")
    @classmethod
    def _is_known(cls, name: str) -> str:
        return _one_of(name, ARCHITECTURES)

    @field_validator("class_weights")
    @classmethod
    def _are_positive(cls, weights: Any) -> Any:
        if isinstance(weights, dict) and any(weight <= 0 for weight in weights.values()):
            raise ValueError("each weight must be > 0")
        return weights

    @model_validator(mode="after")
    def _has_two_phases(self) -> FitOptions:
        if self.fine_tuning and self.fine_tuning.head_epochs >= self.epochs:
            raise ValueError(f"fine_tuning.head_epochs must be less than epochs ({self.epochs})")
        return self

    @model_validator(mode="after")
    def _judges_what_there_is(self) -> FitOptions:
        if self.keep_best:
            check_judgement("keep_best", self.keep_best, self.architecture)
        return self

    @property
    def judgement(self) -> Judgement:
        """What the epoch that is kept is chosen by."""
        return self.keep_best or default_judgement(self.architecture)

    @property
    def worker_count(self) -> int:
        return self.workers or usable_cores()


def default_judgement(architecture: object) -> Judgement:
    """What the epochs of an architecture are judged by unless the cfg says otherwise."""
    known = ARCHITECTURES.get(architecture) if isinstance(architecture, str) else None
    return JUDGEMENTS[known.task if known else "classification"][0]


def check_judgement(key: str, judgement: Judgement, architecture: str) -> None:
    known = JUDGEMENTS[ARCHITECTURES[architecture].task]
    if judgement not in known:
        raise ValueError(f"{key} must be one of {', '.join(known)} for {architecture!r} (got {judgement!r})")


def _one_of(name: str, known: Collection[str]) -> str:
    if name not in known:
        raise ValueError(f"is unknown; known are: {', '.join(sorted(known))}")
    return name
