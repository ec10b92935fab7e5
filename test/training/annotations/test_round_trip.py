"""From YOLO to COCO and back nothing changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deep_predictor.training.annotations.coco import read_coco
from deep_predictor.training.annotations.coco_writing import write_coco
from deep_predictor.training.annotations.picture_boxes import BoxSet, PictureBoxes
from deep_predictor.training.annotations.problems import ProblemLog
from deep_predictor.training.annotations.yolo import read_yolo, write_yolo
from test.training.annotations.sets import png, write_set


def random_set(folder: Path) -> BoxSet:
    """Pictures of three sizes with random boxes, some of which touch the edges."""
    rng = np.random.default_rng(5)
    names = ("cat", "traffic light", "犬")
    pictures = []
    for number in range(12):
        width, height = ((33, 17), (640, 427), (4000, 3))[number % 3]
        corners = np.sort(rng.uniform(0, 1, (rng.integers(0, 6), 2, 2)), axis=1)
        corners[rng.random(corners.shape) < 0.1] = 0
        corners[:, 1] = np.maximum(corners[:, 1], corners[:, 0] + 1e-3).clip(0, 1)
        corners = corners[(corners[:, 1] > corners[:, 0]).all(axis=1)]
        boxes = np.concatenate([corners.mean(axis=1), corners[:, 1] - corners[:, 0]], axis=1)
        classes = rng.integers(0, 3, len(boxes))
        name = f"p {number // 4}/{number}.png"
        write_set(folder, {f"images/{name}": png(width, height)})
        pictures.append(PictureBoxes(name, width, height, boxes, classes, np.zeros(len(boxes), bool)))
    pictures.sort(key=lambda one: one.name)
    return BoxSet(names, iter(pictures))


def test_yolo_to_coco_and_back_is_unchanged(tmp_path: Path) -> None:
    log = ProblemLog()
    assert write_yolo(tmp_path, random_set(tmp_path), log) == 12
    first = list(read_yolo(tmp_path, log).pictures)
    assert write_coco(tmp_path / "out/boxes.json", read_yolo(tmp_path, log)) == 12
    through = read_coco(tmp_path / "out/boxes.json", tmp_path / "images", log)
    (tmp_path / "again").mkdir()
    (tmp_path / "again/images").symlink_to(tmp_path / "images")
    write_yolo(tmp_path / "again", through, log)
    again = read_yolo(tmp_path / "again", log)

    assert through.class_names == again.class_names == ("cat", "traffic light", "犬")
    last = list(again.pictures)
    assert log.count == 0
    original = list(random_set(tmp_path / "original").pictures)
    assert sum(len(one.classes) for one in first) == sum(len(one.classes) for one in original) > 15
    for one, other, made in zip(first, last, original, strict=True):
        assert (one.name, one.width, one.height) == (other.name, other.width, other.height)
        assert one.classes.tolist() == other.classes.tolist() == made.classes.tolist()
        np.testing.assert_allclose(one.boxes_norm, other.boxes_norm, atol=1e-8)
        np.testing.assert_allclose(made.boxes_norm, other.boxes_norm, atol=1e-8)
    texts = [
        {path.name: path.read_text() for path in (tmp_path / p).rglob("*.txt")} for p in ("labels", "again/labels")
    ]
    assert texts[0] == texts[1]
