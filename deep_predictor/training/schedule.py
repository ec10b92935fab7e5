"""The learning rate of each step. Pure functions of the step and of what the validation figures were."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

ScheduleName = Literal["constant", "cosine", "plateau"]


@dataclass
class Plateau:
    """Lowers the rate when a figure stops getting better; its state is part of a checkpoint."""

    factor: float
    patience: int
    best: float = field(default=math.inf)
    waited: int = 0
    share: float = 1.0

    def end_epoch(self, val_loss: float) -> None:
        """After `patience` epochs without a lower loss, the rate is multiplied by `factor`."""
        if val_loss < self.best:
            self.best, self.waited = val_loss, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.share, self.waited = self.share * self.factor, 0

    def state(self) -> dict[str, Any]:
        return {"best": self.best if math.isfinite(self.best) else None, "waited": self.waited, "share": self.share}

    def restore(self, state: dict[str, Any]) -> None:
        self.best = math.inf if state["best"] is None else state["best"]
        self.waited, self.share = state["waited"], state["share"]


@dataclass(frozen=True)
class Phase:
    """Epochs `first` to `last` (from 1, both included) that share one rate at their beginning."""

    first: int
    last: int
    learning_rate: float


def rate_at(
    name: ScheduleName,
    phase: Phase,
    epoch: int,
    step: int,
    steps: int,
    warm_up_epochs: float,
    decay: float,
    share: float,
) -> float:
    """The rate of one step (from 0) of an epoch (from 1) that has `steps` of them.

    The rate rises in a line over the first `warm_up_epochs` of the phase. Then: `cosine` falls to zero at the phase's
    end (Loshchilov and Hutter 2017, SGDR, without restarts), `constant` stays, `plateau` is multiplied by `share`; the
    last two fall with the time besides when `decay` is given: rate / (1 + decay * epochs done).
    """
    done = (epoch - phase.first) * steps + step
    warm_up = round(warm_up_epochs * steps)
    if done < warm_up:
        return phase.learning_rate * (done + 1) / warm_up
    if name == "cosine":
        total = (phase.last - phase.first + 1) * steps - warm_up
        return phase.learning_rate * 0.5 * (1 + math.cos(math.pi * (done - warm_up) / max(1, total)))
    rate = phase.learning_rate / (1 + decay * (epoch - phase.first))
    return rate * share if name == "plateau" else rate
