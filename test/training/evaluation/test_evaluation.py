"""What follows from a run's outputs: everything fitted on val, test only measured."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from deep_predictor.training.calibration import apply_temperature, fit_temperature
from deep_predictor.training.evaluation import LISTED_MISTAKES, Evaluation, evaluate_run
from deep_predictor.training.metrics import measure
from deep_predictor.training.threshold import choose_threshold

NAMES = ("cat", "dog", "<b>")


def outputs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Outputs of a network that is right more often than not, and too sure."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    logits = rng.normal(0, 1, (count, 3))
    logits[np.arange(count), labels] += 2.5
    powers = np.exp(5 * logits)  # twice as sure as these distances allow
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32), labels


def evaluated(test_seed: int = 2, test_count: int = 200, **changes: Any) -> Evaluation:
    val, test = outputs(300, 1), outputs(test_count, test_seed)
    names = [f"{index}.png" for index in range(test_count)]
    return evaluate_run(*val, *test, names, NAMES, 0.9, **changes)


def test_evaluate_run_fits_on_val_and_measures_what_is_served() -> None:
    found = evaluated()
    val, val_labels = outputs(300, 1)
    test, test_labels = outputs(200, 2)

    assert found.temperature == fit_temperature(val, val_labels) > 1.5
    assert found.threshold == choose_threshold(apply_temperature(val, found.temperature), val_labels, 0.9)
    served = measure(apply_temperature(test, found.temperature), test_labels, NAMES)
    assert found.test.to_dict() == served.to_dict()
    assert found.test.accuracy == found.test_before.accuracy
    assert found.test.ece < found.test_before.ece
    assert found.test.loss < found.test_before.loss
    assert found.reliability.error == pytest.approx(found.test.ece)
    assert found.reliability_before.error == pytest.approx(found.test_before.ece)
    assert found.threshold_on_test.threshold == found.threshold.threshold > 0


def test_evaluate_run_other_test_pictures_change_no_choice() -> None:
    one, other = evaluated(test_seed=2), evaluated(test_seed=3, test_count=50)

    assert one.temperature == other.temperature
    assert one.threshold == other.threshold
    assert one.test.accuracy != other.test.accuracy


def test_evaluate_run_threshold_of_the_cfg_is_not_chosen() -> None:
    found = evaluated(fixed_threshold=0.42)

    assert found.is_threshold_fixed
    assert found.threshold.threshold == found.threshold_on_test.threshold == 0.42


def test_evaluate_run_mistakes_come_with_the_most_confident_first() -> None:
    found = evaluated(test_count=600)
    test, labels = outputs(600, 2)
    test = apply_temperature(test, found.temperature)

    assert len(found.mistakes) == LISTED_MISTAKES
    for mistake in found.mistakes:
        index = mistake.index
        assert mistake.item_name == f"{index}.png"
        assert mistake.true_class == NAMES[labels[index]]
        assert mistake.predicted_class == NAMES[test[index].argmax()] != mistake.true_class
        assert mistake.confidence == pytest.approx(test[index].max(), abs=1e-5)
    confidences = [mistake.confidence for mistake in found.mistakes]
    assert confidences == sorted(confidences, reverse=True)
    wrong = np.flatnonzero(test.argmax(axis=1) != labels)
    assert confidences[0] == pytest.approx(test[wrong].max(), abs=1e-5)


def test_evaluate_run_perfect_network_has_no_mistakes_and_a_finite_report() -> None:
    sure = np.eye(3, dtype=np.float32)[np.arange(90) % 3]
    labels = np.arange(90) % 3

    found = evaluate_run(sure, labels, sure, labels, [str(i) for i in range(90)], NAMES, 0.95)

    assert found.mistakes == ()
    assert found.temperature == 1.0
    assert (found.test.accuracy, found.test.ece) == (1.0, pytest.approx(0))
    assert found.threshold.is_reached
    json.dumps(found.to_dict(), allow_nan=False)
