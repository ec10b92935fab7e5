"""A model folder is whole or absent, whoever else writes and whatever breaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

from deep_predictor.errors import ModelFolderUnwritable
from deep_predictor.training.model_folder import (
    is_complete,
    reserve,
    sha256_of,
    wait_while_reserved,
    write_manifest,
    written_beside,
)

GOLDEN_FILES = ("golden/golden.json", "golden/outputs.npy", "golden/00.jpg", "golden/15.heic")


def write_model(folder: Path, text: str = "one") -> None:
    with reserve(folder), written_beside(folder) as part:
        (part / "golden").mkdir()
        for name in ("model.keras", "names.txt", "metrics.json", "predictor.cfg", *GOLDEN_FILES):
            (part / name).write_text(f"{text} {name}", encoding="utf-8")
        write_manifest(part, {"task": "classification"})


def write_half(folder: Path, error: Exception) -> None:
    with written_beside(folder) as part:
        (part / "model.keras").write_bytes(b"half")
        raise error


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models" / "some[1]"
    write_model(folder)
    return folder


def left_beside(folder: Path) -> set[str]:
    return {path.suffix for path in folder.parent.iterdir() if path != folder} - {".lock"}


def test_sha256_of_known_content_is_the_known_hash(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")

    assert sha256_of(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_model_folder_just_written_is_complete(folder: Path) -> None:
    assert is_complete(folder)
    assert left_beside(folder) == set()


def test_model_folder_written_again_is_replaced(folder: Path) -> None:
    write_model(folder, "two")

    assert is_complete(folder)
    assert (folder / "names.txt").read_text(encoding="utf-8") == "two names.txt"
    assert left_beside(folder) == set()


@pytest.mark.parametrize(
    "name", ["model.keras", "names.txt", "metrics.json", "predictor.cfg", "manifest.json", *GOLDEN_FILES]
)
def test_model_folder_without_one_file_is_not_complete(folder: Path, name: str) -> None:
    (folder / name).unlink()

    assert not is_complete(folder)


@pytest.mark.parametrize("name", ["model.keras", "names.txt", "metrics.json", *GOLDEN_FILES])
def test_model_folder_with_a_changed_file_is_not_complete(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"other")

    assert not is_complete(folder)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"null", b'{"format": 2}', b'{"format": 1, "files": []}', b"\xff"]
)
def test_model_folder_with_a_broken_manifest_is_not_complete(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)

    assert not is_complete(folder)


def test_model_folder_with_an_edited_predictor_cfg_is_complete(folder: Path) -> None:
    (folder / "predictor.cfg").write_text("my own threshold", encoding="utf-8")

    assert is_complete(folder)


def test_is_complete_absent_folder_is_not(tmp_path: Path) -> None:
    assert not is_complete(tmp_path / "absent")


def test_reserve_folder_of_somebody_else_is_refused_and_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "names.txt").write_text("a list of mine", encoding="utf-8")

    with pytest.raises(ModelFolderUnwritable, match=r"holds files that no training run wrote \(names.txt\)"):
        write_model(tmp_path / "mine")

    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["names.txt"]


def test_reserve_model_folder_with_a_stranger_in_it_is_refused(folder: Path) -> None:
    (folder / "notes").mkdir()

    with pytest.raises(ModelFolderUnwritable, match=r"\(notes\)"):
        write_model(folder)

    assert is_complete(folder)


def test_reserve_golden_set_with_pictures_of_somebody_else_is_refused(folder: Path) -> None:
    (folder / "golden" / "my holiday.jpg").write_bytes(b"")

    with pytest.raises(ModelFolderUnwritable, match=r"\(golden/my holiday\.jpg\)"):
        write_model(folder)


def test_model_folder_whose_manifest_names_other_files_is_not_complete(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"]["../../etc/passwd"] = "0"
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    assert not is_complete(folder)


def test_reserve_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ModelFolderUnwritable, match="is a file"):
        write_model(tmp_path / "file")


def test_reserve_parent_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ModelFolderUnwritable, match="cannot be written"):
        write_model(tmp_path / "file" / "digits")


def test_reserve_while_another_run_holds_it_is_refused(folder: Path) -> None:
    with (
        FileLock(folder.parent / f".{folder.name}.lock"),
        pytest.raises(ModelFolderUnwritable, match="another run is training it"),
    ):
        write_model(folder)


def test_wait_while_reserved_free_folder_is_at_once_and_held_one_is_an_error(folder: Path) -> None:
    wait_while_reserved(folder, 0)

    with (
        FileLock(folder.parent / f".{folder.name}.lock"),
        pytest.raises(ModelFolderUnwritable, match="another run is training it"),
    ):
        wait_while_reserved(folder, 0.05)


def test_reserve_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_model(tmp_path / "empty")

    assert is_complete(tmp_path / "empty")


def test_reserve_after_a_killed_run_clears_what_it_left(folder: Path) -> None:
    (folder.parent / f".{folder.name}.1234.part").mkdir()
    (folder.parent / f".{folder.name}.1234.old").mkdir()
    write_model(folder)

    assert is_complete(folder)
    assert left_beside(folder) == set()


def test_reserve_after_a_kill_between_the_two_renames_brings_the_old_model_back(folder: Path) -> None:
    folder.rename(folder.parent / f".{folder.name}.1234.old")

    with reserve(folder):
        assert is_complete(folder)


def test_written_beside_block_that_raises_leaves_the_old_model(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_half(folder, ZeroDivisionError())

    assert is_complete(folder)
    assert left_beside(folder) == set()


def test_written_beside_full_disk_leaves_the_old_model(folder: Path) -> None:
    with pytest.raises(ModelFolderUnwritable, match="No space left"):
        write_half(folder, OSError(28, "No space left on device"))

    assert is_complete(folder)


def test_written_beside_last_rename_that_fails_brings_the_old_model_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def refuse_parts(self: Path, target: Path) -> Path:
        if self.suffix == ".part":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_parts)
    with pytest.raises(ModelFolderUnwritable, match="Input/output error"):
        write_model(folder, "two")

    assert is_complete(folder)
    assert left_beside(folder) == set()
