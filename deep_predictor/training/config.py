"""A training run's cfg file: what is trained on what, and what its predictor cfg will say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from deep_predictor.config.strict import ProjectPath, StrictModel, get_section, parse, read_json_object, shown_path
from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.images.preprocessing import ColorMode, InputSpec, PerChannel, ResizeFilter, ResizeMode
from deep_predictor.training.architectures import ARCHITECTURES
from deep_predictor.training.datasets import DATASETS

#: The one key that a training cfg holds.
SECTION = "training_options"


class DatasetOptions(StrictModel):
    """Which labelled pictures, and the shares of each class that are kept from training."""

    name: str
    #: Chooses the epoch that is kept.
    val_share: float = Field(0.1, gt=0, lt=1)
    #: Read once, for the final figures.
    test_share: float = Field(0.2, gt=0, lt=1)

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        return _one_of(name, DATASETS)

    @model_validator(mode="after")
    def _leaves_some_to_train_on(self) -> DatasetOptions:
        if self.val_share + self.test_share >= 1:
            raise ValueError("val_share and test_share must leave something to train on")
        return self


class InputOptions(StrictModel):
    """What the network gets of a picture; see `images.preprocessing.InputSpec`, which is made of it."""

    width: int = Field(gt=0, le=4096)
    height: int = Field(gt=0, le=4096)
    color_mode: ColorMode = "rgb"
    scale: PerChannel = 1.0
    mean: PerChannel = 0.0
    std: PerChannel = 1.0
    resize_mode: ResizeMode = "stretch"
    resize_filter: ResizeFilter = "area"

    @model_validator(mode="after")
    def _makes_a_spec(self) -> InputOptions:
        self.to_spec()
        return self

    def to_spec(self) -> InputSpec:
        """Raises ValueError when the values do not fit each other."""
        return InputSpec(**self.model_dump())


class FitOptions(StrictModel):
    """How the network is fitted."""

    architecture: str
    epochs: int = Field(gt=0, le=100_000)
    batch_size: int = Field(32, gt=0, le=65_536)
    #: At the first step; it falls along a cosine to zero.
    learning_rate: float = Field(0.001, gt=0, le=10)

    @field_validator("architecture")
    @classmethod
    def _is_known(cls, name: str) -> str:
        return _one_of(name, ARCHITECTURES)


class ServingOptions(StrictModel):
    """What the predictor cfg says beside what the run knows itself; keys as in a predictor cfg."""

    method: str = Field(min_length=1)
    model_id: int = 0
    predictions_main_folder: ProjectPath
    return_topN: int = Field(3, gt=0)
    confidence_threshold: float = Field(0.0, ge=0, le=1)
    predicted_image_action: str = "save"
    strip_metadata: bool = True


class TrainingOptions(StrictModel):
    """`training_options` of a cfg file."""

    #: The model folder; made, or replaced when a run wrote it.
    output_folder: ProjectPath
    #: Fixes the split, the first weights and the order of pictures.
    seed: int = Field(1, ge=0, lt=2**32)
    dataset_options: DatasetOptions
    input_options: InputOptions
    fit_options: FitOptions
    serving_options: ServingOptions


@dataclass(frozen=True)
class TrainingConfig:
    """A checked cfg file. `as_written` is its section, for the manifest; relative paths start from `root`."""

    file: str
    root: Path
    options: TrainingOptions
    as_written: dict[str, Any]


def load_training_config(path: Path, root: Path) -> TrainingConfig:
    """Raises ConfigError with all problems of the file at once."""
    file = shown_path(path, root)
    whole = read_json_object(path, root)
    section = get_section(whole, SECTION, file)
    problems = [ConfigProblem(file, key, f"unknown key; known is: {SECTION}") for key in whole if key != SECTION]
    try:
        options = parse(TrainingOptions, section, file, SECTION, root)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    return TrainingConfig(file=file, root=root, options=options, as_written=section)


def _one_of(name: str, known: Collection[str]) -> str:
    if name not in known:
        raise ValueError(f"is unknown; known are: {', '.join(sorted(known))}")
    return name
