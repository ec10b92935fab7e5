"""Deleting old pictures: after so many days, or the oldest when a folder has grown too large."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deep_predictor.images.storage import is_picture_name

logger = logging.getLogger(__name__)

SECONDS_PER_DAY = 86_400.0
BYTES_PER_MB = 1_000_000.0


@dataclass(frozen=True, order=True)
class _Picture:
    changed_at: float
    path: Path
    size_bytes: int


def apply_retention(
    folder: Path,
    keep_days: float | None,
    max_disk_mb: float | None,
    now: float,
    keep: Collection[Path] = (),
) -> list[Path]:
    """Delete pictures of a folder and its class folders, oldest first. Returns what was deleted.

    `now` is a Unix second, `max_disk_mb` counts 10^6 bytes, `keep` names files that are never deleted. Only pictures
    that this server named count and go; links are neither followed nor deleted. Emptied class folders go too.
    A file that cannot be deleted is logged and stays. Raises OSError when the folder cannot be read.
    """
    pictures = sorted(_pictures(folder))
    total_bytes = sum(picture.size_bytes for picture in pictures)
    kept = frozenset(keep)
    removed = []
    for picture in pictures:
        too_old = keep_days is not None and now - picture.changed_at > keep_days * SECONDS_PER_DAY
        too_much = max_disk_mb is not None and total_bytes > max_disk_mb * BYTES_PER_MB
        if (too_old or too_much) and picture.path not in kept and _remove(picture.path):
            total_bytes -= picture.size_bytes
            removed.append(picture.path)
    for class_folder in {path.parent for path in removed} - {folder}:
        with suppress(OSError):  # it is not empty, or a picture has just been moved there
            class_folder.rmdir()
    return removed


def _pictures(folder: Path) -> Iterator[_Picture]:
    """Those in the folder itself and one level below; not in what is linked."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                with os.scandir(entry) as inner:
                    yield from filter(None, map(_picture, inner))
            elif picture := _picture(entry):
                yield picture


def _picture(entry: os.DirEntry[str]) -> _Picture | None:
    if not is_picture_name(entry.name) or not entry.is_file(follow_symlinks=False):
        return None
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # moved or deleted since it was listed
        return None
    return _Picture(status.st_mtime, Path(entry.path), status.st_size)


def _remove(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("retention: %s stays: %s", path, error.strerror)
        return False
    return True
