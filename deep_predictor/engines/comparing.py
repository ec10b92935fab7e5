"""Whether two engines answer alike."""

from __future__ import annotations

import numpy as np

#: max|output - reference| / max|reference|: rounding of 32-bit floats stays well below it, an error does not.
TOLERANCE = 1e-4
#: Share of real pictures whose best class must stay the same under `"precision": "fast"`.
FAST_AGREEMENT = 0.99
#: Scores that differ by less, as a share of the largest, are a tie; either may be called the best.
TIE = 1e-6


def relative_difference(output: np.ndarray, reference: np.ndarray) -> float:
    """max|output - reference| / max|reference|; infinite where a number is not finite, or the shapes differ."""
    if output.shape != reference.shape or not (np.isfinite(output).all() and np.isfinite(reference).all()):
        return float("inf")
    largest = float(np.abs(reference).max(initial=0.0))
    apart = float(np.abs(output.astype(np.float64) - reference).max(initial=0.0))
    return apart / largest if largest else float("inf") if apart else 0.0


def table_difference(output: np.ndarray, reference: np.ndarray, numbers_before_scores: int, axis: int = -1) -> float:
    """As `relative_difference`, but where numbers stand before the scores on an axis, those are compared by themselves:
    boxes in pixels would hide any error of a score. Scores count as shares of 1."""
    apart = relative_difference(output, reference)
    if not numbers_before_scores or not np.isfinite(apart):
        return apart
    given, wanted = np.moveaxis(output, axis, -1), np.moveaxis(reference, axis, -1)
    numbers = relative_difference(given[..., :numbers_before_scores], wanted[..., :numbers_before_scores])
    scores = wanted[..., numbers_before_scores:].astype(np.float64)
    scores_apart = np.abs(given[..., numbers_before_scores:] - scores).max(initial=0.0)
    return max(numbers, float(scores_apart / max(1.0, np.abs(scores).max(initial=0.0))))


def top1_agreement(output: np.ndarray, reference: np.ndarray, numbers_before_scores: int = 0, axis: int = -1) -> float:
    """Share of the pictures (first axis) whose best score lies at the same place; 0.0 where the shapes differ.

    `axis`: where the scores stand, with so many numbers before them.
    """
    if output.shape != reference.shape or not len(output):
        return 0.0
    scores = np.moveaxis(output, axis, -1)[..., numbers_before_scores:].reshape(len(output), -1)
    wanted = np.moveaxis(reference, axis, -1)[..., numbers_before_scores:].reshape(len(reference), -1)
    if not scores.shape[1]:
        return 1.0
    found = np.take_along_axis(wanted, scores.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
    best, largest = wanted.max(axis=1), np.abs(wanted).max(axis=1)
    return float(np.mean(found >= best - TIE * largest))
