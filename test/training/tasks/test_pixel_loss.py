"""The loss of a segmenter, against figures worked out by hand and a slow plain version."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deep_predictor.training.tasks.pixel_loss import balanced_weights, dice, pixel_accuracy, pixel_loss


def plain_loss(mask: np.ndarray, logits: np.ndarray, weights: np.ndarray, smoothing: float = 0.0) -> float:
    """Of one picture, pixel by pixel."""
    classes = logits.shape[-1]
    entropy, pixels = 0.0, 0
    both, true, found = np.zeros(classes), np.zeros(classes), np.zeros(classes)
    for row, column in np.ndindex(*mask.shape):
        label = int(mask[row, column])
        if label == 255:
            continue
        scores = np.exp(logits[row, column].astype(np.float64))
        shares = scores / scores.sum()
        target = np.full(classes, smoothing / classes)
        target[label] += 1 - smoothing
        entropy -= weights[label] * float((target * np.log(shares)).sum())
        pixels += 1
        true[label] += 1
        both[label] += shares[label]
        found += shares
    there = [label for label in range(classes) if true[label]]
    overlap = [(2 * both[label] + 1) / (true[label] + found[label] + 1) for label in there]
    return entropy / max(1, pixels) + 1 - (sum(overlap) / len(overlap) if overlap else 1.0)


def made(count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    masks = rng.integers(0, 4, (count, 5, 6), np.uint8)
    masks[masks == 3] = 255
    return masks, rng.normal(0, 2, (count, 5, 6, 4)).astype(np.float32)


@pytest.mark.parametrize("weights", [None, np.array([0.5, 3.0, 1.0, 2.0])])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_pixel_loss_is_that_of_a_plain_version(weights: Any, smoothing: float) -> None:
    masks, logits = made()
    plain_weights = np.ones(4) if weights is None else weights
    wanted = [plain_loss(mask, one, plain_weights, smoothing) for mask, one in zip(masks, logits, strict=True)]

    assert float(pixel_loss(weights, smoothing)(masks, logits)) == pytest.approx(np.mean(wanted), rel=1e-5)


def test_pixel_loss_of_two_pixels_is_the_formula() -> None:
    masks, logits = np.array([[[0, 1]]], np.uint8), np.log(np.array([[[[0.8, 0.2], [0.4, 0.6]]]], np.float32))
    entropy = -(np.log(0.8) + np.log(0.6)) / 2
    overlap = ((2 * 0.8 + 1) / (1 + 1.2 + 1) + (2 * 0.6 + 1) / (1 + 0.8 + 1)) / 2

    assert float(pixel_loss()(masks, logits)) == pytest.approx(entropy + 1 - overlap, rel=1e-5)


def test_pixel_loss_does_not_see_ignored_pixels() -> None:
    masks, logits = made()
    other = logits.copy()
    other[masks == 255] = 50.0

    assert float(pixel_loss()(masks, other)) == pytest.approx(float(pixel_loss()(masks, logits)))


def test_pixel_loss_of_a_picture_without_counted_pixels_is_zero() -> None:
    _, logits = made(1)

    assert float(pixel_loss()(np.full((1, 5, 6), 255, np.uint8), logits)) == 0


def test_pixel_loss_does_not_hang_on_the_batch() -> None:
    masks, logits = made()
    alone = [float(pixel_loss()(masks[index : index + 1], logits[index : index + 1])) for index in range(3)]

    assert float(pixel_loss()(masks, logits)) == pytest.approx(np.mean(alone), rel=1e-6)


def test_dice_of_the_truth_itself_is_one() -> None:
    truth = np.eye(3, dtype=np.float32)[np.array([[[0, 1], [1, 1]], [[0, 0], [0, 0]]])]

    assert np.asarray(dice(truth, truth)) == pytest.approx([1, 1])


def test_pixel_accuracy_is_the_share_of_right_counted_pixels() -> None:
    metric = pixel_accuracy()
    masks = np.array([[[0, 1], [255, 1]], [[1, 1], [1, 1]]], np.uint8)
    found = np.eye(2, dtype=np.float32)[np.array([[[0, 0], [0, 1]], [[1, 1], [0, 0]]])]

    metric.update_state(masks, found)

    assert metric.name == "accuracy"
    assert float(metric.result()) == pytest.approx((2 / 3 + 2 / 4) / 2)


def test_balanced_weights_are_higher_for_rare_classes_and_bounded() -> None:
    pixels = np.array([999_000, 999, 1, 0])
    weights = balanced_weights(pixels)

    assert weights[0] < 1 < weights[1] < weights[2] <= weights[3]
    assert float(weights @ pixels) / pixels.sum() == pytest.approx(1)
    # 1 / log(1.02) by 1 / log(2.02) for nothing at all by everything.
    assert weights[3] / weights[0] == pytest.approx(np.log(2.02) / np.log(1.02), rel=2e-3)


def test_balanced_weights_of_no_pixels_are_all_the_same() -> None:
    assert balanced_weights(np.zeros(3)).tolist() == [1, 1, 1]
