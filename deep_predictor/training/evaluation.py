"""How good a run's network is, and what follows from it: temperature and threshold from val, the figures from test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from deep_predictor.training.calibration import (
    Reliability,
    apply_temperature,
    fit_temperature,
    reliability_of,
)
from deep_predictor.training.metrics import ClassificationMetrics, measure, table_of
from deep_predictor.training.tasks.base import TaskEvaluation
from deep_predictor.training.threshold import ThresholdChoice, choose_threshold, figures_at

#: So many wrong answers are listed, the most confident first.
LISTED_MISTAKES = 24


@dataclass(frozen=True)
class Mistake:
    """A test picture that got a wrong class. `index`: its place in the test part, 0 to N - 1."""

    item_name: str
    true_class: str
    predicted_class: str
    confidence: float
    index: int


@dataclass(frozen=True)
class Evaluation(TaskEvaluation):
    """`val`, `test`: figures of what is served, so after the temperature; `..._before`: of the network's own outputs.

    `threshold`: chosen on val, or what the cfg says; `threshold_on_test`: the same threshold's figures on test.
    """

    temperature: float
    val: ClassificationMetrics
    val_before: ClassificationMetrics
    test: ClassificationMetrics
    test_before: ClassificationMetrics
    #: Of the test part, for the diagram.
    reliability: Reliability
    reliability_before: Reliability
    threshold: ThresholdChoice
    threshold_on_test: ThresholdChoice
    mistakes: tuple[Mistake, ...]
    #: (N,) of the test part as it is served: the class of each answer, and its confidence.
    test_predicted: np.ndarray
    test_confidences: np.ndarray
    #: Whether the threshold is what the cfg says, not a choice.
    is_threshold_fixed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Only JSON types, for metrics.json and the manifest."""
        return {
            "temperature": self.temperature,
            "threshold": self.threshold.to_dict(),
            "threshold_on_test": self.threshold_on_test.to_dict(),
            "is_threshold_fixed": self.is_threshold_fixed,
            "val": self.val.to_dict(),
            "test": self.test.to_dict(),
            "before_temperature": {
                part: {"loss": round(figures.loss, 5), "ece": round(figures.ece, 5)}
                for part, figures in (("val", self.val_before), ("test", self.test_before))
            },
            "mistakes": [asdict(mistake) for mistake in self.mistakes],
        }

    def manifest(self) -> dict[str, Any]:
        return {
            "test_accuracy": round(self.test.accuracy, 5),
            "temperature": self.temperature,
            "threshold": self.threshold.to_dict(),
        }

    def model_options(self) -> dict[str, Any]:
        return {"temperature": self.temperature, "confidence_threshold": self.threshold.threshold}

    def summary(self) -> str:
        return "\n".join(
            [
                table_of(self.test),
                "",
                f"test accuracy {self.test.accuracy:.4f} on {self.test.count} pictures",
                f"threshold     {_sentence(self.threshold)}",
            ]
        )


def evaluate_run(
    val_probabilities: np.ndarray,
    val_labels: np.ndarray,
    test_probabilities: np.ndarray,
    test_labels: np.ndarray,
    test_names: Sequence[str],
    class_names: Sequence[str],
    target: float,
    fixed_threshold: float | None = None,
) -> Evaluation:
    """(N, classes) outputs of the network and (N,) true classes of both parts -> figures.

    Temperature and threshold are fitted on val alone; test is only measured. `target`: the share of right answers
    among the accepted that the threshold is to guarantee; `fixed_threshold`: what the cfg says instead, None: chosen.
    """
    temperature = fit_temperature(val_probabilities, val_labels)
    val = apply_temperature(val_probabilities, temperature)
    test = apply_temperature(test_probabilities, temperature)
    if fixed_threshold is None:
        choice = choose_threshold(val, val_labels, target)
    else:
        choice = figures_at(val, val_labels, fixed_threshold, target)
    return Evaluation(
        temperature=temperature,
        val=measure(val, val_labels, class_names),
        val_before=measure(val_probabilities, val_labels, class_names),
        test=measure(test, test_labels, class_names),
        test_before=measure(test_probabilities, test_labels, class_names),
        reliability=reliability_of(test, test_labels),
        reliability_before=reliability_of(test_probabilities, test_labels),
        threshold=choice,
        threshold_on_test=figures_at(test, test_labels, choice.threshold, target),
        mistakes=worst_mistakes(test, test_labels, test_names, class_names),
        test_predicted=test.argmax(axis=1),
        test_confidences=test.max(axis=1),
        is_threshold_fixed=fixed_threshold is not None,
    )


def _sentence(choice: ThresholdChoice) -> str:
    if not choice.is_reached:
        return f"{choice.threshold:g}: no confidence is known to leave {choice.target:.0%} right answers"
    return (
        f"{choice.threshold:g}: of the validation pictures {choice.right_share:.1%} of the accepted are right, "
        f"{choice.not_confident_share:.1%} are not confident"
    )


def worst_mistakes(
    probabilities: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    class_names: Sequence[str],
    count: int = LISTED_MISTAKES,
) -> tuple[Mistake, ...]:
    """The wrong answers with the highest confidence, highest first; of equal ones the earlier picture."""
    predicted, confidences = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-confidences[wrong], kind="stable")][:count]
    return tuple(
        Mistake(
            item_name=names[index],
            true_class=class_names[labels[index]],
            predicted_class=class_names[predicted[index]],
            confidence=round(float(confidences[index]), 5),
            index=int(index),
        )
        for index in worst
    )
