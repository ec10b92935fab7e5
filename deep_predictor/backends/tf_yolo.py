"""YOLO detectors as SavedModels, in the layout that hunglc007/tensorflow-yolov4-tflite writes."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from deep_predictor.backends.base import Backend, EngineLoader, Task
from deep_predictor.backends.names import read_names
from deep_predictor.backends.nms import NmsLimits, suppress
from deep_predictor.config.predictor_config import PredictorOptions, PredictorPaths
from deep_predictor.config.strict import ProjectPath
from deep_predictor.engines.base import Engine
from deep_predictor.errors import BackendNotReady, ResultInvalid
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.results import Answer, Detection

BOX_NUMBERS = 4


class TfYoloOptions(PredictorOptions):
    """The four thresholds are those of `tf.image.combined_non_max_suppression`."""

    input_size: int = Field(ge=32, le=4096)
    iou_threshold: float = Field(0.45, ge=0, le=1)
    score_threshold: float = Field(0.25, ge=0, le=1)
    max_output_size_per_class: int = Field(50, ge=1)
    max_total_size: int = Field(50, ge=1)


class TfYoloPaths(PredictorPaths):
    """`model_path`: a SavedModel folder."""

    model_path: ProjectPath
    names_path: ProjectPath


class TfYoloBackend(Backend):
    Options = TfYoloOptions
    Paths = TfYoloPaths
    engine_names = ("tensorflow",)
    task: Task = "detection"

    def __init__(self, options: PredictorOptions, paths: PredictorPaths) -> None:
        super().__init__(options, paths)
        size = self.options.input_size
        self.input_size = (size, size)
        self._spec = InputSpec(width=size, height=size, color_mode="rgb", scale=1 / 255)
        self._engine: Engine | None = None
        self._limits = NmsLimits(
            self.options.iou_threshold,
            self.options.score_threshold,
            self.options.max_output_size_per_class,
            self.options.max_total_size,
        )

    def load(self, load_engine: EngineLoader) -> None:
        engine = load_engine("tensorflow", self.paths.model_path, self.input_size)
        size = self.options.input_size
        given = engine.input_shape[1:]
        if len(given) != 3 or any(a is not None and a != b for a, b in zip(given, (size, size, 3), strict=True)):
            raise BackendNotReady(
                f"{self.paths.model_path}: takes {given}, the cfg says {size} x {size} x 3", "input_mismatch"
            )
        if len(engine.output_shape) != 2 or engine.output_shape[1] <= BOX_NUMBERS:
            message = f"{self.paths.model_path}: gives {engine.output_shape}, not boxes x (4 + classes)"
            raise BackendNotReady(message, code="output_mismatch")
        self.class_names = read_names(self.paths.names_path, engine.output_shape[1] - BOX_NUMBERS)
        self._engine = engine

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """RGB, stretched to the square, 0..1."""
        return self._spec.apply(image)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Raises BackendNotReady when nothing is loaded."""
        if self._engine is None:
            raise BackendNotReady("the network is not loaded")
        return self._engine.run(batch)

    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        """(A, 4 + C): y1, x1, y2, x2 as shares, then one score a class -> detections, highest score first."""
        if not np.isfinite(output).all():
            raise ResultInvalid("the model's output is not finite")
        kept = suppress(output[:, :BOX_NUMBERS], output[:, BOX_NUMBERS:], self._limits)
        items = tuple(
            self._detection(box, float(score), int(index))
            for box, score, index in zip(kept.boxes, kept.scores, kept.classes, strict=True)
        )
        return Answer(items, items[0].class_name if items else self.paths.not_confident_folder_name)

    def close(self) -> None:
        self._engine = None

    def _detection(self, box: np.ndarray, score: float, class_index: int) -> Detection:
        y1, x1, y2, x2 = (float(number) for number in box)
        return Detection(
            class_index=class_index,
            class_name=self.class_names[class_index],
            confidence=score,
            cx_norm=(x1 + x2) / 2,
            cy_norm=(y1 + y2) / 2,
            w_norm=max(0.0, x2 - x1),
            h_norm=max(0.0, y2 - y1),
        )
