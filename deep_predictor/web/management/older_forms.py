"""What the older automation sends and is answered, field by field. Numbers come as texts too."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from deep_predictor.web.management.augment_api import AugmentRequest, Coordinate
from deep_predictor.web.management.job_answers import OLDER_STATUS
from deep_predictor.web.operations import AnswerModel, Line, RequestModel

FileName = Annotated[str, Field(max_length=400)]


class OlderSegment(RequestModel):
    """`ean` is the label."""

    image: str
    x1: Coordinate
    y1: Coordinate
    x2: Coordinate
    y2: Coordinate
    ean: Line


class OlderSegmentAnswer(AnswerModel):
    """`output_image`: a PNG with transparency as base64."""

    output_image: str
    dataset_id: int
    item_id: int
    status_code: Literal["200"] = OLDER_STATUS


class OlderGenerate(AugmentRequest):
    """The same fields, on the data set of the cut-outs."""


class OlderJobs(AnswerModel):
    """`jobs`: the number of the one job that was queued."""

    jobs: int
    status_code: Literal["200"] = OLDER_STATUS


class OlderTrain(RequestModel):
    """`num_classes`, `testset_dir` are read and not used: the data set says what its classes and its test part are."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: Annotated[str, Field(min_length=1, max_length=100)]
    dataset: Annotated[str, Field(min_length=1, max_length=200)] | Annotated[int, Field(ge=1, le=999_999_999)]
    num_epochs: int = Field(gt=0, le=100_000)
    num_classes: int | None = Field(None, gt=0, le=1_000_000)
    batch_size: int = Field(32, gt=0, le=65_536)
    is_transform: bool = True
    num_workers: int | None = Field(None, gt=0, le=64)
    learning_rate: float = Field(0.001, gt=0, le=10)
    lr_decay: float = Field(0.0, ge=0, le=1000)
    l2_reg: float = Field(0.0, ge=0, le=10)
    convert_grey: bool = False
    hdf5_path: FileName = ""
    trainset_dir: FileName = ""
    testset_dir: FileName = ""

    def settings(self) -> dict[str, Any]:
        """As our own cfg has them."""
        fit: dict[str, Any] = {
            "architecture": self.model_name,
            "epochs": self.num_epochs,
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
            "learning_rate_decay": self.lr_decay,
            "l2": self.l2_reg,
        }
        if self.num_workers:
            fit["workers"] = self.num_workers
        settings: dict[str, Any] = {"fit_options": fit, "is_transform": int(self.is_transform)}
        if self.convert_grey:
            settings["input_options"] = {"convert_grey": 1}
        return settings


class OlderTest(RequestModel):
    """`dataset`: the number or the name of a data set."""

    image: str
    dataset: Annotated[str, Field(min_length=1, max_length=200)] | Annotated[int, Field(ge=1, le=999_999_999)]


class OlderTestForm(RequestModel):
    """The same by a form; `image` is a file, or base64."""

    dataset: Annotated[str, Field(min_length=1, max_length=200)]
    image: str | None = None


class OlderTestAnswer(AnswerModel):
    """The label that the data set's newest model finds likeliest."""

    result: str
