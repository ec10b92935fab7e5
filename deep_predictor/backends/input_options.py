"""The cfg keys that say what a network wants to see, and the check that the loaded one agrees."""

from __future__ import annotations

from pathlib import Path

from deep_predictor.backends.base import EngineLoader
from deep_predictor.config.predictor_config import PredictorOptions, PredictorPaths
from deep_predictor.config.strict import ProjectPath
from deep_predictor.engines.base import Engine
from deep_predictor.errors import BackendNotReady
from deep_predictor.images.preprocessing import ColorMode, InputSpec, PerChannel, ResizeFilter, ResizeMode


class NetworkPaths(PredictorPaths):
    """`model_path`: the network; `names_path`: its class names, UTF-8, one a line."""

    model_path: ProjectPath
    names_path: ProjectPath


class InputOptions(PredictorOptions):
    """`input = (value * scale - mean) / std`, value 0..255. A key that is absent takes its default from the backend."""

    color_mode: ColorMode | None = None
    scale: PerChannel | None = None
    mean: PerChannel = 0.0
    std: PerChannel = 1.0
    resize_mode: ResizeMode = "stretch"
    resize_filter: ResizeFilter = "linear"

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


def load_network(load_engine: EngineLoader, engine_name: str, paths: NetworkPaths, size: tuple[int, int]) -> Engine:
    """The engine of a predictor's model. When it cannot be loaded, missing names are reported in the same breath."""
    try:
        return load_engine(engine_name, paths.model_path, size)
    except BackendNotReady as error:
        if paths.names_path.exists():
            raise
        raise BackendNotReady(f"{error}; {paths.names_path}: there is no such file", code=error.code) from error


def check_input(engine: Engine, spec: InputSpec, model_path: Path) -> None:
    """Raises BackendNotReady (input_mismatch), when the network takes other pictures than the cfg."""
    taken = engine.input_shape[1:]
    fits = len(taken) == len(spec.input_shape) and all(
        size in (None, wanted) for size, wanted in zip(taken, spec.input_shape, strict=True)
    )
    if not fits:
        shapes = f"takes {_shown(taken)} (height x width x channels), but the cfg says {_shown(spec.input_shape)}"
        raise BackendNotReady(f"{model_path}: {shapes}", code="input_mismatch")


def _shown(shape: tuple[int | None, ...]) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape)
