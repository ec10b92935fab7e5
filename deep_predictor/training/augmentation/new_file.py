"""One file that a command writes where its user says: there whole or not at all, and never over another by accident."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from pathlib import Path

from deep_predictor.errors import OutputUnwritable


def check_new_file(path: Path, endings: Collection[str], replace: bool) -> None:
    """Raises OutputUnwritable."""
    if path.suffix.lower() not in endings:
        raise OutputUnwritable(path, f"must end in {' or '.join(endings)}")
    if not path.absolute().parent.is_dir():
        raise OutputUnwritable(path, "its folder is not there")
    if path.exists() and not (replace and path.is_file()):
        raise OutputUnwritable(path, "is there already; name another file, or give --replace")


def write_new_file(path: Path, data: bytes) -> None:
    """Raises OutputUnwritable for what the disk refuses."""
    part = path.absolute().parent / f".{path.name}.{uuid.uuid4().hex}.part"
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise OutputUnwritable(path, f"cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
