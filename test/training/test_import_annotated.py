"""The command `import` on zips of boxes and masks: what comes in, of which classes, and what is told of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable
from deep_predictor.images.masks import encode_mask, read_mask
from deep_predictor.images.palette import class_colours
from deep_predictor.training.import_files import ImportedItem, read_imported_classes
from deep_predictor.training.job_files import read_progress
from test.training.datasets.pictures import png, write_zip
from test.training.test_importing import imported, problems

#: class_index, cx, cy, w, h, is_crowd
BOX = [1, 0.5, 0.25, 0.125, 0.5, 0]
LINE = b"1 0.5 0.25 0.125 0.5\n"
NAMES = b"cat\ndog\n"


def brought(
    tmp_path: Path, files: dict[str, bytes], task: str = "detection", **changes: Any
) -> dict[str, ImportedItem]:
    return imported(tmp_path, write_zip(tmp_path / "set.zip", files), task=task, **changes)


def classes(tmp_path: Path) -> list[str]:
    return read_imported_classes(tmp_path / "run")


def coco(images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> bytes:
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()


def mask_png(mask: np.ndarray) -> bytes:
    return encode_mask(mask, class_colours(["background", "cat"], 0))


def test_yolo_zip_brings_boxes_and_tells_broken_lines(tmp_path: Path) -> None:
    files = {
        **{"set/names.txt": NAMES, "set/images/1.png": png(1), "set/images/2.png": png(2), "set/images/3.png": png(3)},
        **{"set/labels/1.txt": LINE + b"0 here\n", "set/labels/2.txt": b"", "set/loose.png": png(4)},
        **{"set/not_annotated/val/9.png": png(9)},
    }
    items = brought(tmp_path, files)
    assert {name: item.boxes for name, item in items.items()} == {
        **{"set/images/1.png": [BOX], "set/images/2.png": [], "set/images/3.png": []},
        "set/not_annotated/val/9.png": None,
    }
    assert items["set/not_annotated/val/9.png"].split == "val"
    assert {item.label for item in items.values()} == {""}
    assert classes(tmp_path) == ["cat", "dog"]
    told = problems(tmp_path)
    assert told["labels/1.txt"].startswith("line 2: left out: 5 numbers make a box")
    assert told["set/loose.png"] == "lies in no folder images"
    assert dict(read_progress(tmp_path / "run").figures) == {"added": 4, "left_out": 1, "problems": 1}


def test_coco_zip_names_missing_pictures_and_boxes_of_no_size(tmp_path: Path) -> None:
    images = [{"id": number, "file_name": f"{number}.png"} for number in (1, 2)]
    annotations = [
        {"id": 5, "image_id": 1, "category_id": 2, "bbox": [10.5, 0, 3, 12], "iscrowd": 1},
        {"id": 6, "image_id": 1, "category_id": 1, "bbox": [1, 1, -3, 2]},
    ]
    items = brought(tmp_path, {"annotations.json": coco(images, annotations), "images/1.png": png(1)})
    assert {name: item.boxes for name, item in items.items()} == {"images/1.png": [[1, 0.5, 0.25, 0.125, 0.5, 1]]}
    lines = (tmp_path / "run" / "problems.jsonl").read_text().splitlines()
    assert [json.loads(line)["reason"].split(": ")[0] for line in lines] == ["annotation 6", "image 2"]


def test_classes_that_are_there_keep_their_numbers_and_new_ones_come_last(tmp_path: Path) -> None:
    files = {"names.txt": NAMES, "images/1.png": png(1), "labels/1.txt": LINE}
    items = brought(tmp_path, files, class_names=["bird", "dog"])
    assert classes(tmp_path) == ["bird", "dog", "cat"]
    assert items["images/1.png"].boxes == [BOX]


def test_parts_and_sources_of_an_annotated_zip_are_kept(tmp_path: Path) -> None:
    names = {"images/train/1.png", "images/train/2.png", "images/undecided/3.png"}
    sources = json.dumps({"images/train/2.png": "the original", "images/undecided/3.png": "the original"}).encode()
    files = {"names.txt": NAMES, "labels/train/1.txt": LINE, "sources.json": sources}
    items = brought(tmp_path, files | {name: png(index) for index, name in enumerate(sorted(names))})
    assert {name: item.split for name, item in items.items()} == {
        name: "train" if "train" in name else "" for name in names
    }
    first, second, third = (items[name].source for name in sorted(names))
    assert first == "" != second == third


def test_zip_of_pictures_alone_brings_them_for_somebody_to_look_at(tmp_path: Path) -> None:
    items = brought(tmp_path, {"a/1.png": png(1), "test/2.png": png(2)})
    assert {(item.split, item.boxes) for item in items.values()} == {("", None), ("test", None)}
    files = {"names.txt": NAMES, "images/1.png": png(1), "labels/1.txt": LINE}
    assert brought(tmp_path, files, format="pictures")["images/1.png"].boxes is None


@pytest.mark.parametrize(
    ("files", "changes", "message"),
    [
        ({"names.txt": NAMES, "1.png": png(1)}, {}, r"YOLO \(images, labels, names.txt\)"),
        ({"1.png": png(1)}, {"format": "coco"}, "does not hold what is expected"),
        ({"1.png": png(1)}, {"format": "masks", "task": "segmentation"}, "does not hold what is expected: masks"),
        ({"images/1.png": png(1), "labels/1.txt": LINE}, {}, "names.txt cannot be read"),
        (
            {"names.txt": NAMES, "images/1.png": png(1), "masks/1.png": mask_png(np.zeros((24, 24), np.uint8))},
            {"task": "segmentation", "class_names": [f"class {n}" for n in range(253)]},
            "there would be 255, a mask has up to 254",
        ),
    ],
)
def test_zip_that_says_nothing_of_its_pictures_is_refused(
    tmp_path: Path, files: dict[str, bytes], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DatasetUnusable, match=message):
        brought(tmp_path, files, **{"task": "detection", **changes})


def test_masks_count_the_data_sets_classes_and_ignored_pixels_stay(tmp_path: Path) -> None:
    mask = np.zeros((24, 24), np.uint8)
    mask[:2], mask[-1] = 1, 255
    wrong = mask.copy()
    wrong[0, 0] = 7
    files = {
        **{"names.txt": b"background\ncat\n", "images/1.png": png(1), "masks/1.png": mask_png(mask)},
        **{"images/2.png": png(2), "masks/2.png": mask_png(wrong)},
        **{"images/3.png": png(3), "masks/3.png": mask_png(mask[:8, :8])},
        **{"not_annotated/4.png": png(4)},
    }
    items = brought(tmp_path, files, "segmentation", class_names=["background", "dog"])
    assert classes(tmp_path) == ["background", "dog", "cat"]
    assert sorted(items) == ["images/1.png", "not_annotated/4.png"]
    item = items["images/1.png"]
    assert item.class_pixels == [[0, 21 * 24], [2, 48]]
    stored, _ = read_mask(tmp_path / "run" / "masks" / item.mask)
    assert np.array_equal(stored, np.where(mask == 1, 2, mask))
    assert items["not_annotated/4.png"].mask == ""
    told = problems(tmp_path)
    assert told["images/2.png"] == "masks/2.png: indices of no class: 7 (1 pixels)"
    assert told["images/3.png"] == "its mask has 8 x 8 pixels, the upright picture 24 x 24"


def test_masks_drawn_in_colours_are_read_by_their_table(tmp_path: Path) -> None:
    coloured = np.zeros((24, 24, 3), np.uint8)
    coloured[:3] = (0, 0, 200)
    written = cv2.imencode(".png", cv2.cvtColor(coloured, cv2.COLOR_RGB2BGR))[1].tobytes()
    files = {"colours.csv": b"background,0,0,0\nsea,0,0,200\n", "images/1.png": png(1), "masks/1.png": written}
    items = brought(tmp_path, files, "segmentation")
    assert items["images/1.png"].class_pixels == [[0, 21 * 24], [1, 72]]
