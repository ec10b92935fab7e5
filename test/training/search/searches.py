"""Small searches for tests: a cfg of few keys, and a program that runs one of them and may be killed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, model_validator

from deep_predictor.config.strict import StrictModel, parse
from deep_predictor.training.search.options import SearchOptions
from deep_predictor.training.search.ranges import SECTION
from deep_predictor.training.search.running import SearchPlan, run_search


class Fit(StrictModel):
    learning_rate: float = Field(0.001, gt=0, le=10)
    epochs: int = Field(5, gt=0, le=100, validation_alias=AliasChoices("epochs", "num_epochs"))
    optimizer: Literal["sgd", "adam"] = "adam"
    keep_best: Literal["val_loss", "val_accuracy"] = "val_loss"
    head_epochs: int = 1

    @model_validator(mode="after")
    def _head_is_shorter(self) -> Fit:
        if self.head_epochs > self.epochs:
            raise ValueError(f"head_epochs must not be more than epochs ({self.epochs})")
        return self


class Options(StrictModel):
    """Stands for TrainingOptions."""

    run_folder: str | None = None
    output_folder: str | None = None
    seed: int = 1
    dataset_options: dict[str, Any] = Field(default_factory=dict)
    fit_options: Fit = Fit()
    augmentation: tuple[dict[str, Any], ...] = ()
    search_options: SearchOptions | None = None


RANGES: dict[str, Any] = {"fit_options.learning_rate": {"low": 0.0001, "high": 1.0, "log": True}}


def check(section: dict[str, Any]) -> Options:
    return parse(Options, section, "x.cfg", SECTION, Path("/"))


def plan_of(trainer: str = "train", ranges: dict[str, Any] | None = None, **search: Any) -> SearchPlan:
    options = {"ranges": ranges or RANGES, "trials": 5, "pruner": "none", **search}
    section = {"seed": 4, "fit_options": {"optimizer": "sgd"}, "search_options": options}
    read = check(section).search_options
    assert read is not None
    return SearchPlan(section, read, "x.cfg", Path("/"), check, f"test.training.search.fake_trials:{trainer}")


if __name__ == "__main__":
    run_search(plan_of("hold", trials=4, processes=int(sys.argv[2])), Path(sys.argv[1]))
