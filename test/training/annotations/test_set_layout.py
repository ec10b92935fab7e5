"""What kind of set lies where, told by names alone; on disk and in a zip the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from deep_predictor.training.annotations.set_files import SetFiles
from deep_predictor.training.annotations.set_layout import (
    SetLayout,
    entries_of_folder,
    entries_of_names,
    find_layout,
    parts_by_folder,
)
from test.training.annotations.sets import write_set

YOLO = ("names.txt", "images/a/1.png", "labels/a/1.txt")
COCO = ("annotations.json", "images/1.png")
MASKS = ("colours.csv", "images/1.png", "masks/1.png")


def below(folder: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (YOLO, SetLayout("yolo", "", {"": None})),
        (COCO, SetLayout("coco", "", {"": None})),
        (MASKS, SetLayout("masks", "", {"": None})),
        (below("a/b", YOLO), SetLayout("yolo", "a/b/", {"": None})),
        ((*below("a", COCO), "read me.txt"), SetLayout("coco", "a/", {"": None})),
        (
            (*below("train", YOLO[1:]), *below("Valid", YOLO[1:]), "names.txt", "test/notes.txt"),
            SetLayout("yolo", "", {"Valid": "val", "train": "train"}),
        ),
        (below("train", MASKS), SetLayout("masks", "", {"train": "train"})),
        (below("x", below("test", COCO)), SetLayout("coco", "x/", {"test": "test"})),
        ((*below("train", YOLO), *below("val", COCO)), None),
        (("cat/1.png", "dog/1.png"), None),
        (("train/cat/1.png", "train/dog/1.png"), None),
        (("images/1.png", "names.txt"), None),
        (("annotations.json/x", "images/1.png"), None),
        (("images", "labels/1.txt"), None),
        (below("/".join("abcdefghij"), YOLO), None),
        ((), None),
    ],
)
def test_find_layout_tells_kind_folders_and_parts(
    tmp_path: Path, names: tuple[str, ...], layout: SetLayout | None
) -> None:
    write_set(tmp_path, dict.fromkeys(names, "x"))

    assert find_layout(entries_of_names(names)) == layout
    assert find_layout(entries_of_folder(tmp_path)) == layout


def test_find_layout_of_some_kinds_finds_no_other() -> None:
    entries = entries_of_names((*YOLO, *COCO))

    assert [find_layout(entries, (kind,)) is not None for kind in ("yolo", "coco", "masks")] == [True, True, False]


def test_layout_names_at_the_top_count_for_parts_without_their_own() -> None:
    names = ("s/names.txt", *below("s/train", YOLO[1:]), *below("s/test", YOLO))
    layout = find_layout(entries_of_names(names))
    assert layout
    sets = {folder: (part, own) for folder, part, own in layout.sets(SetFiles({name: name for name in names}))}

    assert {folder: part for folder, (part, _) in sets.items()} == {"train": "train", "test": "test"}
    assert str(sets["train"][1].get("names.txt")) == "s/names.txt"
    assert str(sets["test"][1].get("names.txt")) == "s/test/names.txt"
    assert sets["test"][1].has("images/a/1.png")


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["train/1.png", "Validation/2.png", "3.png"], {"train": "train", "Validation": "val"}),
        (["train/1.png", "car/2.png"], {}),
        (["1.png"], {}),
    ],
)
def test_parts_by_folder_are_told_where_all_are_called_so(names: list[str], parts: dict[str, str]) -> None:
    assert parts_by_folder(names) == parts
