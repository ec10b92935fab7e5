"""Keras classifiers: `.keras`, `.h5` or SavedModel, one score a class."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from deep_predictor.backends.base import Backend, EngineLoader, Task
from deep_predictor.backends.names import read_names
from deep_predictor.config.predictor_config import PredictorOptions, PredictorPaths
from deep_predictor.config.strict import ProjectPath
from deep_predictor.engines.base import Engine
from deep_predictor.errors import BackendNotReady, ResultInvalid
from deep_predictor.images.preprocessing import ColorMode, InputSpec, ResizeFilter, ResizeMode
from deep_predictor.results import CONFIDENCE_DECIMALS, Answer, ClassScore

Numbers = float | tuple[float, ...]


class KerasOptions(PredictorOptions):
    """`input = (value × scale − mean) / std`; without any of these keys: BGR, 0–255, stretched by OpenCV's linear."""

    image_w: int = Field(ge=1, le=8192)
    image_h: int = Field(ge=1, le=8192)
    grayscale: bool = False
    return_topN: int = Field(5, ge=1)
    confidence_threshold: float = Field(0.0, ge=0, le=1)
    engine: Literal["tensorflow"] = "tensorflow"
    color_mode: ColorMode | None = None
    scale: Numbers = 1.0
    mean: Numbers = 0.0
    std: Numbers = 1.0
    resize_mode: ResizeMode = "stretch"
    resize_filter: ResizeFilter = "linear"

    @model_validator(mode="after")
    def _makes_an_input(self) -> KerasOptions:
        if self.grayscale and self.color_mode not in (None, "grayscale"):
            raise ValueError(f"grayscale is 1, but color_mode is {self.color_mode!r}")
        self.input_spec()
        return self

    def input_spec(self) -> InputSpec:
        """Raises ValueError when the keys do not fit together."""
        return InputSpec(
            width=self.image_w,
            height=self.image_h,
            color_mode=self.color_mode or ("grayscale" if self.grayscale else "bgr"),
            scale=self.scale,
            mean=self.mean,
            std=self.std,
            resize_mode=self.resize_mode,
            resize_filter=self.resize_filter,
        )


class KerasPaths(PredictorPaths):
    """`model_path`: .keras, .h5 or a SavedModel folder; `names_path`: UTF-8, one name a line."""

    model_path: ProjectPath
    names_path: ProjectPath


class KerasBackend(Backend):
    Options = KerasOptions
    Paths = KerasPaths
    engine_names = ("tensorflow",)
    task: Task = "classification"

    def __init__(self, options: PredictorOptions, paths: PredictorPaths) -> None:
        super().__init__(options, paths)
        self._spec: InputSpec = self.options.input_spec()
        self.input_size = (self._spec.width, self._spec.height)
        self._engine: Engine | None = None

    def load(self, load_engine: EngineLoader) -> None:
        engine = load_engine(self.options.engine, self.paths.model_path, self.input_size)
        self._check_input(engine)
        if len(engine.output_shape) != 1:
            shape = " x ".join(str(size) for size in engine.output_shape) or "nothing"
            raise BackendNotReady(f"{self.paths.model_path}: gives {shape}, not one score a class", "output_mismatch")
        self.class_names = read_names(self.paths.names_path, engine.output_shape[0])
        self._engine = engine

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """The configured InputSpec, and nothing else."""
        return self._spec.apply(image)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Raises BackendNotReady when nothing is loaded."""
        if self._engine is None:
            raise BackendNotReady("the network is not loaded")
        return self._engine.run(batch)

    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        """(classes,) scores -> the best `return_topN`; equal scores in the order of their index."""
        scores = np.asarray(output, np.float64)
        if not np.isfinite(scores).all():
            raise ResultInvalid("the model's output is not finite")
        order = np.argsort(-scores, kind="stable")[: self.options.return_topN]
        items = tuple(ClassScore(int(i), self.class_names[i], float(scores[i])) for i in order)
        confident = round(items[0].confidence, CONFIDENCE_DECIMALS) >= self.options.confidence_threshold
        return Answer(items, items[0].class_name if confident else self.paths.not_confident_folder_name)

    def close(self) -> None:
        self._engine = None

    def _check_input(self, engine: Engine) -> None:
        wanted: tuple[Any, ...] = (self._spec.height, self._spec.width, self._spec.channels)
        given = engine.input_shape[1:]
        if len(given) != 3 or any(size is not None and size != want for size, want in zip(given, wanted, strict=True)):
            model = " x ".join("any" if size is None else str(size) for size in given)
            message = f"{self.paths.model_path}: takes {model} (height x width x channels), the cfg says {wanted}"
            raise BackendNotReady(message, code="input_mismatch")
