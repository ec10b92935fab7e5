"""A listing gives each picture as its line says, and nothing outside of its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.datasets.table import open_dataset, open_path
from deep_predictor.training.fingerprints import fingerprint_all
from deep_predictor.training.splitting import split_dataset
from test.training.datasets.pictures import picture, png, write_files

LABELS = ("../../x", "日本", "Cat", "cat")


def write_listing(folder: Path, lines: list[Any]) -> Path:
    path = write_files(folder, {"listing.jsonl": b""}) / "listing.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def listed(folder: Path, count: int = 16, **changes: Any) -> Path:
    files = {f"pictures/{number}.png": png(number) for number in range(count)}
    write_files(folder, files)
    return write_listing(
        folder,
        [
            {
                "item_id": number,
                "file": file,
                "label": LABELS[number % len(LABELS)],
                "split": "",
                "source": "",
                **changes,
            }
            for number, file in enumerate(files)
        ],
    )


def opened(path: Path) -> Dataset:
    return open_dataset(DatasetOptions(name="listing", path=path), path.parent / "cache")


def test_listing_gives_each_picture_with_its_label(tmp_path: Path) -> None:
    dataset = opened(listed(tmp_path))
    assert dataset.class_names == tuple(sorted(LABELS))
    assert [item.name for item in dataset.items[:2]] == ["pictures/0.png", "pictures/1.png"]
    assert [dataset.class_names[item.label] for item in dataset.items[:4]] == list(LABELS)
    assert [item.item_id for item in dataset.items[:3]] == [0, 1, 2]
    np.testing.assert_array_equal(dataset.read(7), picture(7))
    assert dataset.read_file(7) == (png(7), "png")
    assert (dataset.name, {item.part for item in dataset.items}) == ("listing", {None})
    assert len(open_path(tmp_path / "listing.jsonl", tmp_path / "cache").items) == 16


def test_listing_beside_a_snapshots_facts_has_its_name(tmp_path: Path) -> None:
    write_files(tmp_path, {"snapshot.json": '{"name": "果物"}'.encode()})
    assert opened(listed(tmp_path)).name == "果物"


def test_splits_and_sources_of_a_listing_are_kept(tmp_path: Path) -> None:
    files = {f"pictures/{number}.png": png(number) for number in range(12)}
    write_files(tmp_path, files)
    lines = [
        {"file": file, "label": LABELS[number % 2], "split": "test" if number < 4 else "", "source": f"s{number // 4}"}
        for number, file in enumerate(files)
    ]
    dataset = opened(write_listing(tmp_path, lines))
    assert [item.part for item in dataset.items] == ["test"] * 4 + [None] * 8
    split = split_dataset(dataset, fingerprint_all(dataset, 1), 0.5, 0.2, seed=1)
    assert sorted(split.test) == [0, 1, 2, 3]
    assert {tuple(sorted(part)) for part in (split.train, split.val)} == {(4, 5, 6, 7), (8, 9, 10, 11)}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"file": "../x.png", "label": "a"}, "leads out"),
        ({"file": "/etc/passwd", "label": "a"}, "leads out"),
        ({"file": "a/../../x", "label": "a"}, "leads out"),
        ({"file": "a\0b", "label": "a"}, "leads out"),
        ({"file": "", "label": "a"}, "leads out"),
        ({"file": "pictures/0.png", "label": "a"}, "twice"),
        ({"file": 7, "label": "a"}, "line 17: file"),
        ({"file": "x"}, "line 17: label"),
        ({"file": "x", "label": "a", "split": "dev"}, "line 17: split"),
        ([], "line 17"),
    ],
)
def test_line_that_is_none_is_refused(tmp_path: Path, line: Any, message: str) -> None:
    path = listed(tmp_path)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    with pytest.raises(DatasetUnusable, match=message):
        opened(path)


def test_listing_that_is_no_json_or_not_there_is_refused(tmp_path: Path) -> None:
    path = listed(tmp_path)
    path.write_bytes(b"\xff{")
    with pytest.raises(DatasetUnusable, match="line 1 is not JSON"):
        opened(path)
    with pytest.raises(DatasetUnusable, match="No such file"):
        opened(tmp_path / "absent.jsonl")


@pytest.mark.parametrize("label", ["", " x", "a\nb"])
def test_label_that_no_model_could_have_is_refused(tmp_path: Path, label: str) -> None:
    lines = [{"file": "pictures/0.png", "label": label}, {"file": "pictures/1.png", "label": "cat"}]
    with pytest.raises(DatasetUnusable, match="class name"):
        opened(write_listing(tmp_path, lines))
