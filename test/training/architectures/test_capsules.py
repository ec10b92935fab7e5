"""Routing and squashing against a slow, obvious version."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.training.architectures.capsules import route, squash


def slow_squash(capsule: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(capsule)
    return capsule / length * length**2 / (1 + length**2)


def slow_route(votes: np.ndarray) -> np.ndarray:
    """Procedure 1 of the paper for one picture: votes (first, second, size), three rounds."""
    first, second, _ = votes.shape
    logits = np.zeros((first, second))
    for _ in range(3):
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        capsules = [slow_squash(sum(shares[i, j] * votes[i, j] for i in range(first))) for j in range(second)]
        for i in range(first):
            for j in range(second):
                logits[i, j] += votes[i, j] @ capsules[j]
    return np.array(capsules)


def test_route_is_the_papers_procedure() -> None:
    votes = np.random.default_rng(4).normal(size=(2, 5, 3, 4)).astype(np.float32)

    assert np.asarray(route(votes)) == pytest.approx(np.stack([slow_route(v) for v in votes]), abs=1e-5)


@pytest.mark.parametrize(("capsule", "length"), [([3.0, 4.0], 25 / 26), ([0.1, 0.0], 0.01 / 1.01), ([0.0, 0.0], 0.0)])
def test_squash_keeps_the_direction_and_bounds_the_length(capsule: list[float], length: float) -> None:
    squashed = np.asarray(squash(np.array([capsule], np.float32)))[0]

    assert np.linalg.norm(squashed) == pytest.approx(length, rel=1e-4, abs=1e-6)
    assert squashed[0] * capsule[1] == pytest.approx(squashed[1] * capsule[0])
