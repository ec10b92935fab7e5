"""A folder as a zip, made while it is sent."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

_CHUNK_BYTES = 256 * 1024


class _Pieces(io.RawIOBase):
    """What was written since it was last asked; it cannot go back."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._written.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken, self._written = b"".join(self._written), []
        return taken


def zip_folder(folder: Path, without: Collection[str] = ()) -> Iterator[bytes]:
    """Every file below a folder, stored as it is: weights hardly compress. `without`: names right in the folder."""
    pieces = _Pieces()
    with zipfile.ZipFile(pieces, "w") as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if name.parts[0] in without or not path.is_file():
                continue
            entry = zipfile.ZipInfo(name.as_posix(), time.localtime()[:6])
            entry.external_attr = 0o644 << 16
            entry.file_size = path.stat().st_size  # says whether it needs the fields for large files
            with path.open("rb") as source, archive.open(entry, "w") as target:
                while chunk := source.read(_CHUNK_BYTES):
                    target.write(chunk)
                    yield pieces.take()
    yield pieces.take()
