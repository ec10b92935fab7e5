"""Classes and parts are read off the names of folders."""

from __future__ import annotations

import time

import pytest

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.datasets.layout import lay_out


def placed(names: list[str]) -> list[tuple[str, str, str | None]]:
    return [(place.name, place.class_name, place.part) for place in lay_out(names).places.values()]


def test_folders_are_classes() -> None:
    assert placed(["dog/2.jpg", "cat/1.jpg"]) == [("cat/1.jpg", "cat", None), ("dog/2.jpg", "dog", None)]
    assert lay_out(["dog/2.jpg", "cat/1.jpg"]).class_names == ("cat", "dog")


def test_deeper_folders_belong_to_their_class() -> None:
    assert placed(["cat/a/b/1.jpg", "dog/2.jpg"])[0] == ("cat/a/b/1.jpg", "cat", None)


@pytest.mark.parametrize("prefix", ["pets", "a/b/pets"])
def test_top_folders_around_all_classes_count_for_nothing(prefix: str) -> None:
    layout = lay_out([f"{prefix}/cat/1.jpg", f"{prefix}/dog/2.jpg"])

    assert layout.prefix == f"{prefix}/"
    assert [place.name for place in layout.places.values()] == ["cat/1.jpg", "dog/2.jpg"]


def test_pictures_beside_the_top_folder_do_not_hide_it() -> None:
    layout = lay_out(["logo.png", "pets/cover.png", "pets/cat/1.jpg", "pets/dog/2.jpg"])

    assert layout.class_names == ("cat", "dog")
    assert {file.name for file in layout.skipped} == {"logo.png", "pets/cover.png"}


@pytest.mark.parametrize("val", ["val", "valid", "validation", "VAL"])
@pytest.mark.parametrize("prefix", ["", "pets/"])
def test_part_folders_are_parts(val: str, prefix: str) -> None:
    names = [f"{prefix}{part}/{name}/1.jpg" for part in ("Train", val, "test") for name in ("cat", "dog")]

    assert {(c, p) for _, c, p in placed(names)} == {(c, p) for c in ("cat", "dog") for p in ("train", "val", "test")}


def test_one_part_alone_is_a_part() -> None:
    assert [part for _, _, part in placed(["test/cat/1.jpg", "test/dog/1.jpg"])] == ["test", "test"]


def test_a_folder_called_test_around_parts_is_no_part() -> None:
    found = placed(["test/train/cat/1.jpg", "test/train/dog/1.jpg", "test/test/cat/2.jpg"])

    assert {(name, part) for _, name, part in found} == {("cat", "train"), ("dog", "train"), ("cat", "test")}


def test_a_class_called_train_is_a_class() -> None:
    assert lay_out(["train/1.jpg", "bus/2.jpg", "car/old/3.jpg"]).class_names == ("bus", "car", "train")


def test_other_folders_beside_the_parts_are_left_out_with_the_reason() -> None:
    layout = lay_out(["train/cat/1.jpg", "train/dog/1.jpg", "test/unknown.jpg", "extra/cat/9.jpg"])

    assert len(layout.places) == 2
    assert {file.name: file.reason for file in layout.skipped} == {
        "extra/cat/9.jpg": "lies outside of train",
        "test/unknown.jpg": "lies outside of train",
    }


def test_a_picture_in_no_class_folder_is_left_out() -> None:
    layout = lay_out(["1.jpg", "cat/1.jpg", "dog/1.jpg"])

    assert [(file.name, file.reason) for file in layout.skipped] == [("1.jpg", "lies in no class folder")]


def test_class_names_composed_and_decomposed_are_one_class() -> None:
    assert lay_out(["train/caf\u00e9/1.jpg", "train/tea/2.jpg", "test/cafe\u0301/2.jpg"]).class_names == (
        "caf\u00e9",
        "tea",
    )


def test_classes_that_differ_by_case_alone_are_refused() -> None:
    with pytest.raises(DatasetUnusable, match="'Cat' and 'cat' differ by case alone"):
        lay_out(["train/Cat/1.jpg", "test/cat/1.jpg", "train/dog/1.jpg"])


def test_no_pictures_are_no_classes() -> None:
    assert lay_out([]).class_names == ()


def test_class_name_of_many_accents_takes_no_time() -> None:
    """As a zip may have it. Bringing them all into order takes seconds."""
    name = "a" + "\u0301\u0316" * 16_000
    began = time.process_time()
    assert lay_out([f"{name}{number}/1.jpg" for number in range(20)]).class_names[0].startswith(name)
    assert time.process_time() - began < 2
