"""A zip made while it is sent: neither memory nor disk ever holds all of it."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Iterator
from typing import IO

_CHUNK_BYTES = 256 * 1024


class ZipStream:
    """`yield from stream.add(…)` for each file, `yield stream.end()` at last. Files are stored as they are."""

    def __init__(self) -> None:
        self._pieces = _Pieces()
        self._archive = zipfile.ZipFile(self._pieces, "w")

    def add(self, name: str, source: IO[bytes]) -> Iterator[bytes]:
        """A file by its POSIX path in the zip, read from where it stands to its end."""
        entry = zipfile.ZipInfo(name, time.localtime()[:6])
        entry.external_attr = 0o644 << 16
        begin = source.tell()
        entry.file_size = source.seek(0, os.SEEK_END) - begin  # says whether it needs the fields for large files
        source.seek(begin)
        with self._archive.open(entry, "w") as target:
            while chunk := source.read(_CHUNK_BYTES):
                target.write(chunk)
                yield self._pieces.take()

    def end(self) -> bytes:
        """The zip's directory."""
        self._archive.close()
        return self._pieces.take()


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
