"""Figures of detectors on random pictures: against a slow plain version, and pycocotools where it is installed."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from deep_predictor.training.detection_matching import FoundBoxes, TrueBoxes
from deep_predictor.training.detection_metrics import measure_detection

Picture = tuple[TrueBoxes, FoundBoxes]
#: As cocoeval.py writes them: 7/100 is 0.07 there and 0.07000000000000001 elsewhere, and recalls are equal to it.
RECALLS = np.linspace(0.0, 1.0, 101).tolist()
THRESHOLDS = np.linspace(0.5, 0.95, 10).tolist()


def random_pictures(seed: int, count: int = 12) -> list[Picture]:
    """Boxes on a coarse grid, so that overlaps and scores are often equal; found ones near true ones."""
    rng = np.random.default_rng(seed)
    pictures = []
    for _ in range(count):
        size = rng.integers(0, 9)
        corners = rng.integers(0, 30, (size, 2))
        boxes = np.concatenate([corners, corners + rng.integers(3, 25, (size, 2))], axis=1)
        classes = rng.integers(0, 3, size)
        near = np.repeat(np.arange(size), rng.integers(0, 4, size))
        moved = boxes[near] + rng.integers(-2, 3, (len(near), 4))
        moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
        called = np.where(rng.random(len(near)) < 0.85, classes[near], rng.integers(0, 3, len(near)))
        scores = rng.integers(1, 12, len(near)) / 12
        truth = TrueBoxes(boxes.astype(float), classes, rng.random(size) < 0.15)
        pictures.append((truth, FoundBoxes(moved.astype(float), called, scores)))
    return pictures


def plain_overlap(one: Sequence[float], other: Sequence[float], is_crowd: bool) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    area, other_area = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return float(shared / (area if is_crowd else area + other_area - shared))


def plain_matches(picture: Picture, label: int, threshold: float, most: int) -> list[tuple[float, bool]]:
    """(score, whether it is right) of the boxes that count, in the order of their scores."""
    truth, boxes = picture
    order = sorted(range(len(boxes.scores)), key=lambda at: -boxes.scores[at])
    own = [at for at in order if boxes.classes[at] == label][:most]
    things = [at for at in range(len(truth.classes)) if truth.classes[at] == label]
    taken: set[int] = set()
    matches = []
    for at in own:
        best, best_overlap, in_crowd = -1, threshold, False
        for thing in things:
            overlap = plain_overlap(boxes.corners[at], truth.corners[thing], bool(truth.is_crowd[thing]))
            if truth.is_crowd[thing]:
                in_crowd |= overlap >= threshold
            elif thing not in taken and overlap >= best_overlap:
                best, best_overlap = thing, overlap
        if best >= 0:
            taken.add(best)
        if best >= 0 or not in_crowd:
            matches.append((float(boxes.scores[at]), best >= 0))
    return matches


def plain_average_precision(pictures: list[Picture], label: int, threshold: float, most: int) -> float | None:
    count = sum(int(((t.classes == label) & ~t.is_crowd).sum()) for t, _ in pictures)
    matches = [match for picture in pictures for match in plain_matches(picture, label, threshold, most)]
    matches.sort(key=lambda match: -match[0])
    points = []
    for last in range(1, len(matches) + 1):
        right = sum(is_right for _, is_right in matches[:last])
        points.append((right / count if count else 0, right / last))
    if not count:
        return None
    return sum(max((p for r, p in points if r >= recall), default=0.0) for recall in RECALLS) / 101


@pytest.mark.parametrize("most", [100, 3])
@pytest.mark.parametrize("seed", range(6))
def test_measure_detection_random_pictures_equal_the_slow_version(seed: int, most: int) -> None:
    pictures = random_pictures(seed)
    metrics = measure_detection(pictures, ("a", "b", "c"), most)

    all_plain = []
    for label, one in enumerate(metrics.classes):
        plain = [plain_average_precision(pictures, label, threshold, most) for threshold in THRESHOLDS]
        assert one.ap50 == pytest.approx(plain[0], abs=1e-6)
        assert one.ap50_95 == pytest.approx(np.mean(np.array(plain, float)), abs=1e-6)
        all_plain.append(plain)
        matches = [match for picture in pictures for match in plain_matches(picture, label, 0.5, most)]
        for threshold in (0.0, 0.25, 0.5, 0.77):
            over = [is_right for score, is_right in matches if score >= threshold]
            assert one.precision(threshold) == pytest.approx(sum(over) / max(1, len(over)))
            assert one.recall(threshold) == pytest.approx(sum(over) / one.count)
    assert metrics.map50_95 == pytest.approx(np.mean(np.array(all_plain, float)), abs=1e-6)
    assert metrics.map50 == pytest.approx(np.mean(np.array(all_plain, float)[:, 0]), abs=1e-6)


@pytest.mark.parametrize("most", [100, 3])
@pytest.mark.parametrize("seed", range(6))
def test_measure_detection_random_pictures_equal_pycocotools(seed: int, most: int) -> None:
    pictures = random_pictures(seed, 30)
    precisions = coco_precisions(pictures, most)
    metrics = measure_detection(pictures, ("a", "b", "c"), most)

    assert metrics.map50 == pytest.approx(precisions[0].mean(), abs=1e-6)
    assert metrics.map50_95 == pytest.approx(precisions.mean(), abs=1e-6)
    for label, one in enumerate(metrics.classes):
        assert one.ap50 == pytest.approx(precisions[0, :, label].mean(), abs=1e-6)
        assert one.ap50_95 == pytest.approx(precisions[:, :, label].mean(), abs=1e-6)


def coco_precisions(pictures: list[Picture], most: int) -> np.ndarray:
    """(thresholds, 101 recalls, classes), as pycocotools computes them; skips where it is not installed."""
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    cocoeval = pytest.importorskip("pycocotools.cocoeval", reason="pycocotools is not installed")

    def box(corners: np.ndarray) -> list[float]:
        return [float(n) for n in (*corners[:2], corners[2] - corners[0], corners[3] - corners[1])]

    images = [{"id": number + 1, "width": 100, "height": 100} for number in range(len(pictures))]
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number, (truth, boxes) in enumerate(pictures, 1):
        for corners, label, crowd in zip(truth.corners, truth.classes, truth.is_crowd, strict=True):
            own: dict[str, Any] = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": int(label) + 1,
                "bbox": box(corners),
            }
            annotations.append(own | {"iscrowd": int(crowd), "area": own["bbox"][2] * own["bbox"][3]})
        for corners, label, score in zip(boxes.corners, boxes.classes, boxes.scores, strict=True):
            results.append(
                {"image_id": number, "category_id": int(label) + 1, "bbox": box(corners), "score": float(score)}
            )
    with contextlib.redirect_stdout(io.StringIO()):
        truth_file = coco.COCO()
        truth_file.dataset = {
            "info": {},
            "images": images,
            "annotations": annotations,
            "categories": [{"id": label + 1, "name": str(label)} for label in range(3)],
        }
        truth_file.createIndex()
        evaluation = cocoeval.COCOeval(truth_file, truth_file.loadRes(results), "bbox")
        evaluation.params.maxDets = [1, 2, most]
        evaluation.evaluate()
        evaluation.accumulate()
    precisions: np.ndarray = evaluation.eval["precision"][:, :, :, 0, -1]
    assert (precisions >= 0).all()
    return precisions
