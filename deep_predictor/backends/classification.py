"""Classification: pictures in, one score a class out."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from deep_predictor.backends.base import Task
from deep_predictor.backends.input_options import InputOptions, NetworkPaths
from deep_predictor.backends.names import read_names
from deep_predictor.backends.network import NetworkBackend
from deep_predictor.backends.temperature import apply_temperature
from deep_predictor.errors import ResultInvalid
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.results import CONFIDENCE_DECIMALS, Answer, ClassScore


class ClassificationOptions(InputOptions):
    """Without the keys of InputOptions: BGR, 0..255, stretched by OpenCV's linear filter, as old models saw it."""

    image_w: int = Field(ge=1, le=8192)
    image_h: int = Field(ge=1, le=8192)
    grayscale: bool = False
    #: What turns the outputs into scores; `none` where the network ends in scores itself.
    activation: Literal["none", "softmax", "sigmoid"] = "none"
    #: How many classes an answer has.
    return_topN: int = Field(5, ge=1)
    #: Below it, the picture goes to the not-confident folder; the answer is the same.
    confidence_threshold: float = Field(0.0, ge=0, le=1)
    #: Above 1 answers become less sure, below 1 surer; for networks that end in probabilities. None: as they are.
    temperature: float | None = Field(None, gt=0, le=1000)

    @model_validator(mode="after")
    def _makes_an_input(self) -> Self:
        if self.grayscale and self.color_mode not in (None, "grayscale"):
            raise ValueError(f"grayscale is 1, but color_mode is {self.color_mode!r}")
        self.input_spec()
        return self

    def input_spec(self) -> InputSpec:
        """Raises ValueError when the keys do not fit together."""
        return self.make_spec(self.image_w, self.image_h, "grayscale" if self.grayscale else "bgr")


class ClassificationPaths(NetworkPaths):
    """`model_path`: .keras, .h5 or a SavedModel folder, unless the backend says otherwise."""


class ClassificationBackend(NetworkBackend):
    """`interpret` takes the scores as they are, unless the cfg has a temperature: no softmax is added to logits."""

    Options: ClassVar[type[ClassificationOptions]] = ClassificationOptions
    Paths = ClassificationPaths
    task: Task = "classification"

    def read_class_names(self, output_shape: tuple[int, ...]) -> tuple[str, ...]:
        if len(output_shape) != 1 or not output_shape[0]:
            raise self._output_mismatch(f"gives an array {output_shape} a picture, not one score a class")
        return read_names(self.paths.names_path, output_shape[0])

    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        """(classes,) scores -> the best `return_topN`; of equal scores the lower index comes first."""
        if output.shape != (len(self.class_names),):
            raise ResultInvalid(f"the model gave an array {output.shape} for {len(self.class_names)} classes")
        if not np.isfinite(output).all():
            raise ResultInvalid("a score of the model is not a finite number")
        scores = self.scores(output)
        best = np.argsort(-scores, kind="stable")[: self.options.return_topN]
        items = tuple(ClassScore(int(index), self.class_names[index], float(scores[index])) for index in best)
        is_confident = round(items[0].confidence, CONFIDENCE_DECIMALS) >= self.options.confidence_threshold
        return Answer(items, items[0].class_name if is_confident else self.paths.not_confident_folder_name)

    def scores(self, output: np.ndarray) -> np.ndarray:
        """(..., classes) of the network's output -> what is shown, and compared with the threshold.

        Raises ResultInvalid.
        """
        scores = _activated(output, self.options.activation)
        if self.options.temperature is None:
            return scores
        try:
            return apply_temperature(scores, self.options.temperature)
        except ValueError as error:
            raise ResultInvalid(f"the cfg's temperature does not fit this model: {error}") from error


def _activated(output: np.ndarray, activation: str) -> np.ndarray:
    """(..., classes) logits -> scores, float64; with `none` as they are."""
    if activation == "none":
        return output
    logits = output.astype(np.float64)
    if activation == "sigmoid":
        return 0.5 * (1.0 + np.tanh(0.5 * logits))  # the same function, without an overflow
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
