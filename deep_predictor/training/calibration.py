"""Whether a network is right as often as it says: temperature, and the error of calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deep_predictor.backends.temperature import apply_temperature, log_probabilities

__all__ = [
    "ECE_BINS",
    "Reliability",
    "apply_temperature",
    "expected_calibration_error",
    "fit_temperature",
    "reliability_of",
]

ECE_BINS = 15
#: Beyond these a network says nothing (all classes alike), or leaves no doubt at all.
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
TEMPERATURE_DECIMALS = 5
_HALVINGS = 60


@dataclass(frozen=True)
class Reliability:
    """Answers by confidence, in bins of equal width over 0..1; shares and means of an empty bin are 0."""

    counts: np.ndarray
    mean_confidence: np.ndarray
    right_share: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: mean |right share - confidence| over the bins, weighted by their counts."""
        gaps = np.abs(self.right_share - self.mean_confidence)
        return float((self.counts * gaps).sum() / self.counts.sum())


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature of the lowest mean cross-entropy, within 0.05 to 20.

    (N, classes) probabilities, (N,) true classes. Where every answer is right the cross-entropy only falls with the
    temperature and says nothing about it: then 1. C. Guo and others, On calibration of modern neural networks
    (2017); with b = 1/T the cross-entropy is convex in b, so its slope has one zero, which is found by halving.
    """
    logits = log_probabilities(probabilities)
    rows, true = np.arange(len(labels)), np.asarray(labels)
    if (logits.argmax(axis=1) == true).all():
        return 1.0

    def slope(temperature: float) -> float:
        """d(mean cross-entropy) / db."""
        expected = (apply_temperature(probabilities, temperature) * logits).sum(axis=1)
        return float((expected - logits[rows, true]).mean())

    low, high = math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        # The slope grows with b: where it is positive, b is too large, so the temperature too low.
        if slope(math.exp(middle)) > 0:
            low = middle
        else:
            high = middle
    return round(math.exp((low + high) / 2), TEMPERATURE_DECIMALS)


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = ECE_BINS) -> float:
    """Over the confidence of the answers, in bins of equal width; 0 is perfect. Source as above."""
    return reliability_of(probabilities, labels, bins).error


def reliability_of(probabilities: np.ndarray, labels: np.ndarray, bins: int = ECE_BINS) -> Reliability:
    """(N, classes) probabilities and (N,) true classes -> answers by confidence; bin i holds (i/bins, (i+1)/bins]."""
    if probabilities.ndim != 2 or len(probabilities) != len(labels) or len(labels) == 0:
        raise ValueError(f"{probabilities.shape} outputs do not fit {len(labels)} labels")
    confidences = probabilities.max(axis=1).astype(np.float64)
    is_right = (probabilities.argmax(axis=1) == np.asarray(labels)).astype(np.float64)
    bin_of = np.clip(np.ceil(confidences * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    divisors = np.maximum(counts, 1)
    return Reliability(
        counts=counts,
        mean_confidence=np.bincount(bin_of, confidences, bins) / divisors,
        right_share=np.bincount(bin_of, is_right, bins) / divisors,
    )
