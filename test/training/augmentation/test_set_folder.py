"""The folder of a written set is whole or absent, and holds nothing of others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

from deep_predictor.errors import OutputUnwritable
from deep_predictor.training.augmentation.new_file import check_new_file, write_new_file
from deep_predictor.training.augmentation.set_folder import check_replaceable, written_beside


def write_one(folder: Path, content: str = "1") -> None:
    with written_beside(folder) as part:
        (part / "train/a").mkdir(parents=True)
        (part / "train/a/1.png").write_text(content)
        (part / "sources.json").write_text(json.dumps({"train/a/1.png": "a/1.png"}))
        (part / ".augmentation.json").write_text("{}")


def fail_in(folder: Path, error: BaseException) -> None:
    with written_beside(folder) as part:
        (part / "half.png").write_text("half")
        raise error


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_set_takes_its_place_when_it_is_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "deep/set"
    write_one(folder)
    write_one(folder, "2")

    assert (folder / "train/a/1.png").read_text() == "2"
    assert [name for name in names_in(tmp_path / "deep") if name != ".set.lock"] == ["set"]


def test_set_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    write_one(folder)

    with pytest.raises(KeyboardInterrupt):
        fail_in(folder, KeyboardInterrupt())
    with pytest.raises(OutputUnwritable, match="cannot be written: No space"):
        fail_in(folder, OSError("No space"))

    assert (folder / "train/a/1.png").read_text() == "1"
    assert [name for name in names_in(tmp_path) if name != ".set.lock"] == ["set"]


def test_set_that_another_process_writes_is_refused(tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".set.lock"),
        pytest.raises(OutputUnwritable, match="another process is writing it"),
        written_beside(tmp_path / "set"),
    ):
        pass


def test_leftovers_of_killed_processes_go_and_an_old_set_comes_back(tmp_path: Path) -> None:
    write_one(tmp_path / "set")
    (tmp_path / "set").rename(tmp_path / ".set.abc.old")
    (tmp_path / ".set.def.part").mkdir()

    with pytest.raises(KeyboardInterrupt):
        fail_in(tmp_path / "set", KeyboardInterrupt())

    assert [name for name in names_in(tmp_path) if name != ".set.lock"] == ["set"]


@pytest.mark.parametrize("stranger", ["notes.txt", "train/a/2.png", "train/b/1.png", "test/a/1.png"])
def test_folder_with_a_stranger_is_refused_and_named(tmp_path: Path, stranger: str) -> None:
    write_one(tmp_path / "set")
    (tmp_path / "set" / stranger).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "set" / stranger).write_text("mine")

    with pytest.raises(OutputUnwritable, match=stranger):
        check_replaceable(tmp_path / "set")


def test_folder_that_no_augment_wrote_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputUnwritable, match="is a file, not a folder"):
        check_replaceable(tmp_path / "file")

    (tmp_path / "set/empty folder").mkdir(parents=True)
    with pytest.raises(OutputUnwritable, match="did not write"):
        check_replaceable(tmp_path / "set")

    for number in range(5):
        (tmp_path / f"set/{number}.png").write_text("x")
    with pytest.raises(OutputUnwritable, match=r"\(0\.png, 1\.png, 2\.png and 2 more\)"):
        check_replaceable(tmp_path / "set")

    (tmp_path / "set/sources.json").write_text("not JSON")
    with pytest.raises(OutputUnwritable, match=r"0\.png"):
        check_replaceable(tmp_path / "set")


def test_folder_with_a_link_to_other_pictures_is_refused(tmp_path: Path) -> None:
    write_one(tmp_path / "set")
    (tmp_path / "photos").mkdir()
    (tmp_path / "set/train/b").symlink_to(tmp_path / "photos")

    with pytest.raises(OutputUnwritable, match="train/b"):
        check_replaceable(tmp_path / "set")


def test_empty_folder_and_missing_pictures_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    check_replaceable(tmp_path / "empty")
    check_replaceable(tmp_path / "absent")
    write_one(tmp_path / "set")
    (tmp_path / "set/train/a/1.png").unlink()
    check_replaceable(tmp_path / "set")


def test_new_file_is_written_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    check_new_file(path, (".png",), replace=False)
    write_new_file(path, b"1")

    assert names_in(tmp_path) == ["x.png"]
    with pytest.raises(OutputUnwritable, match=r"must end in \.png"):
        check_new_file(tmp_path / "x.jpg", (".png",), replace=False)
    with pytest.raises(OutputUnwritable, match="is there already"):
        check_new_file(path, (".png",), replace=False)
    check_new_file(path, (".png",), replace=True)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OutputUnwritable, match="is there already"):
        check_new_file(tmp_path / "folder.png", (".png",), replace=True)
    with pytest.raises(OutputUnwritable, match="cannot be written"):
        write_new_file(tmp_path / "folder.png", b"2")
