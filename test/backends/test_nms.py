"""Non-maximum suppression: by hand, against a slow plain version, and against TensorFlow's own."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.backends.nms import (
    KeptBoxes,
    NmsLimits,
    find_candidates,
    intersection_over_union,
    suppress,
)

LIMITS = NmsLimits(iou_threshold=0.5, score_threshold=0.25, max_per_class=10, max_total=10)


def one_class(*scores: float) -> np.ndarray:
    return np.array(scores, np.float32)[:, np.newaxis]


def kept_of(boxes: np.ndarray, scores: np.ndarray, limits: NmsLimits) -> KeptBoxes:
    """All classes share the boxes (B, 4); scores (B, C)."""
    found = find_candidates(scores, limits.score_threshold)
    return suppress(boxes[found.rows], found, limits)


def plain_overlap(box: np.ndarray, other: np.ndarray) -> float:
    height = min(box[2], other[2]) - max(box[0], other[0])
    width = min(box[3], other[3]) - max(box[1], other[1])
    shared = max(0.0, height) * max(0.0, width)
    areas = [(one[2] - one[0]) * (one[3] - one[1]) for one in (box, other)]
    return float(shared / (sum(areas) - shared)) if min(areas) > 0 else 0.0


def plainly_kept(boxes: np.ndarray, scores: np.ndarray, limits: NmsLimits) -> list[tuple[int, int]]:
    """(class, row), highest score first, one box at a time."""
    kept: list[tuple[float, int, int]] = []
    for class_index in range(scores.shape[1]):
        of_class: list[int] = []
        for row in sorted(range(len(boxes)), key=lambda row: (-scores[row, class_index], row)):
            overlaps = [plain_overlap(boxes[row], boxes[other]) for other in of_class]
            is_found = scores[row, class_index] > limits.score_threshold
            if is_found and len(of_class) < limits.max_per_class and max(overlaps, default=0) <= limits.iou_threshold:
                of_class.append(row)
        kept += [(-scores[row, class_index], class_index, row) for row in of_class]
    return [(class_index, row) for _, class_index, row in sorted(kept)[: limits.max_total]]


def test_intersection_over_union_of_hand_made_boxes_is_exact() -> None:
    box = np.array([0.0, 0.0, 0.4, 0.4])
    others = np.array([[0.0, 0.0, 0.4, 0.4], [0.0, 0.2, 0.4, 0.6], [0.5, 0.5, 0.9, 0.9], [0.1, 0.1, 0.1, 0.3]])
    assert intersection_over_union(box, others) == pytest.approx([1.0, 1 / 3, 0.0, 0.0])


def test_intersection_over_union_of_random_boxes_is_that_of_plain_sums() -> None:
    corners = np.random.default_rng(3).uniform(0, 1, (40, 2))
    boxes = np.concatenate([corners, corners + np.random.default_rng(4).uniform(0, 0.5, (40, 2))], axis=1)
    for one in boxes[:15]:
        np.testing.assert_allclose(intersection_over_union(one, boxes), [plain_overlap(one, other) for other in boxes])


def test_suppress_overlapping_boxes_keeps_the_better_one() -> None:
    boxes = np.array([[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.52], [0.6, 0.6, 0.9, 0.9]], np.float32)
    kept = kept_of(boxes, one_class(0.6, 0.8, 0.7), LIMITS)
    assert kept.scores == pytest.approx([0.8, 0.7])
    assert kept.boxes[0] == pytest.approx([0.0, 0.0, 0.5, 0.52])


def test_suppress_overlapping_boxes_of_two_classes_keeps_both() -> None:
    boxes = np.array([[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.5]], np.float32)
    kept = kept_of(boxes, np.array([[0.9, 0.0], [0.0, 0.8]], np.float32), LIMITS)
    assert kept.classes.tolist() == [0, 1]


def test_suppress_score_at_threshold_is_dropped() -> None:
    boxes = np.array([[0, 0, 1, 1]], np.float32)
    assert len(kept_of(boxes, one_class(0.25), LIMITS).scores) == 0


def test_suppress_without_boxes_keeps_nothing() -> None:
    kept = kept_of(np.zeros((0, 4), np.float32), np.zeros((0, 3), np.float32), LIMITS)
    assert kept.boxes.shape == (0, 4)
    assert kept.scores.shape == kept.classes.shape == (0,)


def test_suppress_limits_of_class_and_total_are_kept() -> None:
    boxes = np.array([[0.1 * i, 0, 0.1 * i + 0.05, 0.1] for i in range(8)], np.float32)
    scores = np.array([[0.9 - 0.05 * i, 0.5] for i in range(8)], np.float32)
    kept = kept_of(boxes, scores, NmsLimits(0.5, 0.25, max_per_class=3, max_total=4))
    assert kept.scores == pytest.approx([0.9, 0.85, 0.8, 0.5])


def test_suppress_equal_scores_keep_the_order_of_class_and_row() -> None:
    boxes = np.array([[0.0, 0.0, 0.1, 0.1], [0.5, 0.5, 0.6, 0.6]], np.float32)
    kept = kept_of(boxes, np.full((2, 2), 0.5, np.float32), LIMITS)
    assert kept.classes.tolist() == [0, 0, 1, 1]
    assert kept.boxes[:, 0] == pytest.approx([0.0, 0.5, 0.0, 0.5])


def test_suppress_box_beyond_the_picture_is_clipped_and_flipped_corners_ordered() -> None:
    boxes = np.array([[0.5, -0.2, 1.4, 0.3], [0.4, 0.9, 0.2, 0.7]], np.float32)
    kept = kept_of(boxes, one_class(0.9, 0.8), LIMITS)
    assert kept.boxes[0] == pytest.approx([0.5, 0.0, 1.0, 0.3])
    assert kept.boxes[1] == pytest.approx([0.2, 0.7, 0.4, 0.9])


@pytest.mark.parametrize("seed", range(5))
def test_suppress_random_boxes_keeps_what_tensorflow_keeps(seed: int) -> None:
    import tensorflow as tf

    random = np.random.default_rng(seed)
    corners = random.uniform(-0.1, 0.8, (200, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0.02, 0.4, (200, 2))], axis=1).astype(np.float32)
    scores = random.permutation(np.linspace(0.0, 1.0, 200 * 5, dtype=np.float32)).reshape(200, 5)
    kept = kept_of(boxes, scores, NmsLimits(0.45, 0.3, max_per_class=12, max_total=40))
    wanted = tf.image.combined_non_max_suppression(boxes[None, :, None, :], scores[None], 12, 40, 0.45, 0.3)
    count = int(wanted.valid_detections[0])
    assert len(kept.scores) == count
    np.testing.assert_allclose(kept.scores, wanted.nmsed_scores[0, :count])
    np.testing.assert_array_equal(kept.classes, wanted.nmsed_classes[0, :count])
    np.testing.assert_allclose(kept.boxes, wanted.nmsed_boxes[0, :count], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_suppress_of_many_boxes_keeps_what_a_plain_loop_keeps(seed: int) -> None:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 0.9, (300, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0, 0.3, (300, 2))], axis=1)
    scores = random.integers(0, 40, (300, 2)) / 40  # many are equal
    limits = NmsLimits(0.4, 0.1, max_per_class=40, max_total=70)
    kept = kept_of(boxes, scores, limits)
    wanted = plainly_kept(boxes, scores, limits)
    assert kept.classes.tolist() == [class_index for class_index, _ in wanted]
    np.testing.assert_array_equal(kept.boxes, np.clip(boxes[[row for _, row in wanted]], 0, 1))


@pytest.mark.parametrize("order", ["C", "F"])
def test_find_candidates_are_those_above_the_threshold_in_either_order_of_memory(order: str) -> None:
    scores = np.array([[0.1, 0.9, 0.3], [0.8, 0.25, 0.2]], order=order)  # type: ignore[call-overload]
    found = find_candidates(scores, 0.25)
    listed = sorted(zip(found.rows.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True))
    assert listed == [(0, 1, 0.9), (0, 2, 0.3), (1, 0, 0.8)]


def test_find_candidates_of_scores_that_are_a_part_of_an_array_are_theirs() -> None:
    output = np.arange(24, dtype=np.float32).reshape(4, 6)
    found = find_candidates(output[:, 4:], 15.0)
    assert found.scores.tolist() == [16.0, 17.0, 22.0, 23.0]
    assert found.rows.tolist() == [2, 2, 3, 3]
    assert found.classes.tolist() == [0, 1, 0, 1]
