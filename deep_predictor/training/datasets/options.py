"""`dataset_options` of a training cfg."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from deep_predictor.config.strict import ProjectPath, StrictModel
from deep_predictor.training.datasets.table import FORMATS, get_format
from deep_predictor.training.scenes import SceneOptions


class SceneSetOptions(StrictModel):
    """Which digit scenes."""

    #: Boxes or masks.
    task: Literal["detection", "segmentation"] = "detection"
    #: Of masks: a class for each of the ten digits, or one for whatever is a digit.
    mask_classes: Literal["digits", "digit"] = "digits"
    #: Scenes of all parts together.
    count: int = Field(2000, ge=3, le=1_000_000)
    #: Other scenes of the same digits.
    seed: int = Field(1, ge=0)
    #: Pixels of a side.
    side: int = Field(128, ge=32, le=4096)
    #: A digit is 8 pixels times its scale wide and high; so many are in a scene.
    smallest_scale: float = Field(1.0, ge=1, le=100)
    largest_scale: float = Field(3.0, ge=1, le=100)
    fewest: int = Field(3, ge=1, le=100)
    most: int = Field(8, ge=1, le=100)

    @model_validator(mode="after")
    def _makes_scenes(self) -> SceneSetOptions:
        self.scene_options()
        return self

    def scene_options(self) -> SceneOptions:
        """Raises ValueError where the digits do not fit."""
        return SceneOptions(
            width=self.side,
            height=self.side,
            smallest_scale=self.smallest_scale,
            largest_scale=self.largest_scale,
            fewest=self.fewest,
            most=self.most,
        )


class DatasetOptions(StrictModel):
    """Which labelled pictures, and the shares of each class that are kept from training."""

    #: One of the formats.
    name: str
    #: The file or folder; sklearn_digits has none.
    path: ProjectPath | None = None
    #: Chooses the epoch that is kept. Not used where the set's own folders give a validation part.
    val_share: float = Field(0.1, gt=0, lt=1)
    #: Read once, for the final figures. Not used where the set's own folders give a test part.
    test_share: float = Field(0.2, gt=0, lt=1)
    #: What a zip may hold, unpack to, and unpack to as a multiple of its own size.
    max_files: int = Field(500_000, gt=0)
    max_bytes: int = Field(50 * 1024**3, gt=0)
    max_ratio: float = Field(100, ge=1)
    #: For digit_scenes alone.
    scene_options: SceneSetOptions = SceneSetOptions()

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in FORMATS:
            raise ValueError(f"is unknown; known are: {', '.join(sorted(FORMATS))}")
        return name

    @model_validator(mode="after")
    def _leaves_some_to_train_on(self) -> DatasetOptions:
        if self.val_share + self.test_share >= 1:
            raise ValueError("val_share and test_share must leave something to train on")
        return self

    @model_validator(mode="after")
    def _has_the_path_that_it_needs(self) -> DatasetOptions:
        needs_path = get_format(self.name).needs_path
        if needs_path and self.path is None:
            raise ValueError(f"path must name the file or folder of format {self.name!r}")
        if not needs_path and self.path is not None:
            raise ValueError(f"path has no meaning for format {self.name!r}")
        if "scene_options" in self.model_fields_set and self.name != "digit_scenes":
            raise ValueError(f"scene_options have no meaning for format {self.name!r}")
        return self
