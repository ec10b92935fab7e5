"""Figures against hand-computed values and against a slow, obvious version."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from deep_predictor.training.metrics import confusion_matrix, measure, table_of, top_accuracy

NAMES = ("cat", "dog", "traffic light")
#: True classes 0 0 1 1 2, called 0 1 1 1 0.
LABELS = np.array([0, 0, 1, 1, 2])
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.9, 0.0], [0.25, 0.5, 0.25], [0.6, 0.3, 0.1]])


def test_measure_hand_computed_case_gives_its_figures() -> None:
    metrics = measure(PROBABILITIES, LABELS, NAMES)

    assert metrics.count == 5
    assert metrics.accuracy == pytest.approx(3 / 5)
    assert metrics.loss == pytest.approx(-sum(math.log(p) for p in (0.8, 0.2, 0.9, 0.5, 0.1)) / 5)
    assert metrics.confusion.tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]
    cat, dog, light = metrics.classes
    assert (cat.precision, cat.recall, cat.f1, cat.count) == (0.5, 0.5, 0.5, 2)
    assert (dog.precision, dog.recall, dog.f1) == (pytest.approx(2 / 3), 1.0, pytest.approx(0.8))
    assert (light.precision, light.recall, light.f1, light.count) == (0.0, 0.0, 0.0, 1)


def test_confusion_matrix_random_case_equals_the_slow_version() -> None:
    rng = np.random.default_rng(7)
    labels, predicted = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    slow = [
        [sum(1 for t, p in zip(labels, predicted, strict=True) if (t, p) == (i, j)) for j in range(4)] for i in range(4)
    ]

    assert confusion_matrix(predicted, labels, 4).tolist() == slow


def test_top_accuracy_random_case_equals_the_slow_version() -> None:
    rng = np.random.default_rng(7)
    labels, probabilities = rng.integers(0, 12, 200), np.round(rng.random((200, 12)), 1)  # with many ties
    ranked = [sorted(range(12), key=lambda c: (-row[c], c)) for row in probabilities]

    for count in (1, 5):
        slow = sum(label in order[:count] for label, order in zip(labels, ranked, strict=True)) / 200
        assert top_accuracy(probabilities, labels, count) == pytest.approx(slow)
    metrics = measure(probabilities, labels, [str(number) for number in range(12)])
    assert metrics.top5_accuracy == top_accuracy(probabilities, labels, 5)
    assert metrics.accuracy == top_accuracy(probabilities, labels, 1)


def test_measure_three_classes_are_all_among_the_first_five() -> None:
    assert measure(PROBABILITIES, LABELS, NAMES).top5_accuracy == 1.0


def test_measure_output_that_is_no_number_raises() -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        measure(np.array([[np.nan, 0.5]]), np.array([0]), ("a", "b"))


def test_table_of_metrics_names_cannot_steer_a_terminal() -> None:
    assert "\x1b" not in table_of(measure(np.eye(2), np.array([0, 1]), ("a\x1b[2J", "b")))


def test_measure_zero_probability_of_the_true_class_stays_finite() -> None:
    metrics = measure(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]), ("a", "b"))

    assert math.isfinite(metrics.loss)
    json.dumps(metrics.to_dict(), allow_nan=False)


@pytest.mark.parametrize("shape", [(4, 3), (5, 2), (5,)])
def test_measure_shapes_that_do_not_fit_raise(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        measure(np.zeros(shape), LABELS, NAMES)


def test_measure_no_pictures_raises() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        measure(np.zeros((0, 3)), np.zeros(0, dtype=np.int64), NAMES)


def test_table_of_metrics_has_a_line_for_each_class() -> None:
    lines = table_of(measure(PROBABILITIES, LABELS, NAMES)).splitlines()

    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1
    assert lines[2].split() == ["dog", "0.667", "1.000", "0.800", "2"]
