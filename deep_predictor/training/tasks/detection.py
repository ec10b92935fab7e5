"""Detection: boxes of classes, found by a network of `architectures.yolo`; mAP by the rules of COCO."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.architectures.yolo import STRIDES
from deep_predictor.training.batches import Batches
from deep_predictor.training.config import SECTION, TrainingConfig
from deep_predictor.training.detection_matching import FoundBoxes, TrueBoxes
from deep_predictor.training.detection_metrics import measure_detection
from deep_predictor.training.figures import ValFigures
from deep_predictor.training.model_folder import SAVED_MODEL_FOLDER
from deep_predictor.training.placing import boxes_in_input
from deep_predictor.training.sample import Sample
from deep_predictor.training.tasks.base import MeasuredPart, TrainingTask
from deep_predictor.training.tasks.box_assignment import CROWD, NOTHING, THING
from deep_predictor.training.tasks.box_cells import BoxCells, box_cells, served_network
from deep_predictor.training.tasks.detection_evaluation import DetectionEvaluation, evaluate_detector
from deep_predictor.training.tasks.detection_loss import detection_loss
from deep_predictor.training.tasks.found_boxes import LIMITS, BoxFinder

if TYPE_CHECKING:
    import keras

#: Boxes of a picture that a network is taught; every picture's target has room for so many.
MOST_BOXES = 100
#: Numbers of a target's row: y1, x1, y2, x2 in pixels of the input, the class, and what the row is.
TARGET_NUMBERS = 6
logger = logging.getLogger("deep_predictor.training.run")


class BoxTargets:
    """The boxes of a picture on the network's input: float32 (MOST_BOXES, 6), rows of NOTHING at the end."""

    dtype = np.float32

    def __init__(self, spec: InputSpec) -> None:
        self._spec = spec
        self._is_told = threading.Lock()

    @property
    def shape(self) -> tuple[int, ...]:
        return MOST_BOXES, TARGET_NUMBERS

    def encode(self, sample: Sample, label: int) -> np.ndarray:
        """Of too many boxes the largest stay, things before crowds. Raises ValueError for a picture without boxes."""
        placed = boxes_in_input(sample, self._spec)
        sides = placed.boxes[:, 2:] - placed.boxes[:, :2]
        largest = np.lexsort((-sides[:, 0] * sides[:, 1], placed.is_crowd))[:MOST_BOXES]
        if len(placed.boxes) > MOST_BOXES:
            self._tell(len(placed.boxes))
        target = np.full(self.shape, NOTHING, np.float32)
        target[: len(largest), :4] = placed.boxes[largest][:, [1, 0, 3, 2]]
        target[: len(largest), 4] = placed.classes[largest]
        target[: len(largest), 5] = np.where(placed.is_crowd[largest], CROWD, THING)
        return target

    def _tell(self, count: int) -> None:
        """Once a run: later pictures would only repeat it."""
        if self._is_told.acquire(blocking=False):
            logger.warning("a picture has %d boxes: of each picture the largest %d are taught", count, MOST_BOXES)


class DetectionObjective:
    """`class_weights`: (classes,), None where all classes count the same."""

    def __init__(self, class_names: tuple[str, ...], cells: BoxCells, class_weights: np.ndarray | None = None) -> None:
        self._class_names, self._cells, self._weights = class_names, cells, class_weights

    def loss(self) -> keras.losses.Loss:
        return detection_loss(self._cells, self._weights)

    def metrics(self) -> list[Any]:
        return []

    def weights_of(self, targets: np.ndarray) -> np.ndarray | None:
        return None

    def validate(self, network: keras.Model, val: Batches) -> ValFigures:
        """Boxes are compared on the network's input: overlaps are the same there as on the pictures."""
        finder, plain = BoxFinder(self._cells, LIMITS), detection_loss(self._cells)
        loss, count = 0.0, 0
        pictures: list[tuple[TrueBoxes, FoundBoxes]] = []
        for batch in val.in_order():
            rows = np.asarray(network.predict_on_batch(batch.inputs), np.float32)
            loss += float(plain(batch.targets, rows)) * len(rows)
            count += len(rows)
            if not np.isfinite(loss):
                break
            pictures += zip(map(self._truth, batch.targets), finder.found(rows), strict=True)
        metrics = measure_detection(pictures, self._class_names)
        return ValFigures(loss / max(1, count), map50=metrics.map50, map50_95=metrics.map50_95)

    def _truth(self, target: np.ndarray) -> TrueBoxes:
        """A picture's target -> its boxes as shares of the input."""
        there = target[target[:, 5] != NOTHING]
        sides = [self._cells.width, self._cells.height] * 2
        return TrueBoxes(there[:, [1, 0, 3, 2]] / sides, there[:, 4].astype(np.int64), there[:, 5] == CROWD)


class DetectionTask(TrainingTask):
    name = "detection"
    backend_name = "tf_yolo"

    def __init__(self, config: TrainingConfig, class_names: tuple[str, ...]) -> None:
        super().__init__(config, class_names)
        if self.spec.resize_mode == "center_crop":
            raise self._problem("input_options.resize_mode", "center_crop hides a part of the picture from a detector")
        if self.spec.color_mode == "grayscale":
            raise self._problem("input_options.color_mode", "detectors are served in colour: take rgb or bgr")
        if self.options.fit_options.label_smoothing:
            raise self._problem("fit_options.label_smoothing", "a detector's scores are not smoothed")
        if self.options.fit_options.fine_tuning:
            raise self._problem("fit_options.fine_tuning", "a detector begins without weights: all of it is trained")
        self.cells = box_cells(self.spec.height, self.spec.width, STRIDES[self.options.fit_options.architecture])

    @property
    def targets(self) -> BoxTargets:
        return BoxTargets(self.spec)

    def objective(self, train: Batches) -> DetectionObjective:
        wanted, weights = self.options.fit_options.class_weights, None
        if wanted == "balanced":
            weights = _balanced(train, len(self.class_names))
        elif wanted is not None:
            weights = self.weights_by_name(wanted)
        return DetectionObjective(self.class_names, self.cells, weights)

    def evaluate(self, network: keras.Model, val: MeasuredPart, test: MeasuredPart) -> DetectionEvaluation:
        return evaluate_detector(
            network,
            BoxFinder(self.cells, LIMITS, self.spec),
            (val, test),
            self.options.report_options.target_precision,
            self.options.serving_options.confidence_threshold,
        )

    def served(self, network: keras.Model) -> keras.Model:
        return served_network(network, self.cells)

    def save(self, network: keras.Model, folder: Path) -> str:
        """The model file, which other formats are made of, and the SavedModel that is served."""
        super().save(network, folder)
        network.export(folder / SAVED_MODEL_FOLDER, format="tf_saved_model", verbose=False)
        return SAVED_MODEL_FOLDER

    def model_options(self) -> dict[str, Any]:
        """What is measured is served: the same suppression, and as many boxes."""
        return {
            "iou_threshold": LIMITS.iou_threshold,
            "max_output_size_per_class": LIMITS.max_per_class,
            "max_total_size": LIMITS.max_total,
        }

    def _problem(self, key: str, message: str) -> ConfigError:
        return ConfigError([ConfigProblem(self.config.file, f"{SECTION}.{key}", message)])


def _balanced(train: Batches, class_count: int) -> np.ndarray:
    """(classes,): boxes / (classes * boxes of the class), at most 10; a class without boxes counts 1."""
    counts = np.zeros(class_count, np.int64)
    for batch in train.in_order():
        things = batch.targets[batch.targets[:, :, 5] == THING]
        counts += np.bincount(things[:, 4].astype(np.int64), minlength=class_count)
    weights = np.where(counts > 0, counts.sum() / (class_count * np.maximum(counts, 1)), 1.0)
    return np.minimum(weights, 10.0).astype(np.float32)
