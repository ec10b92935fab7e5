"""What kind of video file some bytes are, by their content, and whether the end of it is missing."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

Family = Literal["mp4", "avi", "webm"]

#: Bytes that `family_of` looks at.
HEAD_BYTES = 16
#: The extensions that a file of each family may keep; the first is given to one that has another's.
EXTENSIONS: dict[Family, tuple[str, ...]] = {
    "mp4": ("mp4", "mov", "m4v"),
    "avi": ("avi",),
    "webm": ("webm", "mkv"),
}
#: Boxes that a file of the MP4 family may begin with (ISO/IEC 14496-12; the later ones: QuickTime).
_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
#: Of a fragmented file there are two a fragment.
_MOST_BOXES = 100_000


def family_of(head: bytes) -> Family | None:
    """The family by a file's first bytes; None for what is no such video."""
    if head[4:8] in _FIRST_BOXES:
        return "mp4"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    return "webm" if head[:4] == _EBML else None


def kept_extension(family: Family, extension: str) -> str:
    """The client's extension where it fits what the file is, else the family's first."""
    allowed = EXTENSIONS[family]
    return extension if extension in allowed else allowed[0]


def is_cut_off(path: Path, family: Family) -> bool:
    """Whether the file's own outermost parts reach beyond its end. Raises OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        return any(end > size for end in _ENDS[family](file, size))


def _box_ends(file: IO[bytes], size: int) -> Iterator[int]:
    """Of an MP4: a box is its length (32 bits, or 1 and then 64 bits after the name; 0: to the end) and its name."""
    position = 0
    for _ in range(_MOST_BOXES):
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:
            return
        length = int.from_bytes(head[:4], "big")
        if length == 0:
            return
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        position += max(length, 8)
        yield position


def _riff_ends(file: IO[bytes], size: int) -> Iterator[int]:
    """Of an AVI: the first RIFF part; larger files have several."""
    head = file.read(8)
    if len(head) == 8:
        yield 8 + struct.unpack("<4sI", head)[1]


def _segment_ends(file: IO[bytes], size: int) -> Iterator[int]:
    """Of a WebM: the Segment after the EBML head (RFC 8794). Its length may be left open."""
    file.seek(len(_EBML))
    head_length = _read_length(file)
    if head_length is None:
        return
    file.seek(head_length, os.SEEK_CUR)
    if file.read(len(_SEGMENT)) == _SEGMENT:
        length = _read_length(file)
        if length is not None:
            yield file.tell() + length


def _read_length(file: IO[bytes]) -> int | None:
    """A length of EBML: leading zero bits say how many bytes follow; all ones: unknown, as is one of no sense."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    count = 8 - first[0].bit_length()
    rest = file.read(count)
    value = int.from_bytes(bytes([first[0] ^ (0x80 >> count)]) + rest, "big")
    is_unknown = value == (1 << (7 * (count + 1))) - 1
    return None if is_unknown or len(rest) < count or value >= 1 << 62 else value


_ENDS = {"mp4": _box_ends, "avi": _riff_ends, "webm": _segment_ends}
