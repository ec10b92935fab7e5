"""Figures of segmenters: by hand, against a slow version, and against pycocotools where it is installed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deep_predictor.training import segmentation_metrics
from deep_predictor.training.segmentation_metrics import count_pixels, measure_segmentation

NAMES = ("background", "cat", "dog", "bird")
TRUTH = np.array([[0, 0, 1, 1], [0, 0, 1, 255]], np.uint8)
FOUND = np.array([[0, 1, 1, 2], [0, 0, 1, 3]], np.uint8)


def random_masks(seed: int, shape: tuple[int, int] = (37, 53)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, shape).astype(np.uint8)
    found = np.where(rng.random(shape) < 0.6, truth, rng.integers(0, 4, shape)).astype(np.uint8)
    truth[rng.random(shape) < 0.1] = 255
    return truth, found


def test_measure_segmentation_hand_computed_case_gives_its_figures() -> None:
    metrics = measure_segmentation(count_pixels(TRUTH, FOUND, 4), NAMES)

    assert metrics.confusion.tolist() == [[3, 1, 0, 0], [0, 2, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    background, cat, dog, bird = metrics.classes
    assert (background.iou, background.precision, background.recall) == (3 / 4, 1, 3 / 4)
    assert (cat.iou, cat.count, cat.found) == (2 / 4, 3, 3)
    assert (dog.iou, dog.precision, dog.recall) == (0, 0, 0)
    assert (bird.iou, bird.count, bird.found) == (None, 0, 0)
    assert metrics.pixel_count == 7
    assert metrics.accuracy == pytest.approx(5 / 7)
    assert metrics.miou == pytest.approx((0.75 + 0.5 + 0) / 3)
    assert metrics.miou_without_background == pytest.approx((0.5 + 0) / 2)


def test_measure_segmentation_without_a_background_has_one_mean() -> None:
    metrics = measure_segmentation(count_pixels(TRUTH, FOUND, 4), NAMES, background_index=None)
    assert metrics.miou == metrics.miou_without_background


@pytest.mark.parametrize("seed", range(5))
def test_measure_segmentation_random_masks_equal_the_slow_version(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmentation_metrics, "_CHUNK", 100)
    truth, found = random_masks(seed)
    pairs = [(int(t), int(f)) for t, f in zip(truth.ravel(), found.ravel(), strict=True) if t != 255]
    slow = []
    for one in range(4):
        both = sum(t == one and f == one for t, f in pairs)
        slow.append(both / sum(one in (t, f) for t, f in pairs))
    metrics = measure_segmentation(count_pixels(truth, found, 4), NAMES)

    assert [one.iou for one in metrics.classes] == pytest.approx(slow, abs=1e-12)
    assert metrics.miou == pytest.approx(sum(slow) / 4, abs=1e-12)
    assert metrics.miou_without_background == pytest.approx(sum(slow[1:]) / 3, abs=1e-12)
    assert metrics.accuracy == pytest.approx(sum(t == f for t, f in pairs) / len(pairs), abs=1e-12)


def test_measure_segmentation_random_masks_equal_pycocotools() -> None:
    masks = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    truth, found = random_masks(9)
    truth[truth == 255] = 0
    metrics = measure_segmentation(count_pixels(truth, found, 4), NAMES)
    theirs = []
    for one in range(4):
        coded = [masks.encode(np.asfortranarray(mask == one)) for mask in (truth, found)]
        theirs.append(float(masks.iou(coded[1:], coded[:1], [0])[0, 0]))

    assert [one.iou for one in metrics.classes] == pytest.approx(theirs, abs=1e-6)
    assert metrics.miou == pytest.approx(np.mean(theirs), abs=1e-6)


def test_count_pixels_of_pictures_add_up() -> None:
    truth, found = random_masks(3)
    halves = count_pixels(truth[:20], found[:20], 4) + count_pixels(truth[20:], found[20:], 4)
    assert halves.tolist() == count_pixels(truth, found, 4).tolist()


def test_measure_segmentation_of_no_pixels_has_no_mean() -> None:
    ignored = np.full((3, 3), 255, np.uint8)
    metrics = measure_segmentation(count_pixels(ignored, np.zeros((3, 3), np.uint8), 4), NAMES)

    assert (metrics.miou, metrics.miou_without_background, metrics.accuracy) == (None, None, 0)
    json.dumps(metrics.to_dict(), allow_nan=False)


def test_count_pixels_that_do_not_fit_raise() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        count_pixels(TRUTH, FOUND[:, :3], 4)
    with pytest.raises(ValueError, match="do not fit"):
        count_pixels(TRUTH, FOUND.astype(int), 4)
    for truth, found in ((TRUTH, TRUTH + np.uint8(3)), (TRUTH + np.uint8(3), TRUTH % 4)):
        with pytest.raises(ValueError, match=r"outside of 0\.\.3"):
            count_pixels(truth, found, 4)
    with pytest.raises(ValueError, match="4 classes"):
        measure_segmentation(np.zeros((3, 3), int), NAMES)
