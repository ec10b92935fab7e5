"""Files of a set by their names, wherever they lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.annotations import set_files
from deep_predictor.training.annotations.problems import ProblemLog
from deep_predictor.training.annotations.set_files import SetFiles
from test.training.annotations.sets import write_set


def test_set_files_of_a_folder_are_all_but_junk(tmp_path: Path) -> None:
    write_set(tmp_path, {"names.txt": "a", "images/b/1.png": "x", "images/.x.png": "x", "__MACOSX/images/1.png": "x"})
    files = SetFiles.of(tmp_path)

    assert sorted(files) == ["images/b/1.png", "names.txt"]
    assert files.get("images/b/1.png") == tmp_path / "images/b/1.png"
    assert (files.has("names.txt"), files.has("images"), files.has_folder("images")) == (True, False, True)
    assert SetFiles.of(files) is files


def test_set_files_names_lead_to_where_the_files_lie(tmp_path: Path) -> None:
    write_set(tmp_path, {"0": "cat\n", "1": "x"})
    files = SetFiles({"../names.txt": tmp_path / "0", "images/1.png": tmp_path / "1", "images/2.png": tmp_path / "9"})
    log = ProblemLog()

    assert files.text("../names.txt", 100) == "cat\n"
    assert files.below("images").get("1.png") == tmp_path / "1"
    assert files.listed("images", None, log) == ["1.png"]
    assert [str(problem) for problem in log.first] == ["images/2.png: no file"]


@pytest.mark.skipif(os.name != "posix", reason="links need a POSIX file system")
def test_set_files_follow_links_once(tmp_path: Path) -> None:
    write_set(tmp_path / "elsewhere", {"1.png": "x"})
    folder = write_set(tmp_path / "set", {"names.txt": "a"})
    (folder / "images").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "again").symlink_to(folder)

    assert sorted(SetFiles.of(folder)) == ["images/1.png", "names.txt"]


def test_set_files_that_are_not_there_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = SetFiles.of(write_set(tmp_path, {"images/1.png": "x", "images/2.png": "x", "long.txt": "x" * 9}))

    with pytest.raises(DatasetUnusable, match="there is no such file"):
        files.get("names.txt")
    with pytest.raises(DatasetUnusable, match=r"names\.txt cannot be read: there is no such file"):
        files.text("names.txt", 10)
    with pytest.raises(DatasetUnusable, match=r"long\.txt cannot be read: it has over 8 bytes"):
        files.text("long.txt", 8)
    with pytest.raises(DatasetUnusable, match="masks: no such folder"):
        files.listed("masks", None, ProblemLog())
    monkeypatch.setattr(set_files, "MAX_FILES", 1)
    with pytest.raises(DatasetUnusable, match="images: over 1 files"):
        files.listed("images", None, ProblemLog())


def test_set_files_own_ones_count_before_others(tmp_path: Path) -> None:
    files = SetFiles({"names.txt": "own"}).with_files({"names.txt": "other", "colours.csv": "other"})

    assert [str(files.get(name)) for name in ("names.txt", "colours.csv")] == ["own", "other"]
