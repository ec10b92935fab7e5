"""The cfg keys that say what a network wants to see, and what runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from deep_predictor.backends.base import Task
from deep_predictor.config.predictor_config import PredictorOptions, PredictorPaths
from deep_predictor.config.strict import ProjectFolder, ProjectPath
from deep_predictor.engines.request import Device, EngineChoice, InputLayout, NetworkRequest, Precision
from deep_predictor.images.preprocessing import ColorMode, InputSpec, PerChannel, ResizeFilter, ResizeMode


class NetworkPaths(PredictorPaths):
    """`model_path`: the network; `names_path`: its class names, UTF-8, one a line."""

    model_path: ProjectPath
    names_path: ProjectPath


class EngineOptions(PredictorOptions):
    """What runs the network."""

    #: `auto`: the fastest of those that answer as TensorFlow does, measured at the first load.
    engine: EngineChoice = "auto"
    #: `fast` also admits bf16 and int8, where they name the same class on 99 % of real pictures.
    precision: Precision = "exact"
    #: `auto`: a GPU where an engine sees one and is faster on it.
    device: Device = "auto"
    #: Real pictures for `"precision": "fast"`; without it, the folder `golden` beside the model.
    probe_folder: ProjectFolder | None = None

    def request_fields(self) -> dict[str, Any]:
        """What the engine room has to know beside what every network says: fields of NetworkRequest."""
        return {}


class FileOptions(EngineOptions):
    """What backends that are named after a kind of file ask beside the keys of their task."""

    task: Task
    #: Order of the input's axes. None: as the file tells, or as files of its kind have it.
    input_layout: InputLayout | None = None
    #: The outputs that count; several are joined along the last axis, in this order. (): the only one.
    output_names: tuple[str, ...] = Field((), max_length=16)

    def request_fields(self) -> dict[str, Any]:
        return {"input_layout": self.input_layout, "output_names": self.output_names}


class InputOptions(EngineOptions):
    """`input = (value * scale - mean) / std`, value 0..255. A key that is absent takes its default from the backend."""

    color_mode: ColorMode | None = None
    scale: PerChannel | None = None
    mean: PerChannel = 0.0
    std: PerChannel = 1.0
    resize_mode: ResizeMode = "stretch"
    resize_filter: ResizeFilter = "linear"
    #: Whether a JPEG may be decoded at a smaller scale, with at least twice the pixels a side that the input has.
    scaled_decoding: bool = False

    def make_spec(self, width: int, height: int, color_mode: ColorMode, scale: PerChannel = 1.0) -> InputSpec:
        """`color_mode` and `scale` stand where the cfg is silent. Raises ValueError when keys do not fit together."""
        return InputSpec(
            width=width,
            height=height,
            color_mode=self.color_mode or color_mode,
            scale=scale if self.scale is None else self.scale,
            mean=self.mean,
            std=self.std,
            resize_mode=self.resize_mode,
            resize_filter=self.resize_filter,
        )


def network_request(options: EngineOptions, model_path: Path, spec: InputSpec) -> NetworkRequest:
    """What the engine room is asked for."""
    return NetworkRequest(
        model_path=model_path,
        spec=spec,
        engine=options.engine,
        precision=options.precision,
        device=options.device,
        max_batch_size=options.max_batch_size,
        probe_folder=options.probe_folder,
        **options.request_fields(),
    )
