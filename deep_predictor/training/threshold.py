"""From which confidence on an answer is to be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from deep_predictor.results import CONFIDENCE_DECIMALS

#: Two-sided 95 % of the normal distribution.
Z_95 = 1.959964


@dataclass(frozen=True)
class ThresholdChoice:
    """A confidence threshold, and what it does to the pictures that it was looked at on.

    `right_share`: of the accepted; `wilson_lower`: the lower end of its 95 % interval; both 0 where nothing is
    accepted. `is_reached`: whether that lower end reaches `target`.
    """

    threshold: float
    target: float
    accepted_share: float
    right_share: float
    wilson_lower: float
    is_reached: bool

    @property
    def not_confident_share(self) -> float:
        return 1 - self.accepted_share

    def to_dict(self) -> dict[str, Any]:
        return {
            "threshold": self.threshold,
            "target": self.target,
            "accepted_share": round(self.accepted_share, 5),
            "not_confident_share": round(self.not_confident_share, 5),
            "right_share": round(self.right_share, 5),
            "wilson_lower": round(self.wilson_lower, 5),
            "is_reached": self.is_reached,
        }


def choose_threshold(probabilities: np.ndarray, labels: np.ndarray, target: float = 0.95) -> ThresholdChoice:
    """The lowest of the confidences that occur at which the bound of the accepted answers reaches `target`.

    (N, classes) probabilities as they are served, (N,) true classes. Where none reaches it the threshold is 0 and
    `is_reached` is false. The bound may rise and fall again: the lowest threshold that reaches it itself counts.
    """
    confidences, is_right = _served(probabilities, labels)
    order = np.argsort(-confidences, kind="stable")
    descending, right = confidences[order], np.cumsum(is_right[order])
    # Equal confidences are accepted together: only the last of each group is a place to cut.
    ends = np.flatnonzero(np.append(descending[1:] != descending[:-1], True))
    reached = [end for end in ends if wilson_lower_bound(int(right[end]), int(end) + 1) >= target]
    threshold = float(descending[reached[-1]]) if reached else 0.0
    return figures_at(probabilities, labels, threshold, target)


def figures_at(
    probabilities: np.ndarray, labels: np.ndarray, threshold: float, target: float = 0.95
) -> ThresholdChoice:
    """What a threshold does, compared as serving compares: at five decimals."""
    confidences, is_right = _served(probabilities, labels)
    is_accepted = confidences >= threshold
    accepted, right = int(is_accepted.sum()), int(is_right[is_accepted].sum())
    lower = wilson_lower_bound(right, accepted)
    return ThresholdChoice(
        threshold=threshold,
        target=target,
        accepted_share=accepted / len(labels),
        right_share=right / accepted if accepted else 0.0,
        wilson_lower=lower,
        is_reached=lower >= target,
    )


def wilson_lower_bound(right: int, count: int) -> float:
    """Lower end of the 95 % score interval of a share of `right` in `count`; 0 for a count of 0."""
    return wilson_interval(right, count)[0]


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Both ends of the 95 % score interval of a share of `right` in `count`; 0 and 1 for a count of 0.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of the American
    Statistical Association 22 (1927), 209-212:

        (p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n)
    """
    if not count:
        return 0.0, 1.0
    share, z2 = right / count, Z_95**2
    spread = Z_95 * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    lower, upper = ((share + z2 / (2 * count) + side * spread) / (1 + z2 / count) for side in (-1, 1))
    return max(0.0, lower), min(1.0, upper)


def _served(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(confidence of the answer, rounded as the server rounds it; whether it is right), each (N,)."""
    if probabilities.ndim != 2 or len(probabilities) != len(labels) or len(labels) == 0:
        raise ValueError(f"{probabilities.shape} outputs do not fit {len(labels)} labels")
    confidences = np.array([round(float(c), CONFIDENCE_DECIMALS) for c in probabilities.max(axis=1)])
    return confidences, probabilities.argmax(axis=1) == np.asarray(labels)
