"""Losses against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.training.architectures.losses import loss_named


def test_margin_loss_is_the_papers_formula() -> None:
    targets = np.array([[0, 1, 0], [1, 0, 0]], np.float32)
    lengths = np.array([[0.3, 0.5, 0.05], [0.95, 0.1, 0.6]], np.float32)
    # First: 0.5 (0.3 - 0.1)^2 + (0.9 - 0.5)^2 + 0 = 0.18. Second: 0 + 0 + 0.5 (0.6 - 0.1)^2 = 0.125.

    loss = loss_named("margin")(targets, lengths)

    assert float(loss) == pytest.approx((0.18 + 0.125) / 2)


def test_margin_loss_of_smoothed_labels_is_that_of_softened_targets() -> None:
    targets, lengths = np.array([[0, 1]], np.float32), np.array([[0.3, 0.5]], np.float32)
    # Targets 0.1 and 0.9: 0.1 * 0.6^2 + 0.5 * 0.9 * 0.2^2 + 0.9 * 0.4^2 + 0.5 * 0.1 * 0.4^2
    wanted = 0.1 * 0.36 + 0.45 * 0.04 + 0.9 * 0.16 + 0.05 * 0.16

    assert float(loss_named("margin", 0.2)(targets, lengths)) == pytest.approx(wanted)


def test_margin_loss_counts_pictures_by_their_weight() -> None:
    targets, lengths = np.array([[1, 0], [1, 0]], np.float32), np.array([[0.9, 0.1], [0.4, 0.1]], np.float32)

    loss = loss_named("margin")(targets, lengths, sample_weight=np.array([5.0, 2.0]))

    assert float(loss) == pytest.approx(2 * 0.25 / 2)


def test_cross_entropy_is_minus_the_logarithm() -> None:
    targets, outputs = np.array([[0, 1]], np.float32), np.array([[0.2, 0.8]], np.float32)

    assert float(loss_named("cross_entropy")(targets, outputs)) == pytest.approx(-np.log(0.8))


def test_loss_named_of_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ValueError, match="known are: cross_entropy, margin"):
        loss_named("hinge")
