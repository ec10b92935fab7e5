"""Putting a folder that was written beside another in its place, so that a kill leaves one of the two whole."""

from __future__ import annotations

import glob
import shutil
import uuid
from pathlib import Path


def part_beside(folder: Path) -> Path:
    """Where a folder is written that will take the place of `folder`; nothing is made yet."""
    return folder.parent / f".{folder.name}.{uuid.uuid4().hex}.part"


def put_in_place(folder: Path, part: Path) -> None:
    """Put `part` in the place of `folder`; the old one comes back when that fails. Raises OSError."""
    if not folder.exists():
        part.rename(folder)
        return
    old = folder.parent / f".{folder.name}.{uuid.uuid4().hex}.old"
    folder.rename(old)
    try:
        part.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def clear_leftovers(folder: Path) -> None:
    """Remove what killed processes left beside `folder`; one killed between the two renames left the old folder."""
    for old in folder.parent.glob(f".{glob.escape(folder.name)}.*.old"):
        if not folder.exists():
            old.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    for part in folder.parent.glob(f".{glob.escape(folder.name)}.*.part"):
        shutil.rmtree(part, ignore_errors=True)
