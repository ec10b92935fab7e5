"""Segmentation: a class for each pixel, cross-entropy and soft Dice, the mean intersection over union."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.backends.golden import MAX_OUTPUT_BYTES
from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.annotations.picture_masks import BACKGROUND_NAME, IGNORE_INDEX, background_of
from deep_predictor.training.batches import Batches
from deep_predictor.training.config import SECTION, TrainingConfig
from deep_predictor.training.figures import ValFigures
from deep_predictor.training.placing import mask_in_input
from deep_predictor.training.sample import Sample
from deep_predictor.training.segmentation_metrics import count_pixels, measure_segmentation
from deep_predictor.training.tasks.base import MeasuredPart, TrainingTask
from deep_predictor.training.tasks.pixel_loss import balanced_weights, pixel_accuracy, pixel_loss
from deep_predictor.training.tasks.segmentation_evaluation import SegmentationEvaluation, evaluate_segmenter

if TYPE_CHECKING:
    import keras


class MaskTargets:
    """A class for each pixel of the network's input, or IGNORE_INDEX: uint8 (height, width)."""

    dtype = np.uint8

    def __init__(self, spec: InputSpec) -> None:
        self._spec = spec

    @property
    def shape(self) -> tuple[int, ...]:
        return self._spec.height, self._spec.width

    def encode(self, sample: Sample, label: int) -> np.ndarray:
        """Raises ValueError for a picture without a mask."""
        if sample.mask is None:
            raise ValueError("a picture without a mask cannot teach a class for each pixel")
        return mask_in_input(sample.mask, self._spec)


class SegmentationObjective:
    """`class_weights`: (classes,), None where the pixels of all classes count the same."""

    def __init__(
        self, class_names: tuple[str, ...], class_weights: np.ndarray | None = None, label_smoothing: float = 0.0
    ) -> None:
        self._class_names, self._weights, self._label_smoothing = class_names, class_weights, label_smoothing

    def loss(self) -> keras.losses.Loss:
        return pixel_loss(self._weights, self._label_smoothing)

    def metrics(self) -> list[Any]:
        return [pixel_accuracy()]

    def weights_of(self, targets: np.ndarray) -> np.ndarray | None:
        return None

    def validate(self, network: keras.Model, val: Batches) -> ValFigures:
        """Counted on the network's input, where the truth is at hand; the run's last figures are of the pictures."""
        plain, classes = pixel_loss(), len(self._class_names)
        loss, pictures, confusion = 0.0, 0, np.zeros((classes, classes), np.int64)
        for batch in val.in_order():
            logits = np.asarray(network.predict_on_batch(batch.inputs), np.float32)
            loss += float(plain(batch.targets, logits)) * len(logits)
            pictures += len(logits)
            found = logits.argmax(axis=-1).astype(np.uint8)
            width = found.shape[-1]
            confusion += count_pixels(batch.targets.reshape(-1, width), found.reshape(-1, width), classes)
        metrics = measure_segmentation(confusion, self._class_names)
        return ValFigures(loss / max(1, pictures), metrics.accuracy, miou=metrics.miou)


class SegmentationTask(TrainingTask):
    name = "segmentation"
    backend_name = "segmentation"

    def __init__(self, config: TrainingConfig, class_names: tuple[str, ...]) -> None:
        super().__init__(config, class_names)
        self.background_index = background_of(class_names)
        if self.spec.resize_mode == "center_crop" and self.background_index is None:
            message = f"leaves pixels without a class: it needs a class named {BACKGROUND_NAME!r}"
            raise self._problem("input_options.resize_mode", f"center_crop {message}")
        size = 4 * self.spec.width * self.spec.height * len(class_names)
        if size >= MAX_OUTPUT_BYTES:
            sides = (
                f"{self.spec.width} x {self.spec.height} and {len(class_names)} classes make answers of {size} bytes"
            )
            raise self._problem("input_options.width", f"{sides}; a golden set holds less than {MAX_OUTPUT_BYTES}")

    @property
    def targets(self) -> MaskTargets:
        return MaskTargets(self.spec)

    def objective(self, train: Batches) -> SegmentationObjective:
        fit = self.options.fit_options
        weights = None
        if fit.class_weights == "balanced":
            weights = balanced_weights(_counted(train, len(self.class_names)))
        elif fit.class_weights is not None:
            weights = self.weights_by_name(fit.class_weights)
        return SegmentationObjective(self.class_names, weights, fit.label_smoothing)

    def evaluate(self, network: keras.Model, val: MeasuredPart, test: MeasuredPart) -> SegmentationEvaluation:
        return evaluate_segmenter(self.served(network), self.spec, self.background_index, val, test)

    def served(self, network: keras.Model) -> keras.Model:
        """Probabilities in place of logits: the golden set compares them, and engines differ less in them."""
        import keras

        probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(network.outputs[0])
        return keras.Model(network.inputs[0], probabilities, name=network.name)

    def model_options(self) -> dict[str, Any]:
        return {"background_index": self.background_index}

    def _problem(self, key: str, message: str) -> ConfigError:
        return ConfigError([ConfigProblem(self.config.file, f"{SECTION}.{key}", message)])


def _counted(train: Batches, class_count: int) -> np.ndarray:
    """int64 (classes,): the pixels of each class, as the network will see them."""
    counts = np.zeros(256, np.int64)
    for batch in train.in_order():
        counts += np.bincount(batch.targets.reshape(-1), minlength=256)
    assert not counts[class_count:IGNORE_INDEX].any()
    return counts[:class_count]
