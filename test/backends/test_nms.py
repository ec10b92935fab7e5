"""Non-maximum suppression: by hand, and against TensorFlow's own."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.backends.nms import NmsLimits, intersection_over_union, suppress

LIMITS = NmsLimits(iou_threshold=0.5, score_threshold=0.25, max_per_class=10, max_total=10)


def one_class(*scores: float) -> np.ndarray:
    return np.array(scores, np.float32)[:, np.newaxis]


def test_intersection_over_union_of_hand_made_boxes_is_exact() -> None:
    box = np.array([0.0, 0.0, 0.4, 0.4])
    others = np.array([[0.0, 0.0, 0.4, 0.4], [0.0, 0.2, 0.4, 0.6], [0.5, 0.5, 0.9, 0.9], [0.1, 0.1, 0.1, 0.3]])
    assert intersection_over_union(box, others) == pytest.approx([1.0, 1 / 3, 0.0, 0.0])


def test_suppress_overlapping_boxes_keeps_the_better_one() -> None:
    boxes = np.array([[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.52], [0.6, 0.6, 0.9, 0.9]], np.float32)
    kept = suppress(boxes, one_class(0.6, 0.8, 0.7), LIMITS)
    assert kept.scores == pytest.approx([0.8, 0.7])
    assert kept.boxes[0] == pytest.approx([0.0, 0.0, 0.5, 0.52])


def test_suppress_overlapping_boxes_of_two_classes_keeps_both() -> None:
    boxes = np.array([[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.5]], np.float32)
    kept = suppress(boxes, np.array([[0.9, 0.0], [0.0, 0.8]], np.float32), LIMITS)
    assert kept.classes.tolist() == [0, 1]


def test_suppress_score_at_threshold_is_dropped() -> None:
    boxes = np.array([[0, 0, 1, 1]], np.float32)
    assert len(suppress(boxes, one_class(0.25), LIMITS).scores) == 0


def test_suppress_without_boxes_keeps_nothing() -> None:
    kept = suppress(np.zeros((0, 4), np.float32), np.zeros((0, 3), np.float32), LIMITS)
    assert kept.boxes.shape == (0, 4)
    assert kept.scores.shape == kept.classes.shape == (0,)


def test_suppress_limits_of_class_and_total_are_kept() -> None:
    boxes = np.array([[0.1 * i, 0, 0.1 * i + 0.05, 0.1] for i in range(8)], np.float32)
    scores = np.array([[0.9 - 0.05 * i, 0.5] for i in range(8)], np.float32)
    kept = suppress(boxes, scores, NmsLimits(0.5, 0.25, max_per_class=3, max_total=4))
    assert kept.scores == pytest.approx([0.9, 0.85, 0.8, 0.5])


def test_suppress_equal_scores_keep_the_order_of_class_and_row() -> None:
    boxes = np.array([[0.0, 0.0, 0.1, 0.1], [0.5, 0.5, 0.6, 0.6]], np.float32)
    kept = suppress(boxes, np.full((2, 2), 0.5, np.float32), LIMITS)
    assert kept.classes.tolist() == [0, 0, 1, 1]
    assert kept.boxes[:, 0] == pytest.approx([0.0, 0.5, 0.0, 0.5])


def test_suppress_box_beyond_the_picture_is_clipped_and_flipped_corners_ordered() -> None:
    boxes = np.array([[0.5, -0.2, 1.4, 0.3], [0.4, 0.9, 0.2, 0.7]], np.float32)
    kept = suppress(boxes, one_class(0.9, 0.8), LIMITS)
    assert kept.boxes[0] == pytest.approx([0.5, 0.0, 1.0, 0.3])
    assert kept.boxes[1] == pytest.approx([0.2, 0.7, 0.4, 0.9])


@pytest.mark.parametrize("seed", range(5))
def test_suppress_random_boxes_keeps_what_tensorflow_keeps(seed: int) -> None:
    import tensorflow as tf

    random = np.random.default_rng(seed)
    corners = random.uniform(-0.1, 0.8, (200, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0.02, 0.4, (200, 2))], axis=1).astype(np.float32)
    scores = random.permutation(np.linspace(0.0, 1.0, 200 * 5, dtype=np.float32)).reshape(200, 5)
    kept = suppress(boxes, scores, NmsLimits(0.45, 0.3, max_per_class=12, max_total=40))
    wanted = tf.image.combined_non_max_suppression(boxes[None, :, None, :], scores[None], 12, 40, 0.45, 0.3)
    count = int(wanted.valid_detections[0])
    assert len(kept.scores) == count
    np.testing.assert_allclose(kept.scores, wanted.nmsed_scores[0, :count])
    np.testing.assert_array_equal(kept.classes, wanted.nmsed_classes[0, :count])
    np.testing.assert_allclose(kept.boxes, wanted.nmsed_boxes[0, :count], atol=1e-6)
