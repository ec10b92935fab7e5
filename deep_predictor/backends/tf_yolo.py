"""YOLO detectors as SavedModels, in the layout that hunglc007/tensorflow-yolov4-tflite writes."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from deep_predictor.backends.base import Backend, EngineLoader, Task
from deep_predictor.backends.golden import check_golden
from deep_predictor.backends.input_options import InputOptions, NetworkPaths, load_network, network_request
from deep_predictor.backends.names import read_names
from deep_predictor.backends.nms import NmsLimits, suppress
from deep_predictor.errors import BackendNotReady, ResultInvalid
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.results import Answer, Detection

#: y1, x1, y2, x2 before the scores.
BOX_NUMBERS = 4


class TfYoloOptions(InputOptions):
    """The thresholds are those of tf.image.combined_non_max_suppression. Without other keys: RGB, 0..1, stretched."""

    #: The network's input is a square of so many pixels.
    input_size: int = Field(ge=32, le=8192)
    #: Of two boxes of a class that overlap by more, the one of the lower score goes.
    iou_threshold: float = Field(0.45, ge=0, le=1)
    #: Boxes with a score above it are found.
    score_threshold: float = Field(0.25, ge=0, le=1)
    max_output_size_per_class: int = Field(50, ge=1)
    max_total_size: int = Field(50, ge=1)
    color_mode: Literal["rgb", "bgr"] | None = None
    #: A detector has to see the whole picture.
    resize_mode: Literal["stretch", "letterbox"] = "stretch"

    @model_validator(mode="after")
    def _makes_an_input(self) -> Self:
        self.input_spec()
        return self

    def input_spec(self) -> InputSpec:
        """Raises ValueError when the keys do not fit together."""
        return self.make_spec(self.input_size, self.input_size, "rgb", 1 / 255)


class TfYoloPaths(NetworkPaths):
    """`model_path`: a SavedModel folder; `names_path`: UTF-8, one name a line."""


class TfYoloBackend(Backend):
    Options = TfYoloOptions
    Paths = TfYoloPaths
    task: Task = "detection"

    def __init__(self, options: Any, paths: Any) -> None:
        super().__init__(options, paths)
        self._spec: InputSpec = options.input_spec()
        self.input_size = (self._spec.width, self._spec.height)
        self.smallest_decoded = self._spec.smallest_decoded() if options.scaled_decoding else None
        self.request = network_request(options, paths.model_path, self._spec, BOX_NUMBERS)
        self._limits = NmsLimits(
            iou_threshold=options.iou_threshold,
            score_threshold=options.score_threshold,
            max_per_class=options.max_output_size_per_class,
            max_total=options.max_total_size,
        )

    def load(self, load_engine: EngineLoader) -> None:
        model_path = self.paths.model_path
        engine = load_network(load_engine, self)
        if len(engine.output_shape) != 2 or engine.output_shape[1] <= BOX_NUMBERS:
            message = f"{model_path}: gives an array {engine.output_shape} a picture, not boxes x (4 numbers + scores)"
            raise BackendNotReady(message, code="output_mismatch")
        self.class_names = read_names(self.paths.names_path, engine.output_shape[1] - BOX_NUMBERS)
        check_golden(self, engine, model_path)
        self.engine = engine

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return self._spec.apply(image)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Picture by picture: some of these networks drop weak boxes themselves, and so mix up the pictures of a batch.

        A picture with fewer boxes than another one gets rows of zeros.
        """
        if self.engine is None:
            raise BackendNotReady("the network is not loaded")
        outputs = [self.engine.run(batch[index : index + 1])[0] for index in range(len(batch))]
        filled = np.zeros(
            (len(outputs), max(map(len, outputs), default=0), BOX_NUMBERS + len(self.class_names)), np.float32
        )
        for row, output in zip(filled, outputs, strict=True):
            row[: len(output)] = output
        return filled

    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        """(boxes, 4 + classes): y1, x1, y2, x2 as shares of the input, then the scores -> highest score first."""
        if output.ndim != 2 or output.shape[1] != BOX_NUMBERS + len(self.class_names):
            raise ResultInvalid(f"the model gave an array {output.shape} for {len(self.class_names)} classes")
        if not np.isfinite(output).all():
            raise ResultInvalid("a number of the model's output is not finite")
        boxes = self._on_picture(output[:, :BOX_NUMBERS], image_size)
        kept = suppress(boxes, output[:, BOX_NUMBERS:], self._limits)
        items = tuple(
            self._detection(box, float(score), int(class_index))
            for box, score, class_index in zip(kept.boxes, kept.scores, kept.classes, strict=True)
        )
        return Answer(items, items[0].class_name if items else self.paths.not_confident_folder_name)

    def _on_picture(self, boxes: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
        """(B, 4) shares of the input -> shares of the picture, which may fill only a part of the input."""
        if self._spec.resize_mode == "stretch":
            return boxes
        left, top, width, height = self._spec.letterbox_box(image_size)
        offset = np.array([top, left, top, left], np.float64)
        size = np.array([height, width, height, width], np.float64)
        return (boxes * float(self.options.input_size) - offset) / size

    def _detection(self, box: np.ndarray, score: float, class_index: int) -> Detection:
        y1, x1, y2, x2 = (float(number) for number in box)
        return Detection(
            class_index=class_index,
            class_name=self.class_names[class_index],
            confidence=score,
            cx_norm=(x1 + x2) / 2,
            cy_norm=(y1 + y2) / 2,
            w_norm=x2 - x1,
            h_norm=y2 - y1,
        )
