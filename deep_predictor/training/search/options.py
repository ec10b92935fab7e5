"""`search_options` of a training cfg: which keys are searched, over which values, and how."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from deep_predictor.config.strict import StrictModel
from deep_predictor.training.figures import Judgement

#: How far (high - low) / step may be from a whole number.
_ROUNDING = 1e-9


def _number(value: Any) -> int | float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError("must be a number")
    return value


#: A number that stays as it was written: 1 is a whole one, 1.0 is not.
Number = Annotated[Any, AfterValidator(_number)]


class RangeOptions(StrictModel):
    """The values that one key may take: those from `low` to `high`, or one of `choices`."""

    low: Number = None
    high: Number = None
    #: Distance of the values from each other; None: any value (of whole numbers, each).
    step: Number = None
    #: Whether 0.001 to 0.01 counts as much as 0.01 to 0.1.
    log: bool = False
    choices: tuple[Any, ...] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _is_one_kind(self) -> RangeOptions:
        given = self.low is not None, self.high is not None
        if self.choices is not None:
            if any(given) or self.step is not None or self.log:
                raise ValueError("has choices, so low, high, step and log mean nothing")
            return self
        if not all(given):
            raise ValueError("must have low and high, or choices")
        if self.low >= self.high:
            raise ValueError(f"low must be < high (got {self.low} and {self.high})")
        if self.log and self.low <= 0:
            raise ValueError(f"low must be > 0 where log is on (got {self.low})")
        if self.step is not None:
            self._check_step()
        return self

    def _check_step(self) -> None:
        if self.log:
            raise ValueError("step and log exclude each other")
        if self.step <= 0:
            raise ValueError(f"step must be > 0 (got {self.step})")
        count = (self.high - self.low) / self.step
        if abs(count - round(count)) > _ROUNDING * max(1.0, count):
            raise ValueError(f"high must be a whole number of steps above low (got {count:g})")


class SearchOptions(StrictModel):
    """How the best values are looked for."""

    #: Dotted key below training_options -> its values.
    ranges: dict[str, RangeOptions] = Field(min_length=1)
    #: How many are tried, failed and pruned ones included.
    trials: int = Field(20, ge=1, le=100_000)
    #: How many are trained at a time, each in a process of its own.
    processes: int = Field(1, ge=1, le=64)
    #: Of the choice of values; with one process the same seed tries the same ones.
    seed: int = Field(1, ge=0, lt=2**32)
    #: What is the best: of the epoch that a run keeps, on the validation part.
    metric: Judgement = "val_accuracy"
    #: So many trials take values by chance, before the ones that follow learn from them.
    random_trials: int = Field(10, ge=1)
    #: `median`: a trial ends when it is worse than half of the others were at its epoch.
    pruner: Literal["median", "none"] = "median"
    #: No trial is pruned before it has so many epochs, or before so many trials are done.
    pruner_epochs: int = Field(3, ge=0)
    pruner_trials: int = Field(5, ge=1)

    @property
    def is_lower_better(self) -> bool:
        return self.metric == "val_loss"

    @field_validator("ranges")
    @classmethod
    def _have_keys(cls, ranges: dict[str, RangeOptions]) -> dict[str, RangeOptions]:
        for key in ranges:
            if not all(key.split(".")):
                raise ValueError(f"{key!r} is no key: it is words with a dot between them")
        return ranges
