"""Taking a zip of unknown origin apart. No name in it ever becomes a path: files are written under numbers.

What is told of sizes is not believed: bytes are counted while they come out.
"""

from __future__ import annotations

import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import SkippedFile
from deep_predictor.training.datasets.picture_files import HEAD_BYTES, is_junk, is_wanted, why_unwanted

#: A zip may unpack to so much, whatever the ratio: small ones of plain bitmaps shrink to a hundredth.
FREE_BYTES = 16 * 1024**2
_CHUNK_BYTES = 1024**2
#: Bits of a member's flags: encrypted; strongly encrypted; its header is, too.
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_NAME_IS_UTF8 = 0x800
_DRIVE = re.compile(r"[A-Za-z]:")
#: What each entry of a zip's directory starts with.
_ENTRY_SIGNATURE = b"PK\x01\x02"
#: What `zipfile` raises of broken files, besides OSError (bzip2).
_BROKEN = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
    EOFError,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class ZipLimits:
    """What a zip may hold, unpack to, and unpack to as a multiple of its own size."""

    max_files: int
    max_bytes: int
    max_ratio: float


@dataclass
class Unpacked:
    """[name in the zip, bytes] of each file that was written, in the order of their numbers from 0."""

    files: list[list[str | int]] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    #: Names of those that are there for their suffix alone.
    others: list[str] = field(default_factory=list)


def unpack(path: Path, folder: Path, limits: ZipLimits, suffixes: Collection[str] = ()) -> Unpacked:
    """Write the pictures of a zip (and its sources.json) to `folder` as 0, 1, 2, …; and files with such suffixes.

    Raises DatasetUnusable for a zip that is broken, encrypted, holds links or names that lead out of it, or is larger
    than `limits`: then nothing of it should be kept.
    """
    try:
        _check_entry_count(path, limits)
        unpacking = _Unpacking(path, folder, limits, suffixes)
        with zipfile.ZipFile(path) as archive:
            for name, member in _members(path, archive):
                unpacking.take(archive, member, name)
    except _BROKEN as error:
        raise DatasetUnusable(f"{path.name}: it is no zip, cut short or broken: {error}") from error
    except OSError as error:
        raise DatasetUnusable(f"{path.name}: it cannot be unpacked: {error.strerror or error}") from error
    return unpacking.done


class _Unpacking:
    """Writes members, and counts the bytes that come out: of all of them, and of the one at hand."""

    def __init__(self, path: Path, folder: Path, limits: ZipLimits, suffixes: Collection[str]) -> None:
        self.done = Unpacked()
        self._suffixes = suffixes
        self._path, self._folder, self._limits = path, folder, limits
        self._archive_bytes = path.stat().st_size
        self._total = 0

    def take(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> None:
        """Write one member, or list it as skipped."""
        with archive.open(member) as source:
            chunk = source.read(HEAD_BYTES)
            if not is_wanted(name, chunk):
                if PurePosixPath(name).suffix.lower() not in self._suffixes:
                    self.done.skipped.append(SkippedFile(name, why_unwanted(name)))
                    return
                self.done.others.append(name)
            size = 0
            with (self._folder / str(len(self.done.files))).open("xb") as target:
                while chunk:
                    size += len(chunk)
                    self._total += len(chunk)
                    self._check(size, member)
                    target.write(chunk)
                    chunk = source.read(_CHUNK_BYTES)
            self.done.files.append([name, size])

    def _check(self, member_bytes: int, member: zipfile.ZipInfo) -> None:
        name, ratio = self._path.name, self._limits.max_ratio
        if self._total > self._limits.max_bytes:
            raise DatasetUnusable(f"{name}: it unpacks to over {self._limits.max_bytes} bytes (max_bytes)")
        if self._total > max(FREE_BYTES, ratio * self._archive_bytes):
            raise DatasetUnusable(f"{name}: it unpacks to over {ratio:g} times its size (max_ratio)")
        if member_bytes > max(FREE_BYTES, ratio * member.compress_size):
            raise DatasetUnusable(f"{name}: {member.filename!r} unpacks to over {ratio:g} times its size (max_ratio)")


def _check_entry_count(path: Path, limits: ZipLimits) -> None:
    """Refuse far too many entries before `zipfile` makes an object of each: here their signatures are only counted."""
    count, rest = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            count += (rest + chunk).count(_ENTRY_SIGNATURE)
            rest = chunk[1 - len(_ENTRY_SIGNATURE) :]
    if count > limits.max_files:
        raise DatasetUnusable(f"{path.name}: it holds {count} files, over {limits.max_files} (max_files)")


def _members(path: Path, archive: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """(name, member) of each file but junk, after all of them were checked."""
    found: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = _name_of(member)
        problem = _problem(member, name)
        plain = "/".join(level for level in name.split("/") if level not in ("", "."))
        if not problem and plain in found and not name.endswith("/"):
            problem = "is in it twice"
        if problem:
            raise DatasetUnusable(f"{path.name}: refused: {name[:200]!r} {problem}")
        if not name.endswith("/") and not is_junk(plain):
            found[plain] = member
    yield from found.items()


def _name_of(member: zipfile.ZipInfo) -> str:
    """The name as it was meant: UTF-8 where it is, whether or not the zip says so; `\\` between folders is `/`."""
    name = member.orig_filename
    if not member.flag_bits & _NAME_IS_UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _problem(member: zipfile.ZipInfo, name: str) -> str:
    """Why the zip is refused for this member, "" where it is fine."""
    if name.startswith("/") or _DRIVE.match(name) or "\0" in name:
        return "is no relative path"
    if ".." in name.split("/"):
        return "leads out of the zip"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted; zip the pictures again without a password"
    return ""
