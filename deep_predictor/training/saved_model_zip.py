"""A zipped SavedModel of unknown origin: taken apart into a folder, or refused.

What is told of sizes is not believed: bytes are counted while they come out. Only files that lie beside
`saved_model.pb`, or below it, are written.
"""

from __future__ import annotations

import errno
import lzma
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from deep_predictor.errors import BackendNotReady, UnsafeModel

GRAPH_FILE: Final = "saved_model.pb"
MAX_ENTRIES: Final = 10_000
MAX_BYTES: Final = 8 * 1024**3
#: Weights hardly compress.
MAX_RATIO: Final = 200
FREE_BYTES: Final = 16 * 1024**2
_LONGEST_NAME: Final = 200
_CHUNK_BYTES: Final = 1024**2
_ENCRYPTED: Final = 0x1
#: What Keras writes into a .keras file, which is a zip too.
_KERAS_FILES: Final = frozenset({"config.json", "metadata.json"})
_BROKEN: Final = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
    EOFError,
    zlib.error,
    lzma.LZMAError,
)


def holds_saved_model(path: Path) -> bool:
    """Whether a zip holds a SavedModel, and is no .keras file. Raises BackendNotReady for a broken zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (*_BROKEN, OSError) as error:
        raise _broken(error) from error
    return not names.issuperset(_KERAS_FILES) and any(PurePosixPath(name).name == GRAPH_FILE for name in names)


def unpack_saved_model(path: Path, folder: Path) -> Path:
    """Write the SavedModel of a zip to `folder`, which is made. Raises UnsafeModel, BackendNotReady."""
    folder.mkdir()
    try:
        with zipfile.ZipFile(path) as archive:
            _Unpacking(path, folder, archive).run()
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise UnsafeModel(path, ["the zip has a file and a folder of one name"]) from None
    except _BROKEN as error:
        raise _broken(error) from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # the disk's, not the zip's
            raise
        raise _broken(error) from error
    return folder


class _Unpacking:
    def __init__(self, path: Path, folder: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._folder, self._archive = path, folder, archive
        self._total = 0

    def run(self) -> None:
        entries = [entry for entry in self._archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_ENTRIES:
            raise UnsafeModel(self._path, [f"the zip has {len(entries)} entries"])
        if findings := [finding for entry in entries if (finding := _finding(entry))]:
            raise UnsafeModel(self._path, findings[:12])
        paths = {PurePosixPath(entry.filename.replace("\\", "/")): entry for entry in entries}
        home = min((name.parent for name in paths if name.name == GRAPH_FILE), key=lambda parent: len(parent.parts))
        for name, entry in paths.items():
            if name.is_relative_to(home):
                self._write(entry, self._folder.joinpath(*name.relative_to(home).parts))

    def _write(self, entry: zipfile.ZipInfo, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        with self._archive.open(entry) as source, target.open("xb") as file:
            while chunk := source.read(_CHUNK_BYTES):
                size += len(chunk)
                self._total += len(chunk)
                if self._total > MAX_BYTES or size > max(FREE_BYTES, MAX_RATIO * entry.compress_size):
                    raise UnsafeModel(self._path, [f"{entry.filename[:80]!r} unpacks to far more than it should"])
                file.write(chunk)


def _finding(entry: zipfile.ZipInfo) -> str:
    """Why an entry is refused, "" where it is fine."""
    name = entry.filename.replace("\\", "/")
    shown = f"the zip has {entry.filename[:80]!r}"
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or ":" in name or not name.isprintable():
        return f"{shown}, a path that leads out of it"
    if any(len(part.encode()) > _LONGEST_NAME for part in parts) or len(parts) > 20:
        return f"{shown}, an endless path"
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return f"{shown}, a link or a device"
    if entry.flag_bits & _ENCRYPTED:
        return f"{shown}, which is encrypted"
    return ""


def _broken(error: Exception) -> BackendNotReady:
    return BackendNotReady(f"it is no zip, cut short or broken: {error}", code="model_broken")
