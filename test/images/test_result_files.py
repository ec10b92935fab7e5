"""What predictions leave beside their pictures: written whole, found, deleted, and never outside the folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from deep_predictor.errors import ImageNotStored
from deep_predictor.images.result_files import (
    FRAMES,
    MASK,
    ORIGINAL_VIDEO,
    VIDEO,
    ResultFiles,
    apply_results_retention,
    heat_name,
)

DAY = 86_400.0


@pytest.fixture
def results(tmp_path: Path) -> ResultFiles:
    return ResultFiles(tmp_path / "deep" / "results")


def aged(results: ResultFiles, prediction_id: str, days: float, size: int = 10) -> Path:
    results.save(prediction_id, MASK, b"x" * size)
    folder = results.folder_of(prediction_id)
    then = time.time() - days * DAY
    os.utime(folder, (then, then))
    return folder


@pytest.mark.parametrize("name", [MASK, VIDEO, ORIGINAL_VIDEO, FRAMES, heat_name(0), heat_name(999)])
@pytest.mark.parametrize("prediction_id", ["a", "..", "~" * 300, "x/../../y", "\ud800"])
def test_save_of_any_id_stays_in_the_folder_and_is_found(results: ResultFiles, name: str, prediction_id: str) -> None:
    assert results.find(prediction_id, name) is None
    path = results.save(prediction_id, name, b"1")
    assert path.resolve().parent.parent == results.folder.resolve()
    assert results.save(prediction_id, name, b"2") == path
    assert results.find(prediction_id, name) == path
    assert path.read_bytes() == b"2"
    assert [entry.name for entry in path.parent.iterdir()] == [name], "no draft is left"


@pytest.mark.parametrize("name", ["mask.jpg", "../mask.png", "heat-.png", "heat-x.png", "video.mp4.part", ""])
def test_names_that_are_none_of_a_result_are_refused(results: ResultFiles, name: str) -> None:
    for call in (results.find, results.path_for):
        with pytest.raises(ValueError, match="no name of a result"):
            call("a", name)


def test_find_of_a_link_finds_nothing(results: ResultFiles, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    results.path_for("a", MASK).symlink_to(tmp_path / "secret")
    assert results.find("a", MASK) is None


def test_remove_deletes_all_of_one_prediction(results: ResultFiles) -> None:
    results.save("a", MASK, b"1")
    results.save("a", heat_name(3), b"1")
    results.save("b", MASK, b"1")
    results.remove("a")
    results.remove("a")
    assert results.find("a", MASK) is None
    assert results.find("b", MASK)


def test_save_that_the_disk_refuses_is_an_error_and_leaves_no_draft(results: ResultFiles) -> None:
    results.path_for("a", MASK).mkdir()
    with pytest.raises(ImageNotStored):
        results.save("a", MASK, b"1")
    assert [entry.name for entry in results.folder_of("a").iterdir()] == [MASK]


def test_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImageNotStored, match="cannot be made"):
        ResultFiles(tmp_path / "file" / "results")


def test_remove_orphans_deletes_what_no_prediction_left(results: ResultFiles) -> None:
    for prediction_id in ("known", "orphan"):
        results.save(prediction_id, MASK, b"1")
    (results.folder / "somebody's").mkdir()
    results.remove_orphans(["known"])
    assert results.find("known", MASK)
    assert not results.folder_of("orphan").exists()
    assert (results.folder / "somebody's").is_dir()


def test_remove_orphans_of_a_new_database_leaves_what_an_older_one_spoke_of(results: ResultFiles) -> None:
    older = aged(results, "of another database", 1)
    results.remove_orphans([], owner="this database")
    assert older.is_dir()
    newer = results.save("mine", MASK, b"1")
    results.remove_orphans([], owner="this database")
    assert older.is_dir()
    assert not newer.exists()


def test_remove_orphans_without_a_folder_does_nothing(results: ResultFiles) -> None:
    results.remove_orphans([], owner="me")
    assert not results.folder.exists(), "it is made with the first result"
    results.save("a", MASK, b"1")
    results.remove_orphans([], owner="me")
    assert not results.find("a", MASK), "what came since this owner began is its own to delete"


def test_retention_deletes_the_oldest_predictions_whole(results: ResultFiles) -> None:
    old, middle, new = (aged(results, name, days, 600_000) for name, days in (("o", 9), ("m", 3), ("n", 0)))
    now = time.time()
    assert apply_results_retention(results.folder, 8, None, now) == [old]
    assert apply_results_retention(results.folder, None, 1, now, keep={middle}) == [new]
    assert apply_results_retention(results.folder, None, 1, now) == []
    assert middle.is_dir()


def test_folder_that_is_a_link_is_neither_followed_nor_deleted(results: ResultFiles, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("stays")
    results.folder.mkdir(parents=True)
    results.folder_of("a").symlink_to(tmp_path / "elsewhere")
    results.remove("a")
    results.remove_orphans([])
    apply_results_retention(results.folder, 0.0001, None, time.time() + DAY)
    assert (tmp_path / "elsewhere" / "file").read_text() == "stays"
