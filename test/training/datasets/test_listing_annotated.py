"""Listings of boxes and of masks, as the server writes them for a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.dataset import BoxDataset, Dataset, MaskDataset
from deep_predictor.training.datasets.listing import NOT_ANNOTATED
from deep_predictor.training.datasets.table import open_path
from test.training.datasets.annotated_sets import gray_png, mask_of
from test.training.datasets.pictures import png, write_files

CAT = {"class_name": "cat", "cx": 0.5, "cy": 0.5, "w": 0.5, "h": 0.25}


def opened(folder: Path, task: str, truths: list[dict[str, Any]], **facts: Any) -> Dataset:
    """Of pictures with these truths, numbered from 1."""
    lines = [
        {"item_id": number, "file": f"pictures/{number}.png", "label": "", "split": "", "source": "", **truth}
        for number, truth in enumerate(truths, 1)
    ]
    told = {"name": "pets", "task": task, "class_names": ["dog", "cat"], **facts}
    files = {f"pictures/{number}.png": png(number) for number in range(1, len(truths) + 1)}
    files |= {f"masks/{number}.png": gray_png(mask_of(0, 1)) for number in (1, 2)}
    files["listing.jsonl"] = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    write_files(folder, files | {"snapshot.json": json.dumps(told).encode()})
    return open_path(folder / "listing.jsonl", folder)


def test_listing_of_boxes_gives_them_in_the_order_of_the_class_names(tmp_path: Path) -> None:
    crowd = {"class_name": "dog", "cx": 0.25, "cy": 0.25, "w": 0.5, "h": 0.5, "is_crowd": True}
    dataset = opened(tmp_path, "detection", [{"boxes": [CAT, crowd], "split": "test"}, {"boxes": []}, {"boxes": None}])

    assert isinstance(dataset, BoxDataset)
    assert (dataset.name, dataset.class_names) == ("pets", ("dog", "cat"))
    assert [(item.item_id, item.part, item.label) for item in dataset.items] == [(1, "test", -1), (2, None, -1)]
    boxes = dataset.boxes(0)
    assert (boxes.width, boxes.height) == (24, 24)
    assert boxes.boxes_norm.tolist() == [[0.5, 0.5, 0.5, 0.25], [0.25, 0.25, 0.5, 0.5]]
    assert (boxes.classes.tolist(), boxes.is_crowd.tolist()) == ([1, 0], [False, True])
    assert len(dataset.boxes(1).classes) == 0
    assert [(file.name, file.reason) for file in dataset.skipped] == [("pictures/3.png", NOT_ANNOTATED)]


def test_listing_of_boxes_tells_what_is_wrong_by_line(tmp_path: Path) -> None:
    outside, cow = CAT | {"cx": 3}, CAT | {"class_name": "cow"}
    truths: list[dict[str, Any]] = [{"boxes": [outside, CAT]}, {"boxes": [cow, CAT], "width": 48, "height": 24}]
    dataset = opened(tmp_path, "detection", truths)

    assert [str(problem) for problem in dataset.problems] == [
        "listing.jsonl: line 1: left out: the box lies outside of the picture (24 x 24 pixels)",
        "listing.jsonl: line 2: left out: there is no class 'cow'",
    ]
    assert isinstance(dataset, BoxDataset)
    assert [dataset.boxes(index).width for index in range(2)] == [24, 48]
    assert [dataset.classes_of(index) for index in range(2)] == [(1,), (1,)]


def test_listing_of_boxes_whose_picture_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    dataset = opened(tmp_path, "detection", [{"boxes": [CAT], "file": "pictures/gone.png"}, {"boxes": [CAT]}])

    assert [item.item_id for item in dataset.items] == [2]
    assert "there is no such file" in dataset.skipped[0].reason


def test_listing_of_masks_gives_them(tmp_path: Path) -> None:
    dataset = opened(tmp_path, "segmentation", [{"mask": "masks/1.png"}, {}, {"mask": "masks/gone.png"}])

    assert isinstance(dataset, MaskDataset)
    assert [item.item_id for item in dataset.items] == [1, 3]
    np.testing.assert_array_equal(dataset.mask(0), mask_of(0, 1))
    assert [file.reason for file in dataset.skipped] == [NOT_ANNOTATED]
    with pytest.raises(ImageUnreadable, match=r"masks/gone\.png: there is no such file"):
        dataset.mask(1)


@pytest.mark.parametrize(
    ("task", "truth", "facts", "message"),
    [
        ("detection", {"boxes": [CAT | {"w": float("nan")}]}, {}, r"line 1: boxes\.0\.w: Input should be a finite"),
        ("detection", {"boxes": [{"class_name": "cat"}]}, {}, r"line 1: boxes\.0\.cx"),
        ("detection", {"boxes": [CAT]}, {"class_names": None}, "class_names must be a list of names"),
        ("segmentation", {"mask": "../x.png"}, {}, r"line 1: '\.\./x\.png' leads out"),
        ("segmentation", {"mask": "masks/1.png"}, {"class_names": ["a", 1]}, "class_names must be a list of names"),
        ("tracking", {}, {}, "the task 'tracking' is unknown"),
        ("detection", {}, {}, f"1 files were left out, the first pictures/1.png: {NOT_ANNOTATED}"),
    ],
)
def test_listing_that_is_none_is_refused(
    tmp_path: Path, task: str, truth: dict[str, Any], facts: dict[str, Any], message: str
) -> None:
    with pytest.raises(DatasetUnusable, match=message):
        opened(tmp_path, task, [truth], **facts)
