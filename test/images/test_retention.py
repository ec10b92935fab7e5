"""Old pictures go, oldest first; anything else stays."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from deep_predictor.images.retention import BYTES_PER_MB, SECONDS_PER_DAY, apply_retention

NOW = 1_700_000_000.0


def make_picture(folder: Path, age_days: float, size_bytes: int = 10, name: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or f"{uuid.uuid4()}.jpg")
    path.write_bytes(bytes(size_bytes))
    changed_at = NOW - age_days * SECONDS_PER_DAY
    os.utime(path, (changed_at, changed_at))
    return path


def test_retention_without_limits_deletes_nothing(tmp_path: Path) -> None:
    path = make_picture(tmp_path / "soup", 1000)
    assert apply_retention(tmp_path, None, None, NOW) == []
    assert path.exists()


def test_retention_by_days_deletes_the_older_ones_and_emptied_folders(tmp_path: Path) -> None:
    old = make_picture(tmp_path / "soup", 8)
    older = make_picture(tmp_path / "bread", 9)
    young = make_picture(tmp_path / "bread", 6.9)
    in_main = make_picture(tmp_path, 7.1)
    assert apply_retention(tmp_path, 7, None, NOW) == [older, old, in_main]
    assert young.exists()
    assert not (tmp_path / "soup").exists()


def test_retention_by_size_deletes_the_oldest_until_it_fits(tmp_path: Path) -> None:
    half_mb = int(BYTES_PER_MB / 2)
    pictures = [make_picture(tmp_path / f"class{age}", age, half_mb) for age in (4, 3, 2, 1)]
    assert apply_retention(tmp_path, None, 1.0, NOW) == pictures[:2]
    assert apply_retention(tmp_path, None, 1.0, NOW) == []


def test_retention_by_both_applies_both(tmp_path: Path) -> None:
    oldest, middle, youngest = (make_picture(tmp_path / "c", age, int(BYTES_PER_MB)) for age in (30, 2, 1))
    assert apply_retention(tmp_path, 7, 1.5, NOW) == [oldest, middle]
    assert youngest.exists()


def test_retention_keeps_what_is_asked_for(tmp_path: Path) -> None:
    kept, other = make_picture(tmp_path, 9), make_picture(tmp_path, 8)
    assert apply_retention(tmp_path, 7, None, NOW, keep=[kept]) == [other]
    assert kept.exists()


def test_retention_never_touches_what_this_server_did_not_name(tmp_path: Path) -> None:
    strangers = [
        make_picture(tmp_path, 99, name="holiday.jpg"),
        make_picture(tmp_path / "soup", 99, name="thesis.docx"),
        make_picture(tmp_path / "soup", 99, name=f".{uuid.uuid4()}.jpg.part"),
        make_picture(tmp_path / "soup" / "deeper", 99),
    ]
    make_picture(tmp_path / "soup", 99)
    assert len(apply_retention(tmp_path, 1, 0.000001, NOW)) == 1
    assert all(path.exists() for path in strangers)


def test_retention_follows_no_links(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    target = make_picture(outside, 99)
    folder.mkdir()
    (folder / "linked").symlink_to(outside)
    link = folder / f"{uuid.uuid4()}.jpg"
    link.symlink_to(target)
    assert apply_retention(folder, 1, 0.000001, NOW) == []
    assert target.exists()
    assert link.is_symlink()


def test_retention_of_a_missing_folder_does_nothing(tmp_path: Path) -> None:
    assert apply_retention(tmp_path / "none", 1, 1, NOW) == []


def test_retention_of_a_file_that_cannot_be_deleted_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, free = make_picture(tmp_path, 9), make_picture(tmp_path, 8)
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == stuck:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    assert apply_retention(tmp_path, 7, None, NOW) == [free]
    assert "Permission denied" in caplog.text
