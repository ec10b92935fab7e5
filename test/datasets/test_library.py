"""Data sets without HTTP: an augmented set taken in, and what must hold whatever fails in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deep_predictor.config.management_options import LibraryOptions
from deep_predictor.datasets.folders import DatasetFolders, link_or_copy, new_file_name
from deep_predictor.datasets.library import DatasetLibrary
from deep_predictor.datasets.pictures import PictureRules
from deep_predictor.db.dataset_records import Chosen, Dataset, DatasetItem
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.db.setup import engine_for, training_job_rows_for
from deep_predictor.errors import (
    DatabaseBusy,
    ImageNotStored,
    ImageUnreadable,
    NameTaken,
    NotFound,
    RequestInvalid,
    TooLarge,
)
from deep_predictor.images.folder_names import safe_folder_name
from deep_predictor.training.jobs import TrainingJobs
from test.db.databases import connected
from test.fakes import picture
from test.training.datasets.pictures import jpeg, png, write_files
from test.training.datasets.pictures import picture as pixels

RULES = PictureRules(("png", "jpg"), 10_000, 100_000)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[DatasetLibrary]:
    with connected(tmp_path) as app:
        jobs = TrainingJobs(training_job_rows_for(app), tmp_path / "runs")
        rows = DatasetRows(engine_for(app, "production"))
        yield DatasetLibrary(rows, LibraryOptions(datasets_folder=tmp_path / "datasets"), tmp_path, jobs, RULES)
        jobs.close()


def items_of(library: DatasetLibrary, dataset: Dataset) -> list[DatasetItem]:
    return library.items(dataset.id, Chosen(), 500, 0)[0]


def files_of(folder: Path, dataset: Dataset) -> int:
    return sum(path.is_file() for path in (folder / "datasets" / str(dataset.id)).rglob("*"))


def augmented(folder: Path) -> Path:
    """As `augment` writes a set; the class ../../x has a safe folder."""
    odd = safe_folder_name("../../x")
    files = {
        **{f"train/{odd}/0-a.png": png(0), f"train/{odd}/0-a-001.png": png(1), "test/日本/1-b.png": png(2)},
        **{"test/日本/1-b-001.jpg": jpeg(pixels(3)), "test/loose.txt": b"?", ".hidden.png": png(9)},
    }
    sources = {f"train/{odd}/0-a.png": "pictures/7.png", f"train/{odd}/0-a-001.png": "pictures/7.png"}
    written = {
        "sources.json": json.dumps(sources).encode(),
        ".augmentation.json": json.dumps({"class_names": ["../../x", "日本"]}).encode(),
    }
    return write_files(folder, files | written)


def test_augmented_set_becomes_a_new_dataset(library: DatasetLibrary, tmp_path: Path) -> None:
    folder = augmented(tmp_path / "run")
    dataset = library.take_in_folder("pets augmented", folder, "job:7")
    items = {item.original_name: item for item in items_of(library, dataset)}
    assert (dataset.name, len(items)) == ("pets augmented", 4)
    assert {(item.label, item.split) for item in items.values()} == {("../../x", "train"), ("日本", "test")}
    assert items["0-a.png"].source == items["0-a-001.png"].source != ""
    assert items["1-b.png"].source == ""
    assert (items["1-b-001.jpg"].width, items["1-b-001.jpg"].height) == (24, 24)
    assert library.picture(items["1-b.png"]).read_bytes() == png(2)
    assert (folder / "test" / "日本" / "1-b.png").exists()


def test_set_taken_in_twice_is_there_once(library: DatasetLibrary, tmp_path: Path) -> None:
    folder = augmented(tmp_path / "run")
    first = library.take_in_folder("pets", folder, "job:7")
    again = library.take_in_folder("pets", folder, "job:7")
    assert (again.id, len(items_of(library, again)), files_of(tmp_path, again)) == (first.id, 4, 4)
    another = library.take_in_folder("pets", folder, "job:8")
    assert (another.name, len(items_of(library, another))) == ("pets 2", 4)
    assert library.take_in_folder(first.id, folder, "job:9").id == first.id
    assert len(items_of(library, first)) == 8
    with pytest.raises(NotFound):
        library.take_in_folder(99, folder, "job:9")
    with pytest.raises(RequestInvalid):
        library.take_in_folder("a\n", folder, "job:10")


def test_set_with_a_file_that_is_no_picture_is_refused(library: DatasetLibrary, tmp_path: Path) -> None:
    with pytest.raises(ImageUnreadable):
        library.take_in_folder("pets", write_files(tmp_path / "run", {"cat/1.png": png(1)[:20]}), "job:1")
    assert library.take_in_folder("empty", write_files(tmp_path / "none", {"x.txt": b""}), "job:2").version == 1


def test_disk_that_refuses_a_set_is_told(
    library: DatasetLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deep_predictor.datasets.folders.link_or_copy", refuse)
    with pytest.raises(ImageNotStored, match="No space"):
        library.take_in_folder("pets", augmented(tmp_path / "run"), "job:1")


@pytest.mark.parametrize(
    ("label", "split"), [("", ""), ("a\0", ""), (" a", ""), ("a", "dev"), ("x" * 201, "train"), ("\ud800", "")]
)
def test_add_item_of_no_label_or_split_is_refused(library: DatasetLibrary, label: str, split: str) -> None:
    dataset = library.create("pets")
    with pytest.raises(RequestInvalid):
        library.add_item(dataset.id, picture(), label, split)  # type: ignore[arg-type]
    assert library.get(dataset.id).version == 1


def test_add_item_that_the_database_refuses_leaves_no_file(
    library: DatasetLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DatabaseBusy("locked")

    dataset = library.create("pets")
    monkeypatch.setattr(DatasetRows, "add_item", refuse)
    with pytest.raises(DatabaseBusy):
        library.add_item(dataset.id, picture(), "cat")
    assert files_of(tmp_path, dataset) == 0


def test_add_item_too_large_or_broken_is_refused(library: DatasetLibrary) -> None:
    dataset = library.create("pets")
    with pytest.raises(TooLarge, match="100000 bytes"):
        library.add_item(dataset.id, b"x" * 100_001, "cat")
    with pytest.raises(ImageUnreadable, match="pixels"):
        library.add_item(dataset.id, picture(size=(200, 200)), "cat")


def test_counts_follow_every_change(library: DatasetLibrary) -> None:
    dataset = library.create("pets")
    assert library.counts(dataset) == {}
    item = library.add_item(dataset.id, picture(), "cat", "val", "猫.png")
    assert library.counts(library.get(dataset.id)) == {("cat", "val"): 1}
    library.change_items(dataset.id, Chosen([item.id]), label="dog")
    assert library.counts(library.get(dataset.id)) == {("dog", "val"): 1}
    assert library.delete_items(dataset.id, Chosen(label="dog")) == 1
    assert library.counts(library.get(dataset.id)) == {}


def test_names_of_datasets_are_lines_and_unique(library: DatasetLibrary) -> None:
    dataset = library.create("pets", 7)
    assert (library.find_by_name("pets"), library.page(10, 0)) == (dataset, ([dataset], 1))
    with pytest.raises(NameTaken):
        library.create("pets")
    for name in ("", "a\nb", "x" * 201):
        with pytest.raises(RequestInvalid):
            library.create(name)
        with pytest.raises(RequestInvalid):
            library.rename(dataset.id, name)
    assert library.rename(dataset.id, "animals").name == "animals"


@pytest.mark.parametrize("name", ["../../x.png", "pictures/../x.png", "pictures/ab/x.png", "/etc/passwd", ""])
def test_folders_give_no_place_to_a_name_that_was_not_made_here(tmp_path: Path, name: str) -> None:
    folders = DatasetFolders(tmp_path)
    with pytest.raises(NotFound):
        folders.picture(1, name)
    with pytest.raises(NotFound):
        folders.thumbnail(1, name)
    folders.remove_files(1, [name])


def test_file_name_of_one_key_is_always_the_same() -> None:
    assert new_file_name("png", "job:1:2") == new_file_name("png", "job:1:2") != new_file_name("png", "job:1:3")
    assert new_file_name("png") != new_file_name("png")


def test_file_is_copied_where_the_disk_has_no_second_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    (tmp_path / "a").write_bytes(b"x")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    with pytest.raises(FileNotFoundError):
        link_or_copy(tmp_path / "absent", tmp_path / "c")
