"""Differences and agreements, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.engines.comparing import relative_difference, top1_agreement


def scores(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


@pytest.mark.parametrize(
    ("output", "reference", "wanted"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.5], [1.0, 2.0], 0.25),
        ([0.0, -4.0], [1.0, -4.0], 0.25),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([0.0, 0.1], [0.0, 0.0], float("inf")),
        ([0.0, float("nan")], [0.0, 1.0], float("inf")),
        ([0.0, float("inf")], [0.0, 1.0], float("inf")),
    ],
)
def test_relative_difference_is_the_largest_over_the_largest(
    output: list[float], reference: list[float], wanted: float
) -> None:
    assert relative_difference(scores(output), scores(reference)) == pytest.approx(wanted)


def test_relative_difference_of_other_shapes_is_infinite() -> None:
    assert relative_difference(np.zeros((1, 2)), np.zeros((1, 3))) == float("inf")
    assert top1_agreement(np.zeros((1, 2)), np.zeros((1, 3))) == 0.0


def test_top1_agreement_counts_pictures() -> None:
    reference = scores([0.1, 0.9], [0.9, 0.1], [0.4, 0.6], [0.6, 0.4])
    output = scores([0.2, 0.8], [0.2, 0.8], [0.4, 0.6], [0.6, 0.4])
    assert top1_agreement(output, reference) == 0.75


def test_top1_agreement_a_tie_may_go_either_way() -> None:
    assert top1_agreement(scores([0.5, 0.50001, 0.1]), scores([0.5, 0.5, 0.1])) == 1.0
    assert top1_agreement(scores([0.5, 0.50001, 0.1]), scores([0.5001, 0.5, 0.1])) == 0.0


def test_top1_agreement_of_boxes_leaves_the_coordinates_out() -> None:
    reference = np.array([[[9, 9, 9, 9, 0.1, 0.2], [1, 1, 1, 1, 0.9, 0.3]]], np.float32)
    output = reference.copy()
    output[0, 0, 0] = 99
    assert top1_agreement(output, reference, numbers_before_scores=4) == 1.0
    output[0, 0, 5] = 0.95
    assert top1_agreement(output, reference, numbers_before_scores=4) == 0.0
