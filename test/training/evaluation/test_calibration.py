"""Temperature and calibration error: against hand-computed values, a slow search, and probabilities made to fit."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.training.calibration import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    reliability_of,
)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def drawn(count: int, classes: int = 5, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from their softmax: perfectly calibrated."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, classes))
    return logits, np.array([rng.choice(classes, p=row) for row in softmax(logits)])


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    scaled = apply_temperature(probabilities, temperature)
    return float(-np.log(scaled[np.arange(len(labels)), labels]).mean())


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5, 20.0])
def test_apply_temperature_equals_softmax_of_the_logits_by_it(temperature: float) -> None:
    logits = np.random.default_rng(2).normal(0, 3, (40, 6))

    given = apply_temperature(softmax(logits), temperature)

    np.testing.assert_allclose(given, softmax(logits / temperature), atol=1e-12)
    np.testing.assert_array_equal(given[7], apply_temperature(softmax(logits)[7], temperature))


def test_apply_temperature_hand_computed_two_classes() -> None:
    # 0.8^(1/2) : 0.2^(1/2) = 2 : 1
    np.testing.assert_allclose(apply_temperature(np.array([0.8, 0.2]), 2.0), [2 / 3, 1 / 3])


def test_apply_temperature_zero_and_one_stay_finite_at_any_temperature() -> None:
    for temperature in (0.001, 0.05, 1.0, 1000.0):
        given = apply_temperature(np.array([[1.0, 0.0, 0.0]], np.float32), temperature)
        assert np.isfinite(given).all()
        assert given.sum() == pytest.approx(1)
        assert given.argmax() == 0


@pytest.mark.parametrize("row", [[-0.1, 1.1], [np.nan, 1.0], [np.inf, 0.0], [0.0, 0.0]])
def test_apply_temperature_what_is_no_probability_raises(row: list[float]) -> None:
    with pytest.raises(ValueError, match="needs probabilities"):
        apply_temperature(np.array([row]), 2.0)


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 2.0, 4.0])
def test_fit_temperature_finds_how_much_too_sure_a_network_is(overconfidence: float) -> None:
    logits, labels = drawn(4000)

    assert fit_temperature(softmax(logits * overconfidence), labels) == pytest.approx(overconfidence, rel=0.06)


@pytest.mark.parametrize("seed", range(5))
def test_fit_temperature_equals_a_slow_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = softmax(rng.normal(0, 3, (60, 4))).astype(np.float32)
    labels = np.where(rng.random(60) < 0.6, probabilities.argmax(axis=1), rng.integers(0, 4, 60))

    found = fit_temperature(probabilities, labels)

    best = min(np.geomspace(0.05, 20, 4000), key=lambda t: cross_entropy(probabilities, labels, t))
    assert found == pytest.approx(best, rel=2e-3)
    assert cross_entropy(probabilities, labels, found) <= cross_entropy(probabilities, labels, best) + 1e-12


def test_fit_temperature_every_answer_right_says_nothing() -> None:
    assert fit_temperature(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1])) == 1.0
    assert fit_temperature(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 1])) == 1.0


def test_fit_temperature_worse_than_guessing_stays_within_its_bounds() -> None:
    sure_and_wrong = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)

    assert fit_temperature(sure_and_wrong, np.array([1, 0])) == pytest.approx(HIGHEST_TEMPERATURE)


def test_fit_temperature_nearly_all_right_stays_within_its_bounds() -> None:
    probabilities = np.array([[0.51, 0.49]] * 5000 + [[0.500001, 0.499999]])
    labels = np.array([0] * 5000 + [1])

    assert fit_temperature(probabilities, labels) == pytest.approx(LOWEST_TEMPERATURE)


def test_calibration_error_hand_computed() -> None:
    # Bins of 1/15: 0.95 and 0.96 share the last one, 0.6 falls into (8/15, 9/15].
    probabilities = np.array([[0.95, 0.05], [0.96, 0.04], [0.6, 0.4], [0.4, 0.6]])
    labels = np.array([0, 1, 0, 0])

    # Last bin: right 1/2, sure 0.955; the other: right 1/2, sure 0.6.
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.5 * 0.455 + 0.5 * 0.1)


def test_calibration_error_equals_the_slow_version() -> None:
    logits, labels = drawn(300, seed=4)
    probabilities = softmax(logits * 2)
    slow = 0.0
    for number in range(15):
        rows = [
            (row.max(), row.argmax() == label)
            for row, label in zip(probabilities, labels, strict=True)
            if number / 15 < row.max() <= (number + 1) / 15
        ]
        if rows:
            sure, right = np.mean([r[0] for r in rows]), np.mean([r[1] for r in rows])
            slow += len(rows) / 300 * abs(sure - right)

    assert expected_calibration_error(probabilities, labels) == pytest.approx(slow)


def test_calibration_error_falls_with_the_fitted_temperature() -> None:
    logits, labels = drawn(3000)
    probabilities = softmax(logits * 3)
    fitted = apply_temperature(probabilities, fit_temperature(probabilities, labels))

    assert expected_calibration_error(probabilities, labels) > 0.1
    assert expected_calibration_error(fitted, labels) < 0.03


def test_reliability_a_confidence_of_one_and_of_zero_have_a_bin() -> None:
    bins = reliability_of(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([0, 1]))

    assert bins.counts.tolist() == [1] + [0] * 13 + [1]
    assert bins.right_share[-1] == 1.0
    assert bins.mean_confidence[0] == 0.0


@pytest.mark.parametrize("shape", [(3, 2), (0, 2), (2,)])
def test_reliability_shapes_that_do_not_fit_raise(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        reliability_of(np.zeros(shape), np.zeros(2 if shape[0] else 0, np.int64))
