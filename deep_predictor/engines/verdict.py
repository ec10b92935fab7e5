"""What was measured of the engines that could run a network, which one runs it, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from deep_predictor.engines.base import NumberType, RunSettings

#: `chosen` runs the network; `equal` answers alike and was slower; `refused` answers otherwise; `failed` could not be
#: converted or run; `skipped` was not tried.
TrialState = Literal["chosen", "equal", "refused", "failed", "skipped"]

VERDICT_FILE = "verdict.json"


@dataclass(frozen=True)
class Trial:
    """One way to run the network. `reason` says what `state` cannot: why it was refused, failed or skipped."""

    engine: str
    number_type: NumberType = "f32"
    state: TrialState = "skipped"
    reason: str = ""
    requests: int = 1
    threads: int = 1
    batch_size: int = 1
    on_gpu: bool = False
    #: max|output - reference| / max|reference| over all probes.
    difference: float | None = None
    #: Share of the probes whose best score is the reference's.
    top1_agreement: float | None = None
    #: With as many callers as it takes at a time, in batches of `batch_size`.
    images_per_second: float | None = None
    #: Of one picture alone.
    milliseconds: float | None = None

    @property
    def settings(self) -> RunSettings:
        return RunSettings(self.requests, self.threads, self.batch_size, self.number_type, self.on_gpu)

    @property
    def label(self) -> str:
        """`openvino f32, 2 x 1 threads`."""
        place = "GPU" if self.on_gpu else f"{self.requests} x {self.threads} threads"
        batch = f", batches of {self.batch_size}" if self.batch_size > 1 else ""
        return f"{self.engine} {self.number_type}, {place}{batch}"


@dataclass(frozen=True)
class Verdict:
    """`trials` has exactly one that is `chosen`. `conditions`: the machine and the versions it holds for."""

    trials: tuple[Trial, ...]
    reason: str
    conditions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def chosen(self) -> Trial:
        return next(trial for trial in self.trials if trial.state == "chosen")

    def to_dict(self) -> dict[str, Any]:
        return {"reason": self.reason, "conditions": dict(self.conditions), "trials": [asdict(t) for t in self.trials]}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Raises ValueError for what is no verdict."""
        try:
            trials = tuple(Trial(**trial) for trial in fields["trials"])
            verdict = cls(trials, str(fields["reason"]), dict(fields["conditions"]))
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a verdict: {error}") from error
        if sum(trial.state == "chosen" for trial in trials) != 1:
            raise ValueError("not a verdict: exactly one trial must be chosen")
        return verdict

    def write(self, folder: Path) -> None:
        (folder / VERDICT_FILE).write_text(json.dumps(self.to_dict(), indent=2), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises ValueError or OSError."""
        return cls.from_dict(json.loads((folder / VERDICT_FILE).read_text(encoding="utf-8")))

    def lines(self) -> list[str]:
        """A table for people: one line a trial, the chosen first, then the fastest first."""
        order = sorted(self.trials, key=lambda t: (t.state != "chosen", -(t.images_per_second or 0.0), t.engine))
        return [self.reason, *(_line(trial) for trial in order)]


def _line(trial: Trial) -> str:
    speed = "" if trial.images_per_second is None else f"{trial.images_per_second:9.1f} pictures/s"
    alone = "" if trial.milliseconds is None else f"{trial.milliseconds:8.2f} ms alone"
    apart = "" if trial.difference is None else f"difference {trial.difference:.1e}"
    parts = (f"{trial.state:8}", f"{trial.label:44}", f"{speed:20}", f"{alone:17}", apart, trial.reason)
    return "  ".join(part for part in parts if part).rstrip()
