"""The form that a model comes with: what its classes are called, what it wants to see, what its numbers mean."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from deep_predictor.backends.base import Task
from deep_predictor.backends.boxes import BoxFormat, BoxUnits, OutputAxes, ScoreLayout
from deep_predictor.engines.request import InputLayout
from deep_predictor.errors import RequestInvalid
from deep_predictor.images.preprocessing import ColorMode, InputSpec, PerChannel, ResizeFilter, ResizeMode
from deep_predictor.publishing.uploads import ModelUpload
from deep_predictor.web.authentication import current_principal
from deep_predictor.web.management.publications_api import ModelName
from deep_predictor.web.operations import RequestModel, checked

_MOST_NAMES, _LONGEST_NAME = 100_000, 200
_LONGEST_JSON = 10_000

Side = Annotated[int, Field(ge=1, le=8192)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=100_000)]
OutputName = Annotated[str, Field(min_length=1, max_length=200)]


def _one_json_object(text: str) -> str:
    try:
        written = json.loads(text)
    except (ValueError, RecursionError):
        written = None
    if not isinstance(written, dict):
        raise ValueError("must be a JSON object")
    return text


def _class_names(text: str) -> str:
    names = _names_in(text)
    if not names or len(names) > _MOST_NAMES:
        raise ValueError(f"must have 1 to {_MOST_NAMES} names, one a line")
    if any(len(name) > _LONGEST_NAME or not name.isprintable() for name in names):
        raise ValueError(f"a name must be printable, and have {_LONGEST_NAME} characters at most")
    return text


class ModelForm(RequestModel):
    name: ModelName
    names: Annotated[str, AfterValidator(_class_names)] = Field(
        description="The names of the classes in the order of the outputs, one a line."
    )
    preprocessing: Annotated[str, Field(max_length=_LONGEST_JSON), AfterValidator(_one_json_object)] = Field(
        description="A JSON object: width, height, and color_mode, scale, mean, std, resize_mode, resize_filter."
    )
    task: Task = "classification"
    options: Annotated[str, Field(max_length=_LONGEST_JSON), AfterValidator(_one_json_object)] = Field(
        "{}", description="A JSON object: what a predictor's cfg says of such a network, by the same keys."
    )


class Preprocessing(RequestModel):
    """As in a predictor's cfg; what is left out is as there."""

    width: Side
    height: Side
    color_mode: ColorMode = "bgr"
    scale: PerChannel = 1.0
    mean: PerChannel = 0.0
    std: PerChannel = 1.0
    resize_mode: ResizeMode = "stretch"
    resize_filter: ResizeFilter = "linear"


class TaskOptions(RequestModel):
    """`model_options` of a predictor's cfg that a sent model may have; what is left out is as there."""

    input_layout: InputLayout | None = None
    output_names: list[OutputName] = Field([], max_length=16)
    activation: Literal["none", "softmax", "sigmoid"] = "none"
    return_topN: Count = 5
    confidence_threshold: Share = 0.0
    box_format: BoxFormat | None = None
    box_units: BoxUnits | None = None
    scores: ScoreLayout | None = None
    output_axes: OutputAxes | Literal["classes_last", "classes_first"] | None = None
    first_label: Annotated[int, Field(ge=0, le=1000)] = 0
    iou_threshold: Share | None = None
    score_threshold: Share = 0.25
    max_output_size_per_class: Count = 50
    max_total_size: Count = 50
    pixel_values: Literal["class_scores", "one_score", "class_number"] = "class_scores"
    mask_threshold: float = 0.5
    background_index: Annotated[int, Field(ge=0, le=255)] | None = 0
    mask_resampling: Literal["bilinear", "nearest"] = "bilinear"


def upload_of(form: ModelForm) -> ModelUpload:
    """Raises RequestInvalid for fields that make no sense by themselves."""
    preprocessing = checked(Preprocessing, json.loads(form.preprocessing))
    options = checked(TaskOptions, json.loads(form.options)).model_dump(exclude_unset=True)
    try:
        spec = InputSpec(**preprocessing.model_dump())
    except ValueError as error:
        raise RequestInvalid([("preprocessing", str(error))]) from None
    names = _names_in(form.names)
    return ModelUpload(form.name, names, spec, current_principal().user_id, form.task, options)


def _names_in(text: str) -> list[str]:
    return [name for line in text.replace("\r", "\n").split("\n") if (name := line.strip())]
