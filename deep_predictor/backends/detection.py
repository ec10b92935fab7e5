"""Detection: pictures in, boxes with a class each out. How the numbers are laid out is said, never guessed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from deep_predictor.backends.base import Task
from deep_predictor.backends.boxes import (
    BoxFormat,
    BoxLayout,
    BoxUnits,
    OutputAxes,
    ScoreLayout,
    boxes_on_picture,
    yolox_cells,
)
from deep_predictor.backends.input_options import InputOptions, NetworkPaths
from deep_predictor.backends.names import read_all_names, read_names
from deep_predictor.backends.network import NetworkBackend
from deep_predictor.backends.nms import Candidates, NmsLimits, find_candidates, suppress
from deep_predictor.config.predictor_config import PredictorPaths
from deep_predictor.errors import ResultInvalid
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.results import Answer, Detection


class DetectorOptions(InputOptions):
    """What every detector understands; the thresholds are those of tf.image.combined_non_max_suppression.

    Without other keys: RGB, 0..1, stretched. A subclass says by `box_layout` what the network's numbers are: by keys,
    as DetectionOptions, or once for all where a family has one layout.
    """

    #: The network's input is a square of so many pixels.
    input_size: int | None = Field(None, ge=32, le=8192)
    #: Or it is no square.
    image_w: int | None = Field(None, ge=32, le=8192)
    image_h: int | None = Field(None, ge=32, le=8192)
    #: Of two boxes of a class that overlap by more, the one of the lower score goes. None: 0.45, or 1 (none goes)
    #: where the network suppresses overlaps itself.
    iou_threshold: float | None = Field(None, ge=0, le=1)
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
        self.box_layout()
        return self

    def input_spec(self) -> InputSpec:
        """Raises ValueError when the keys do not fit together."""
        sides = (self.image_w, self.image_h)
        if (self.input_size is None) == (None in sides) or (self.input_size and any(sides)):
            raise ValueError("give input_size, or image_w and image_h")
        width, height = (self.input_size or side or 0 for side in sides)
        return self.make_spec(width, height, "rgb", 1 / 255)

    def box_layout(self) -> BoxLayout:
        """Raises ValueError when the keys do not fit together."""
        raise NotImplementedError

    def nms_limits(self) -> NmsLimits:
        default = 1.0 if self.box_layout().is_finished else 0.45
        return NmsLimits(
            iou_threshold=default if self.iou_threshold is None else self.iou_threshold,
            score_threshold=self.score_threshold,
            max_per_class=self.max_output_size_per_class,
            max_total=self.max_total_size,
        )


class DetectionOptions(DetectorOptions):
    """Detectors of any family: the cfg says how a box and its scores are written, see `boxes.BoxLayout`."""

    box_format: BoxFormat
    box_units: BoxUnits
    scores: ScoreLayout
    output_axes: OutputAxes = "boxes_numbers"
    #: The label that the first name has; boxes of lower labels (a background) are dropped.
    first_label: int = Field(0, ge=0, le=1000)

    def box_layout(self) -> BoxLayout:
        return BoxLayout(self.box_format, self.box_units, self.scores, self.output_axes, self.first_label)


class DetectionBackend(NetworkBackend):
    """`interpret` decodes only boxes whose score is high enough; overlaps are suppressed class by class."""

    Options: ClassVar[type[DetectorOptions]] = DetectionOptions
    Paths: ClassVar[type[PredictorPaths]] = NetworkPaths
    task: Task = "detection"
    #: Whether each picture runs alone: networks that drop weak boxes inside mix up the pictures of a batch.
    runs_one_by_one = False

    def __init__(self, options: Any, paths: Any) -> None:
        super().__init__(options, paths)
        self._layout: BoxLayout = options.box_layout()
        self._limits: NmsLimits = options.nms_limits()
        assert self.request is not None
        self.request = replace(
            self.request,
            numbers_before_scores=self._layout.numbers_before_scores,
            scores_axis=-1 if self._layout.output_axes == "boxes_numbers" else -2,
        )

    def read_class_names(self, output_shape: tuple[int, ...]) -> tuple[str, ...]:
        count = self._class_count(output_shape)
        return read_all_names(self.paths.names_path) if count is None else read_names(self.paths.names_path, count)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """A picture with fewer boxes than another one of its batch gets rows of zeros."""
        engine = self._loaded_engine()
        if not (self.runs_one_by_one or self._layout.is_finished):
            return engine.run(batch)
        outputs = [engine.run(batch[index : index + 1])[0] for index in range(len(batch))]
        if len(outputs) == 1:
            return outputs[0][np.newaxis]
        rows = [self._layout.rows(output) for output in outputs]
        filled = np.zeros((len(rows), max(map(len, rows), default=0), *rows[0].shape[1:]), np.float32)
        for target, row in zip(filled, rows, strict=True):
            target[: len(row)] = row
        return filled.transpose(0, 2, 1) if self._layout.output_axes == "numbers_boxes" else filled

    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        """One picture's boxes, as the layout has them -> those found, highest score first."""
        if not np.isfinite(output).all():
            raise ResultInvalid("a number of the model's output is not finite")
        rows = self._layout.rows(output)
        found = self._candidates(rows)
        boxes = self._layout.boxes(rows, found.rows, (self._spec.width, self._spec.height))
        if not np.isfinite(boxes).all():
            raise ResultInvalid("a box of the model is not finite")
        kept = suppress(boxes_on_picture(boxes, self._spec, image_size), found, self._limits)
        items = tuple(
            self._detection(box, score, class_index)
            for box, score, class_index in zip(
                kept.boxes.tolist(), kept.scores.tolist(), kept.classes.tolist(), strict=True
            )
        )
        return Answer(items, items[0].class_name if items else self.paths.not_confident_folder_name)

    def _class_count(self, output_shape: tuple[int, ...]) -> int | None:
        """What the network's output says of the number of classes. Raises BackendNotReady (output_mismatch)."""
        numbers_axis = 0 if self._layout.output_axes == "numbers_boxes" else 1
        problem = ""
        count: int | None = None
        if len(output_shape) != 2:
            problem = "not boxes x (4 numbers + scores)"
        elif self._layout.box_format == "yolox_grid" and output_shape[1 - numbers_axis] != yolox_cells(self._sides):
            problem = f"but YOLOX has {yolox_cells(self._sides)} boxes for this input"
        else:
            try:
                count = self._layout.class_count(output_shape[numbers_axis])
            except ValueError as error:
                problem = f"not boxes x (4 numbers + scores): {error}"
        if problem:
            said = f"output_axes {self._layout.output_axes}, scores {self._layout.scores}"
            raise self._output_mismatch(f"gives an array {output_shape} a picture, {problem} (the cfg says {said})")
        return count

    @property
    def _sides(self) -> tuple[int, int]:
        return self._spec.width, self._spec.height

    def _candidates(self, rows: np.ndarray) -> Candidates:
        """Raises ResultInvalid for rows of another width than the names ask for, and for labels without a name."""
        wide = 2 if self._layout.is_finished else len(self.class_names)
        before = 4 if self._layout.is_finished else self._layout.numbers_before_scores
        if rows.ndim != 2 or rows.shape[1] != before + wide:
            raise ResultInvalid(f"the model gave an array {rows.shape} for {len(self.class_names)} classes")
        if not self._layout.is_finished:
            return find_candidates(self._layout.class_scores(rows), self._limits.score_threshold)
        scores, labels = self._layout.scores_and_labels(rows)
        # Rows that only fill an output up have no score, or no label.
        places = np.flatnonzero((scores > self._limits.score_threshold) & (scores > 0) & (labels >= 0))
        if places.size and labels[places].max() >= len(self.class_names):
            raise ResultInvalid(f"the model gave the label {labels[places].max()} for {len(self.class_names)} names")
        return Candidates(places, labels[places], scores[places])

    def _detection(self, box: list[float], score: float, class_index: int) -> Detection:
        y1, x1, y2, x2 = box
        return Detection(
            class_index=class_index,
            class_name=self.class_names[class_index],
            confidence=score,
            cx_norm=(x1 + x2) / 2,
            cy_norm=(y1 + y2) / 2,
            w_norm=x2 - x1,
            h_norm=y2 - y1,
        )
