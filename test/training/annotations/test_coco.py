"""COCO JSON: what is read, each broken element told by its id."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.annotations import coco, coco_content, json_elements
from deep_predictor.training.annotations.coco import read_coco
from deep_predictor.training.annotations.coco_writing import write_coco
from deep_predictor.training.annotations.picture_boxes import BoxSet, PictureBoxes
from deep_predictor.training.annotations.problems import ProblemLog
from test.training.annotations.sets import (
    annotation,
    coco_file,
    image,
    png,
    read_coco_set,
    write_set,
)


def test_read_coco_gives_boxes_classes_and_crowds(tmp_path: Path) -> None:
    annotations = [
        annotation(5, category_id=7, bbox=[0, 0, 40, 20]),
        annotation(9, image_id=2, iscrowd=1),
        annotation(2, segmentation=[[1, 2, 3]], note='[{\\"é'),
    ]
    pictures, problems = read_coco_set(tmp_path, coco_file(annotations, [image(2), image(1), image(3, width=None)]))

    assert problems == []
    assert [one.name for one in pictures] == ["2.png", "1.png", "3.png"]
    assert [one.classes.tolist() for one in pictures] == [[0], [1, 0], []]
    assert [one.is_crowd.tolist() for one in pictures] == [[True], [False, False], []]
    assert pictures[1].boxes_norm.tolist() == [[0.5, 0.5, 1, 1], [0.5, 0.5, 0.5, 0.5]]


def test_read_coco_class_names_follow_the_ids(tmp_path: Path) -> None:
    write_set(tmp_path, {"boxes.json": "\ufeff" + json.dumps(coco_file([]))})
    assert read_coco(tmp_path / "boxes.json", tmp_path, ProblemLog()).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("broken", "place", "reason"),
    [
        (annotation(5, bbox=[1, 2, -3, 4]), "annotation 5", "a box must have a size above 0 (got -3 x 4 pixels)"),
        (annotation(5, bbox=[1, 2, 0, 4]), "annotation 5", "a box must have a size above 0"),
        (annotation(5, bbox=[100, 2, 3, 4]), "annotation 5", "outside of the picture (40 x 20 pixels)"),
        (annotation(5, bbox=[1, 2, 3]), "annotation 5", "bbox must be four numbers"),
        (annotation(5, bbox="1 2 3 4"), "annotation 5", "bbox must be four numbers"),
        (annotation(5, bbox=[1, 2, True, 4]), "annotation 5", "bbox must be four numbers"),
        (annotation(5, bbox=[1, 2, float("nan"), 4]), "annotation 5", "not finite"),
        (annotation(5, bbox=[1, 2, float("inf"), 4]), "annotation 5", "not finite"),
        (annotation(5, bbox=[1, 2, 10**400, 4]), "annotation 5", "not finite"),
        (annotation(5, bbox=[1e308, 2, 1.7e308, 4]), "annotation 5", "not finite"),
        (annotation(1), "annotation 1", "its id stands there twice"),
        (annotation(5, image_id=99), "annotation 5", "there is no image 99"),
        (annotation(5, image_id=None), "annotation 5", "image_id must be a whole number"),
        (annotation(5, category_id=4), "annotation 5", "there is no category 4"),
        (annotation(5, category_id="cat"), "annotation 5", "category_id must be a whole number"),
        (annotation(5, iscrowd=2), "annotation 5", "iscrowd must be 0 or 1"),
        ({"id": 5, "image_id": 1, "category_id": 3}, "annotation 5", "it has no bbox"),
        (annotation(2**63), "annotations[1]", "id must be a whole number"),
        (annotation(True), "annotations[1]", "id must be a whole number"),
        ([1, 2], "annotations[1]", "it must be an object"),
        (None, "annotations[1]", "it must be an object"),
    ],
)
def test_read_coco_broken_annotation_is_told_and_the_rest_goes_on(
    tmp_path: Path, broken: Any, place: str, reason: str
) -> None:
    pictures, problems = read_coco_set(tmp_path, coco_file([annotation(1), broken, annotation(2)]))

    assert [len(one.classes) for one in pictures] == [2]
    assert len(problems) == 1
    assert problems[0].startswith(f"boxes.json: {place}: left out: ")
    assert reason in problems[0]


@pytest.mark.parametrize(
    ("broken", "place", "reason"),
    [
        (image(9), "image 9", "9.png is left out: there is no such file"),
        (image(2, file_name="../boxes.json"), "image 2", "leads out of the folder"),
        (image(2, file_name="/etc/passwd"), "image 2", "leads out of the folder"),
        (image(2, file_name="a/../../x.png"), "image 2", "leads out of the folder"),
        (image(2, file_name="..\\x.png"), "image 2", "leads out of the folder"),
        (image(2, file_name="C:/x.png"), "image 2", "leads out of the folder"),
        (image(2, file_name="a\0b.png"), "image 2", "control characters"),
        (image(2, file_name="\ud800.png"), "image 2", "control characters"),
        (image(2, file_name="x" * 5000), "image 2", "up to 1000 characters"),
        (image(2, file_name="x" * 900), "image 2", "there is no such file"),
        (image(2, file_name=7), "image 2", "must be a text"),
        (image(2, file_name="1.png"), "image 2", "'1.png' stands there twice"),
        (image(2, width=41), "image 2", "41 x 20 pixels are said, the upright picture has 40 x 20"),
        (image(2, width=-1), "image 2", "width must be a whole number"),
        (image(2, width=float("nan")), "image 2", "width must be a whole number"),
        (image(2, height=1e400), "image 2", "height must be a whole number"),
        (image(2, height="20"), "image 2", "height must be a whole number"),
        (image(1), "image 1", "its id stands there twice"),
        (image("a"), "images[1]", "id must be a whole number"),
    ],
)
def test_read_coco_broken_image_is_told_once_and_the_rest_goes_on(
    tmp_path: Path, broken: dict[str, Any], place: str, reason: str
) -> None:
    annotations = [annotation(1), annotation(2, image_id=2), annotation(3, image_id=3)]
    if broken["id"] not in (2, 9):
        annotations[1:2] = []
    if broken["id"] == 9:
        annotations[1]["image_id"] = 9
    pictures, problems = read_coco_set(tmp_path, coco_file(annotations, [image(1), broken, image(3)]))

    assert [(one.name, len(one.classes)) for one in pictures] == [("1.png", 1), ("3.png", 1)]
    assert len(problems) == 1
    assert problems[0].startswith(f"boxes.json: {place}: ")
    assert reason in problems[0]


def test_read_coco_broken_category_is_told_and_its_annotations_too(tmp_path: Path) -> None:
    categories = [
        {"id": 3, "name": "cat"},
        {"id": 3, "name": "b"},
        {"id": 4, "name": "cat"},
        {"id": 5},
        {"id": 6, "name": "\n"},
    ]
    _, problems = read_coco_set(tmp_path, coco_file([annotation(1), annotation(2, category_id=4)], None, categories))

    assert [problem.split(": ")[1] for problem in problems] == [
        "category 3",
        "category 4",
        "category 5",
        "category 6",
        "annotation 2",
    ]


def test_read_coco_elements_that_are_no_json_are_told_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_elements, "MAX_ELEMENT_BYTES", 300_000)
    written = json.dumps(coco_file([annotation(1), "deep", "latin", "long", "half", annotation(2)])).encode()
    deep = b"[" * 100_000 + b"]" * 100_000
    for text, by in (
        (b'"deep"', deep),
        (b'"latin"', b'{"id": "\xff"}'),
        (b'"long"', b'{"id": 4, "x": "' + b"y" * 300_000 + b'"}'),
        (b'"half"', b'{"id": 4, "x": }'),
    ):
        written = written.replace(text, by)
    pictures, problems = read_coco_set(tmp_path, written)

    assert [len(one.classes) for one in pictures] == [2]
    assert [problem.split(": ")[1] for problem in problems] == [f"annotations[{number}]" for number in (1, 2, 3, 4)]
    for problem, reason in zip(problems, ("too deep", "not UTF-8", "bytes", "not JSON"), strict=True):
        assert reason in problem


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7, 64])
def test_read_coco_in_small_steps_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk_bytes: int
) -> None:
    content = coco_file([annotation(1, note='\\"]}'), annotation(2, bbox=[1.5, 2.25, 1e1, 5])])
    whole, _ = read_coco_set(tmp_path, content)
    monkeypatch.setattr(json_elements, "_CHUNK_BYTES", chunk_bytes)
    pictures, problems = read_coco_set(tmp_path, content)

    assert problems == []
    assert pictures[0].boxes_norm.tolist() == whole[0].boxes_norm.tolist()


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"images": [', b"\xff\xfe{", b'{"images" []}', b"{1: 2}", b"{}"])
def test_read_coco_file_that_holds_nothing_raises(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(DatasetUnusable, match=r"boxes\.json"):
        read_coco_set(tmp_path, text)
    with pytest.raises(DatasetUnusable, match="No such file"):
        read_coco(tmp_path / "absent.json", tmp_path, ProblemLog())


def test_read_coco_file_that_is_cut_short_gives_what_comes_before(tmp_path: Path) -> None:
    content = coco_file([annotation(1), annotation(2)])
    ordered = {key: content[key] for key in ("categories", "images", "annotations")}
    text = json.dumps(ordered).encode()
    pictures, problems = read_coco_set(tmp_path, text[:-30])

    assert [len(one.classes) for one in pictures] == [1]
    assert problems == ["boxes.json: it ends in the middle; what comes before was read"]
    pictures, problems = read_coco_set(tmp_path, text[:-2] + b"} ")
    assert [len(one.classes) for one in pictures] == [2]
    assert "where ',' or ']' was expected" in problems[0]


def test_read_coco_limits_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coco_content, "MAX_ROWS", 1)
    monkeypatch.setattr(coco_content, "MAX_FILES", 1)
    monkeypatch.setattr(coco_content, "MAX_CLASSES", 1)
    pictures, problems = read_coco_set(
        tmp_path, coco_file([annotation(1, category_id=7), annotation(2)], [image(1), image(2)])
    )

    assert [len(one.classes) for one in pictures] == [1]
    assert sorted(problem.split(": ")[1] for problem in problems) == ["annotation 2", "category 3", "image 2"]
    monkeypatch.setattr(coco, "MAX_FILE_BYTES", 10)
    with pytest.raises(DatasetUnusable, match="over 10 bytes"):
        read_coco_set(tmp_path, coco_file([]))


def test_read_coco_memory_does_not_grow_with_what_is_passed_over(tmp_path: Path) -> None:
    outline = [[float(number) for number in range(500)]]
    content = coco_file([annotation(number, segmentation=outline) for number in range(100)])
    content["extra"] = "x" * 10**7
    data = json.dumps(content).encode()
    write_set(tmp_path, {"boxes.json": data, "1.png": png()})
    tracemalloc.start()
    try:
        pictures = list(read_coco(tmp_path / "boxes.json", tmp_path, ProblemLog()).pictures)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(pictures[0].classes) == 100
    assert len(data) > 10e6
    assert peak < 4e6


def test_write_coco_crowds_are_kept_and_a_failure_leaves_no_file(tmp_path: Path) -> None:
    def pictures() -> Any:
        yield PictureBoxes("1.png", 40, 20, np.array([[0.5, 0.5, 1, 1]]), np.array([0]), np.array([True]))
        if is_broken:
            raise OSError("the disk is full")

    write_set(tmp_path, {"1.png": png()})
    is_broken = True
    with pytest.raises(OSError, match="full"):
        write_coco(tmp_path / "boxes.json", BoxSet(("cat",), pictures()))
    assert [path.name for path in tmp_path.iterdir()] == ["1.png"]
    is_broken = False
    write_coco(tmp_path / "boxes.json", BoxSet(("cat",), pictures()))
    written = json.loads((tmp_path / "boxes.json").read_text(encoding="utf-8"))
    assert written["annotations"][0] == {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "bbox": [0, 0, 40, 20],
        "area": 800,
        "iscrowd": 1,
        "segmentation": [],
    }
    (again,) = read_coco(tmp_path / "boxes.json", tmp_path, ProblemLog()).pictures
    assert again.is_crowd.tolist() == [True]
