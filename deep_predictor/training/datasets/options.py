"""`dataset_options` of a training cfg."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from deep_predictor.config.strict import ProjectPath, StrictModel
from deep_predictor.training.datasets.table import FORMATS, get_format


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
        return self
