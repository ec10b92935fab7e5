"""The confidence threshold: Wilson's bound by hand, ties, bounds that rise and fall, and the server's comparison."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.training.threshold import choose_threshold, figures_at, wilson_interval, wilson_lower_bound


def answers(*pairs: tuple[float, bool]) -> tuple[np.ndarray, np.ndarray]:
    """(confidence, whether it is right) -> probabilities of two classes, labels. Confidences are above 0.5."""
    probabilities = np.array([[confidence, 1 - confidence] for confidence, _ in pairs])
    return probabilities, np.array([0 if is_right else 1 for _, is_right in pairs])


def slow_choice(probabilities: np.ndarray, labels: np.ndarray, target: float) -> float:
    """As the text says it: try each confidence that occurs, from the lowest."""
    confidences = [round(float(row.max()), 5) for row in probabilities]
    right = [int(row.argmax()) == label for row, label in zip(probabilities, labels, strict=True)]
    for threshold in sorted(set(confidences)):
        accepted = [r for c, r in zip(confidences, right, strict=True) if c >= threshold]
        if wilson_lower_bound(sum(accepted), len(accepted)) >= target:
            return threshold
    return 0.0


@pytest.mark.parametrize(
    ("right", "count", "lower", "upper"),
    [
        (8, 10, 0.490162, 0.943318),
        (0, 10, 0.0, 0.277533),
        (10, 10, 0.722467, 1.0),
        (95, 100, 0.888250, 0.978456),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_interval_known_values(right: int, count: int, lower: float, upper: float) -> None:
    assert wilson_interval(right, count) == pytest.approx((lower, upper), abs=1e-6)


def test_wilson_lower_bound_of_all_right_reaches_95_percent_at_73() -> None:
    # n / (n + z²) >= 0.95 from n = 19 z² = 72.99 on
    assert wilson_lower_bound(72, 72) < 0.95 <= wilson_lower_bound(73, 73)


def test_choose_threshold_hand_computed_cuts_the_wrong_ones_off() -> None:
    probabilities, labels = answers(*[(0.9, True)] * 80, *[(0.6, False)] * 20)

    choice = choose_threshold(probabilities, labels)

    assert choice.threshold == 0.9
    assert choice.is_reached
    assert (choice.accepted_share, choice.not_confident_share) == (0.8, pytest.approx(0.2))
    assert choice.right_share == 1.0
    assert choice.wilson_lower == pytest.approx(wilson_lower_bound(80, 80))


def test_choose_threshold_everything_right_takes_the_lowest_confidence() -> None:
    probabilities, labels = answers(*[(0.55 + 0.004 * number, True) for number in range(100)])

    choice = choose_threshold(probabilities, labels)

    assert choice.threshold == 0.55
    assert choice.not_confident_share == 0


def test_choose_threshold_none_reaches_it_stays_zero_and_says_so() -> None:
    probabilities, labels = answers(*[(0.9, True)] * 72)

    choice = choose_threshold(probabilities, labels)

    assert choice.threshold == 0.0
    assert not choice.is_reached
    assert choice.accepted_share == 1.0
    assert choice.wilson_lower == pytest.approx(wilson_lower_bound(72, 72))


def test_choose_threshold_equal_confidences_are_accepted_together() -> None:
    # The 80 right ones alone would do, but the 20 wrong ones are just as confident.
    probabilities, labels = answers(*[(0.9, True)] * 80, *[(0.9, False)] * 20)

    assert not choose_threshold(probabilities, labels).is_reached


def test_choose_threshold_bound_that_falls_and_rises_again_takes_the_lowest_place() -> None:
    # Above 0.9: 80 right. From 0.8 on: 8 wrong more, the bound is missed. From 0.7 on: 300 right more, it is reached.
    probabilities, labels = answers(*[(0.9, True)] * 80, *[(0.8, False)] * 8, *[(0.7, True)] * 300)

    assert not figures_at(probabilities, labels, 0.8).is_reached
    assert figures_at(probabilities, labels, 0.9).is_reached
    assert choose_threshold(probabilities, labels).threshold == 0.7


def test_choose_threshold_compares_at_five_decimals_as_serving_does() -> None:
    # 0.899996 is served as 0.9, so it is accepted with 0.9 and cannot be cut off.
    probabilities, labels = answers(*[(0.9, True)] * 80, *[(0.899996, False)] * 20)
    assert not choose_threshold(probabilities, labels).is_reached

    probabilities, labels = answers(*[(0.9, True)] * 80, *[(0.899994, False)] * 20)
    assert choose_threshold(probabilities, labels).threshold == 0.9


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("target", [0.8, 0.95])
def test_choose_threshold_random_answers_equal_the_slow_version(seed: int, target: float) -> None:
    rng = np.random.default_rng(seed)
    confidences = np.round(rng.uniform(0.5, 1, 400), rng.integers(2, 7))
    is_right = rng.random(400) < confidences ** rng.uniform(0.1, 1)
    probabilities, labels = answers(*zip(confidences.tolist(), is_right.tolist(), strict=True))

    assert choose_threshold(probabilities, labels, target).threshold == slow_choice(probabilities, labels, target)


def test_figures_at_threshold_above_everything_accepts_nothing() -> None:
    probabilities, labels = answers((0.9, True), (0.8, False))

    figures = figures_at(probabilities, labels, 0.95)

    assert (figures.accepted_share, figures.right_share, figures.wilson_lower) == (0, 0, 0)
    assert not figures.is_reached


def test_choose_threshold_no_pictures_raises() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        choose_threshold(np.zeros((0, 2)), np.zeros(0, np.int64))
