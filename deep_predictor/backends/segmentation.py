"""Semantic segmentation: pictures in, one class for each pixel out."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from deep_predictor.backends.base import Task
from deep_predictor.backends.input_options import InputOptions, NetworkPaths
from deep_predictor.backends.names import read_all_names, read_names_before_remarks
from deep_predictor.backends.network import NetworkBackend
from deep_predictor.backends.pixel_scores import (
    MAX_CLASSES,
    Placing,
    best_classes,
    class_counts,
    nearest_classes,
    placing_of,
    resampled_classes,
    resampled_threshold,
)
from deep_predictor.errors import ResultInvalid
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.results import Answer, ClassShare

#: Not the thing, and the thing, of a network with one score a pixel.
_BINARY_CLASSES = 2


class SegmentationOptions(InputOptions):
    """Without other keys: RGB, 0..255, stretched by OpenCV's linear filter."""

    image_w: int = Field(ge=1, le=8192)
    image_h: int = Field(ge=1, le=8192)
    #: What the network gives for a pixel: a score (or logit) a class, one score that says how surely it is the second
    #: of two classes, or the number of its class.
    pixel_values: Literal["class_scores", "one_score", "class_number"] = "class_scores"
    #: Where the scores of a pixel stand: (height, width, classes), or (classes, height, width).
    output_axes: Literal["classes_last", "classes_first"] = "classes_last"
    #: A pixel whose one score lies above it is of the second class: 0.5 for probabilities, 0 for logits.
    mask_threshold: float = 0.5
    #: The class that is nothing: it names no folder. None: there is none.
    background_index: int | None = Field(0, ge=0, lt=MAX_CLASSES)
    #: What is brought to the picture's size: the scores (`bilinear`), or the classes (`nearest`), which is quicker.
    mask_resampling: Literal["bilinear", "nearest"] = "bilinear"

    @model_validator(mode="after")
    def _makes_an_input(self) -> Self:
        self.input_spec()
        if self.resize_mode == "center_crop" and self.background_index is None:
            raise ValueError("resize_mode center_crop leaves pixels without a class: give a background_index")
        if self.scaled_decoding:
            raise ValueError("scaled_decoding must be 0: a mask has the size of the whole picture")
        return self

    def input_spec(self) -> InputSpec:
        """Raises ValueError when the keys do not fit together."""
        return self.make_spec(self.image_w, self.image_h, "rgb")


class SegmentationBackend(NetworkBackend):
    """`interpret` gives the mask of the picture's own size beside the shares of its classes."""

    Options: ClassVar[type[SegmentationOptions]] = SegmentationOptions
    Paths = NetworkPaths
    task: Task = "segmentation"

    def read_class_names(self, output_shape: tuple[int, ...]) -> tuple[str, ...]:
        names = self._read_names(output_shape)
        background = self.options.background_index
        if background is not None and background >= len(names):
            raise self._output_mismatch(f"background_index is {background}, but there are {len(names)} classes")
        return names

    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        """One picture's scores -> its mask, and the share of each class that is there, largest first."""
        placing = placing_of(self._spec, image_size)
        outside = self.options.background_index or 0
        try:
            mask = self._mask(output, placing, outside)
        except ValueError as error:
            raise ResultInvalid(f"the model gave an array {output.shape}: {error}") from error
        counts = class_counts(mask)
        if counts[len(self.class_names) :].any():
            raise ResultInvalid(f"the model gave the class {int(mask.max())} for {len(self.class_names)} names")
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)].tolist()
        items = tuple(ClassShare(index, self.class_names[index], counts[index] / mask.size) for index in order)
        things = [item.class_name for item in items if item.class_index != self.options.background_index]
        return Answer(items, things[0] if things else self.paths.not_confident_folder_name, mask)

    def _read_names(self, output_shape: tuple[int, ...]) -> tuple[str, ...]:
        """Names of the classes, as many as the network has. Raises BackendNotReady, NamesDoNotFit."""
        values, names_path = self.options.pixel_values, self.paths.names_path
        count = len(read_all_names(names_path)) if values == "class_number" else self._class_count(output_shape)
        is_flat = len(output_shape) == 2 or self._class_count(output_shape) == 1
        problem = ""
        if len(output_shape) not in (2, 3) or 0 in output_shape:
            problem = "not one number or one score a class for each pixel"
        elif values == "class_scores" and is_flat:
            problem = "one number a pixel: pixel_values must say whether it is one_score or class_number"
        elif values != "class_scores" and not is_flat:
            problem = f"several numbers a pixel, but pixel_values is {values}"
        elif count > MAX_CLASSES:
            problem = f"{count} classes, and a mask holds no more than {MAX_CLASSES}"
        if problem:
            raise self._output_mismatch(f"gives an array {output_shape} a picture, {problem}")
        return read_names_before_remarks(names_path, _BINARY_CLASSES if values == "one_score" else count)

    def _class_count(self, output_shape: tuple[int, ...]) -> int:
        if len(output_shape) != 3:
            return 1
        return output_shape[-1 if self.options.output_axes == "classes_last" else 0]

    def _mask(self, output: np.ndarray, placing: Placing, outside: int) -> np.ndarray:
        """uint8 (H, W). Raises ValueError."""
        values = self.options.pixel_values
        if values == "class_scores":
            scores = np.moveaxis(output, 0, -1) if self.options.output_axes == "classes_first" else output
            classes, planes = best_classes(scores)
            if self.options.mask_resampling == "nearest":
                return nearest_classes(classes, placing, outside)
            return resampled_classes(planes, placing, outside)
        plane = output.squeeze(-1 if self.options.output_axes == "classes_last" else 0) if output.ndim == 3 else output
        if not np.isfinite(plane).all():
            raise ValueError("a number of the model is not finite")
        if values == "class_number":
            numbers = np.rint(plane)
            if numbers.min() < 0 or numbers.max() >= MAX_CLASSES:
                raise ValueError(f"classes from {plane.min():g} to {plane.max():g} for {len(self.class_names)} names")
            return nearest_classes(numbers.astype(np.uint8), placing, outside)
        if self.options.mask_resampling == "nearest":
            return nearest_classes((plane > self.options.mask_threshold).astype(np.uint8), placing, outside)
        return resampled_threshold(plane, self.options.mask_threshold, placing, outside)
