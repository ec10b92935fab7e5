"""Classification: one class a picture, cross-entropy or an architecture's own loss, the share of right answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.training.architectures.losses import loss_named
from deep_predictor.training.architectures.table import ARCHITECTURES
from deep_predictor.training.batches import Batch, Batches, OneHot
from deep_predictor.training.evaluation import Evaluation, evaluate_run
from deep_predictor.training.figures import ValFigures
from deep_predictor.training.tasks.base import MeasuredPart, TrainingTask, item_names

if TYPE_CHECKING:
    import keras

#: A probability of zero for the true class costs this much of a logarithm, not infinity.
_SMALLEST_PROBABILITY = 1e-7


class ClassificationObjective:
    """`loss_name`: the architecture's. `class_weights`: (classes,), None where all count the same."""

    def __init__(self, loss_name: str, label_smoothing: float = 0.0, class_weights: np.ndarray | None = None) -> None:
        self._loss_name, self._label_smoothing, self._weights = loss_name, label_smoothing, class_weights

    def loss(self) -> keras.losses.Loss:
        return loss_named(self._loss_name, self._label_smoothing)

    def metrics(self) -> list[Any]:
        import keras

        return [keras.metrics.CategoricalAccuracy(name="accuracy")]

    def weights_of(self, targets: np.ndarray) -> np.ndarray | None:
        return None if self._weights is None else targets @ self._weights

    def validate(self, network: keras.Model, val: Batches) -> ValFigures:
        probabilities = predict_probabilities(network, val.in_order())
        loss = plain_loss(probabilities, val.labels, self._loss_name)
        return ValFigures(loss, float((probabilities.argmax(1) == val.labels).mean()))


class ClassificationTask(TrainingTask):
    name = "classification"
    backend_name = "keras"

    @property
    def targets(self) -> OneHot:
        return OneHot(len(self.class_names))

    def objective(self, train: Batches) -> ClassificationObjective:
        fit = self.options.fit_options
        return ClassificationObjective(
            ARCHITECTURES[fit.architecture].loss, fit.label_smoothing, self._class_weights(train.labels)
        )

    def evaluate(self, network: keras.Model, val: MeasuredPart, test: MeasuredPart) -> Evaluation:
        return evaluate_run(
            predict_probabilities(network, val.batches.in_order()),
            val.batches.labels,
            predict_probabilities(network, test.batches.in_order()),
            test.batches.labels,
            item_names(test),
            self.class_names,
            self.options.report_options.target_precision,
            self.options.serving_options.confidence_threshold,
        )

    def model_options(self) -> dict[str, Any]:
        return {
            "tensorflow_version": 2,
            "grayscale": int(self.options.input_options.color_mode == "grayscale"),
            "return_topN": self.options.serving_options.return_topN,
        }

    def _class_weights(self, labels: np.ndarray) -> np.ndarray | None:
        """Raises ConfigError for a class that the data set does not have."""
        wanted = self.options.fit_options.class_weights
        if wanted is None:
            return None
        if wanted == "balanced":
            return balanced_weights(labels, len(self.class_names))
        return self.weights_by_name(wanted)


def predict_probabilities(network: keras.Model, batches: Iterable[Batch]) -> np.ndarray:
    """(N, classes) of all pictures of the batches."""
    return np.concatenate([np.asarray(network.predict_on_batch(batch.inputs), np.float32) for batch in batches])


def plain_loss(probabilities: np.ndarray, labels: np.ndarray, loss: str) -> float:
    """The mean loss of (N, classes) outputs against (N,) labels; NaN where an output is none."""
    if loss == "cross_entropy":
        of_true_class = probabilities[np.arange(len(labels)), labels].astype(np.float64)
        return float(-np.log(of_true_class.clip(_SMALLEST_PROBABILITY, 1)).mean())
    targets = np.eye(probabilities.shape[1], dtype=np.float32)[labels]
    return float(np.mean(np.asarray(loss_named(loss, 0.0)(targets, probabilities))))


def balanced_weights(labels: np.ndarray, class_count: int) -> np.ndarray:
    """(classes,): pictures / (classes * pictures of the class); a class without pictures counts 1."""
    counts = np.bincount(labels, minlength=class_count)
    return np.where(counts > 0, len(labels) / (class_count * np.maximum(counts, 1)), 1.0).astype(np.float32)
