"""A training run's cfg file: what is trained on what, and what its predictor cfg will say.

The names of older automation are accepted beside ours: `num_epochs`, `l2_reg`, `lr_decay`, `num_workers`,
`convert_grey`, `is_transform`, `image_size`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from deep_predictor.config.strict import ProjectPath, StrictModel, get_section, parse, read_json_object, shown_path
from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.images.preprocessing import ColorMode, InputSpec, PerChannel, ResizeFilter, ResizeMode
from deep_predictor.training.architectures.options import ArchitectureOptions
from deep_predictor.training.architectures.table import ARCHITECTURES
from deep_predictor.training.augmentation.known import KnownPicture
from deep_predictor.training.augmentation.table import build_augmentation, find_problems, task_problems
from deep_predictor.training.batches import Augmenting
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.fit_options import FitOptions, check_judgement, default_judgement
from deep_predictor.training.job_files import RUNS_FOLDER
from deep_predictor.training.search.options import SearchOptions

#: The one key that a training cfg holds.
SECTION = "training_options"


class InputOptions(StrictModel):
    """What the network gets of a picture; see `images.preprocessing.InputSpec`, which is made of it.

    What is absent is the architecture's own.
    """

    width: int = Field(gt=0, le=4096)
    height: int = Field(gt=0, le=4096)
    color_mode: ColorMode = "rgb"
    scale: PerChannel = 1.0
    mean: PerChannel = 0.0
    std: PerChannel = 1.0
    resize_mode: ResizeMode = "stretch"
    resize_filter: ResizeFilter = "area"
    #: Whether JPEGs are decoded at a smaller scale, in training and, by the predictor cfg, in serving.
    scaled_decoding: bool = True

    @model_validator(mode="before")
    @classmethod
    def _older_names(cls, values: Any) -> Any:
        return _renamed_input(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _makes_a_spec(self) -> InputOptions:
        self.to_spec()
        return self

    def to_spec(self) -> InputSpec:
        """Raises ValueError when the values do not fit each other."""
        return InputSpec(**self.model_dump(exclude={"scaled_decoding"}))

    def smallest_decoded(self) -> tuple[int, int] | None:
        """(width, height) that a JPEG may be decoded down to; None: in full."""
        return self.to_spec().smallest_decoded() if self.scaled_decoding else None


class ReportOptions(StrictModel):
    """What is chosen and told at the end of a run."""

    #: The confidence threshold is the lowest at which so many of the accepted answers are right, by Wilson's bound.
    target_precision: float = Field(0.95, gt=0, lt=1)
    #: TensorBoard logs in the run's folder; needs the package tensorboard.
    tensorboard: bool = False


class ServingOptions(StrictModel):
    """What the predictor cfg says beside what the run knows itself; keys as in a predictor cfg."""

    method: str = Field(min_length=1)
    model_id: int = 0
    predictions_main_folder: ProjectPath
    return_topN: int = Field(3, gt=0)
    #: None: chosen by the run, see ReportOptions.
    confidence_threshold: float | None = Field(None, ge=0, le=1)
    predicted_image_action: str = "save"
    strip_metadata: bool = True


class TrainingOptions(StrictModel):
    """`training_options` of a cfg file."""

    #: Everything that a run writes; absent: a folder below var/runs, named after the cfg file.
    run_folder: ProjectPath | None = None
    #: The model folder; made, or replaced when a run wrote it. Absent: `model` in the run's folder.
    output_folder: ProjectPath | None = None
    #: Fixes the split, the first weights, the order of pictures and their augmentation.
    seed: int = Field(1, ge=0, lt=2**32)
    dataset_options: DatasetOptions
    input_options: InputOptions
    fit_options: FitOptions
    architecture_options: ArchitectureOptions = ArchitectureOptions()
    #: Operations on the training pictures, in this order; see docs/training/augmentation.md.
    augmentation: tuple[Any, ...] = ()
    report_options: ReportOptions = ReportOptions()
    search_options: SearchOptions | None = None
    serving_options: ServingOptions

    @model_validator(mode="before")
    @classmethod
    def _fill_input(cls, values: Any) -> Any:
        """What `input_options` leaves out is the architecture's; older names of other sections find their place."""
        return _filled(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _searches_by_what_there_is(self) -> TrainingOptions:
        if self.search_options:
            check_judgement("search_options.metric", self.search_options.metric, self.fit_options.architecture)
        return self

    @model_validator(mode="after")
    def _has_masks_of_whole_pictures(self) -> TrainingOptions:
        if self.input_options.scaled_decoding and ARCHITECTURES[self.fit_options.architecture].task == "segmentation":
            raise ValueError("input_options.scaled_decoding must be 0: a mask has the size of the whole picture")
        return self

    def make_augmentation(self, root: Path, known: Mapping[str, KnownPicture] | None = None) -> Augmenting | None:
        """None where nothing is augmented. `known`: where each picture went, so that none of test comes back pasted.

        Raises ValueError naming the operation's place and key.
        """
        return build_augmentation(self.augmentation, root, "train", self.seed, known) if self.augmentation else None


@dataclass(frozen=True)
class TrainingConfig:
    """A checked cfg file. `as_written` is its section; relative paths start from `root`.

    `options.run_folder` and `options.output_folder` are never None here.
    """

    file: str
    root: Path
    options: TrainingOptions
    as_written: dict[str, Any]

    @property
    def run_folder(self) -> Path:
        assert self.options.run_folder is not None
        return self.options.run_folder

    @property
    def model_folder(self) -> Path:
        assert self.options.output_folder is not None
        return self.options.output_folder


def load_training_config(path: Path, root: Path, run_folder: Path | None = None) -> TrainingConfig:
    """Raises ConfigError with all problems of the file at once. `run_folder` wins over the cfg's."""
    file = shown_path(path, root)
    whole = read_json_object(path, root)
    section = get_section(whole, SECTION, file)
    problems = [ConfigProblem(file, key, f"unknown key; known is: {SECTION}") for key in whole if key != SECTION]
    try:
        if run_folder:
            section = {**section, "run_folder": str(run_folder)}
        config = training_config(section, file, root, root / RUNS_FOLDER / path.stem)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    return config


def training_config(section: Mapping[str, Any], file: str, root: Path, run_folder: Path) -> TrainingConfig:
    """Check `training_options`. `run_folder` counts where the section names none. Raises ConfigError."""
    options = parse(TrainingOptions, section, file, SECTION, root)
    found = find_problems(options.augmentation, root, "train", options.seed)
    found += task_problems(options.augmentation, ARCHITECTURES[options.fit_options.architecture].task)
    if found:
        raise ConfigError([ConfigProblem(file, f"{SECTION}.augmentation.{p.key}", p.message) for p in found])
    folder = (options.run_folder or run_folder).resolve()
    output = (options.output_folder or folder / "model").resolve()
    options = options.model_copy(update={"run_folder": folder, "output_folder": output})
    return TrainingConfig(file=file, root=root, options=options, as_written=dict(section))


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    fit, given = values.get("fit_options"), values.get("input_options", {})
    name = fit.get("architecture") if isinstance(fit, dict) else None
    if not isinstance(given, dict) or not isinstance(name, str) or name not in ARCHITECTURES:
        return values
    given = _renamed_input(given)
    own = dict(ARCHITECTURES[name].input_spec)
    if ARCHITECTURES[name].task == "segmentation":
        own["scaled_decoding"] = False
    if given.get("color_mode", own.get("color_mode")) != own.get("color_mode"):
        own = {key: value for key, value in own.items() if not isinstance(value, list | tuple)}
    filled = {**values, "input_options": {**own, **given}}
    if ARCHITECTURES[name].task != "classification" and isinstance(values.get("search_options"), dict):
        filled["search_options"] = {"metric": default_judgement(name), **values["search_options"]}
    if filled.pop("is_transform", True) in (False, 0, "0"):
        filled["augmentation"] = ()
    return filled


def _renamed_input(given: dict[str, Any]) -> dict[str, Any]:
    """`image_size` is both sides, `convert_grey` is a colour mode."""
    given = dict(given)
    if "image_size" in given:
        size = given.pop("image_size")
        given.setdefault("width", size)
        given.setdefault("height", size)
    if "convert_grey" in given:
        value = given.pop("convert_grey")
        if value not in (0, 1):
            raise ValueError(f"convert_grey must be 0 or 1 (got {value!r})")
        if value:
            given.setdefault("color_mode", "grayscale")
    return given
