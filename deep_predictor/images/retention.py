"""Deleting old pictures: after so many days, or the oldest when a folder is too large."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

SECONDS_PER_DAY = 86_400.0
BYTES_PER_MB = 1_000_000.0


def apply_retention(
    folder: Path,
    keep_days: float | None,
    max_disk_mb: float | None,
    now: float,
    keep: Collection[Path] = (),
) -> list[Path]:
    """Delete files under a folder, oldest first; links are neither followed nor deleted. Returns what was deleted.

    `now` is a Unix second; `keep` names files that are never deleted. Emptied class folders go too.
    """
    files = sorted(_files(folder))
    total_bytes = sum(size for _, size, _ in files)
    removed = []
    for changed_at, size, path in files:
        too_old = keep_days is not None and now - changed_at > keep_days * SECONDS_PER_DAY
        too_much = max_disk_mb is not None and total_bytes > max_disk_mb * BYTES_PER_MB
        if (too_old or too_much) and path not in keep:
            path.unlink(missing_ok=True)
            total_bytes -= size
            removed.append(path)
    for parent in {path.parent for path in removed} - {folder}:
        with suppress(OSError):
            parent.rmdir()
    return removed


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    if not folder.is_dir():
        return
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_symlink():
                continue
            with suppress(FileNotFoundError):
                status = path.stat()
                yield status.st_mtime, status.st_size, path
