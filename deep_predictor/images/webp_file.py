"""How a WebP file is put together (RFC 9649): its RIFF chunks, without decoding a pixel."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.exif import UPRIGHT, find_orientation, minimal_tiff

_STILL_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_PICTURE_CHUNKS = _STILL_CHUNKS | {b"VP8X", b"ANIM", b"ANMF"}
_ICC_FLAG, _EXIF_FLAG, _XMP_FLAG = 0x20, 0x08, 0x04
_FRAME_HEADER_BYTES = 16
MAX_CHUNKS = 20_000

Chunk = tuple[bytes, bytes]


@dataclass(frozen=True)
class WebpFile:
    """The chunks as (type, body). `width` and `height` are those of the canvas."""

    chunks: tuple[Chunk, ...]
    width: int
    height: int

    @classmethod
    def read(cls, data: bytes) -> WebpFile:
        """Raises ImageUnreadable for a file that is cut short, holds no picture, or too many chunks."""
        end = 8 + int.from_bytes(data[4:8], "little")
        if end > len(data) + 1:  # the last padding byte is often forgotten
            raise ImageUnreadable("the WebP is cut short")
        chunks = _read_chunks(data[12:end])
        if not any(kind in (b"VP8 ", b"VP8L", b"ANMF") for kind, _ in chunks):
            raise ImageUnreadable("the WebP holds no picture")
        return cls(tuple(chunks), *_canvas_size(chunks[0]))

    @property
    def orientation(self) -> int:
        if self.chunks[0][0] != b"VP8X":  # the simple layout has no metadata
            return UPRIGHT
        exif = next((body for kind, body in self.chunks if kind == b"EXIF"), b"")
        return find_orientation(exif.removeprefix(b"Exif\x00\x00")) or UPRIGHT

    def pixels_only(self) -> bytes:
        """A file with what the first frame's pixels need: no profile, no metadata, no further frames."""
        first = {kind: body for kind, body in reversed(self.chunks) if kind in _PICTURE_CHUNKS}
        in_order = [(kind, first.pop(kind)) for kind, _ in self.chunks if kind in first]
        return _join(in_order, keep_flags=~(_ICC_FLAG | _EXIF_FLAG | _XMP_FLAG))

    def without_metadata(self) -> bytes:
        """Pixels, colour profile, animation and orientation."""
        wanted = _PICTURE_CHUNKS | {b"ICCP"}
        kept = [
            (kind, _frame_without_metadata(body) if kind == b"ANMF" else body)
            for kind, body in self.chunks
            if kind in wanted
        ]
        if self.orientation == UPRIGHT:
            return _join(kept, keep_flags=~(_EXIF_FLAG | _XMP_FLAG))
        return _join([*kept, (b"EXIF", minimal_tiff(self.orientation))], keep_flags=~_XMP_FLAG)


def _read_chunks(data: bytes, position: int = 0) -> list[Chunk]:
    chunks: list[Chunk] = []
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        position += 8
        if position + length > len(data):
            raise ImageUnreadable("the WebP is cut short")
        chunks.append((kind, data[position : position + length]))
        position += length + (length & 1)
        if len(chunks) > MAX_CHUNKS:
            raise ImageUnreadable(f"the WebP has more than {MAX_CHUNKS} chunks")
    return chunks


def _canvas_size(chunk: Chunk) -> tuple[int, int]:
    """(width, height) as the first chunk says them: the extended header, or the header of a lossy or lossless frame."""
    kind, body = chunk
    if kind == b"VP8X" and len(body) >= 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8 " and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise ImageUnreadable("the WebP has no header")


def _frame_without_metadata(frame: bytes) -> bytes:
    """A frame of an animation may hold chunks of any kind; only those of its picture stay."""
    inside = _read_chunks(frame, _FRAME_HEADER_BYTES)
    return frame[:_FRAME_HEADER_BYTES] + b"".join(_riff_chunk(*chunk) for chunk in inside if chunk[0] in _STILL_CHUNKS)


def _join(chunks: Sequence[Chunk], keep_flags: int) -> bytes:
    parts = [b"WEBP"]
    for kind, body in chunks:
        flagged = bytes([body[0] & keep_flags & 0xFF]) + body[1:] if kind == b"VP8X" else body
        parts.append(_riff_chunk(kind, flagged))
    written = b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(written)) + written


def _riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) & 1)
