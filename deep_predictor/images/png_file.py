"""How a PNG file is put together (W3C PNG, third edition): its chunks, without decoding a pixel."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.exif import UPRIGHT, find_orientation, minimal_tiff

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
#: Kept beside the pixels when metadata go: colour, transparency, density, and the frames of an animation.
_HARMLESS_CHUNKS = _PIXEL_CHUNKS | {
    *(b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"bKGD", b"pHYs"),
    *(b"acTL", b"fcTL", b"fdAT"),
}
_PALETTE = 3
#: A chunk costs a reader a step, and only 12 bytes in a hostile file.
MAX_CHUNKS = 50_000


@dataclass(frozen=True)
class PngFile:
    """The chunks up to IEND as (type, whole chunk); what follows IEND is left out."""

    chunks: tuple[tuple[bytes, bytes], ...]
    width: int
    height: int
    bit_depth: int
    color_type: int

    @classmethod
    def read(cls, data: bytes) -> PngFile:
        """Raises ImageUnreadable for a file that is cut short, has no header or pixels, or too many chunks."""
        chunks = _read_chunks(data)
        kinds = [kind for kind, _ in chunks]
        if kinds[0] != b"IHDR" or len(chunks[0][1]) != 25 or b"IDAT" not in kinds:
            raise ImageUnreadable("the PNG has no header or no pixels")
        width, height, bit_depth, color_type = struct.unpack_from(">IIBB", chunks[0][1], 8)
        return cls(tuple(chunks), width, height, bit_depth, color_type)

    @property
    def orientation(self) -> int:
        exif = self.find_body(b"eXIf")
        return (find_orientation(exif.removeprefix(b"Exif\x00\x00")) if exif else None) or UPRIGHT

    @property
    def transparent_key(self) -> tuple[int, ...] | None:
        """Of a gray or RGB picture: the samples (one or three, in its bit depth) that stand for full transparency."""
        body = self.find_body(b"tRNS")
        count = {0: 1, 2: 3}.get(self.color_type)
        if body is None or count is None or len(body) < 2 * count:
            return None
        return struct.unpack_from(f">{count}H", body)

    @property
    def raw_bytes(self) -> int:
        """What the pixel data are when they are unpacked, without the filter byte of each row."""
        samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(self.color_type, 4)
        return (self.width * samples * self.bit_depth + 7) // 8 * self.height

    def find_body(self, kind: bytes) -> bytes | None:
        """The body of the first chunk of this type."""
        return next((chunk[8:-4] for chunk_kind, chunk in self.chunks if chunk_kind == kind), None)

    def pixels_only(self) -> bytes:
        """A file with what the pixels need. The transparency of palettes is among it, that of other types is not."""
        wanted = _PIXEL_CHUNKS | {b"tRNS"} if self.color_type == _PALETTE else _PIXEL_CHUNKS - {b"PLTE"}
        return SIGNATURE + b"".join(chunk for kind, chunk in self.chunks if kind in wanted)

    def without_metadata(self) -> bytes:
        """Pixels, colour, animation and orientation."""
        kept = [chunk for kind, chunk in self.chunks if kind in _HARMLESS_CHUNKS]
        if self.orientation != UPRIGHT:
            kept.insert(1, _chunk(b"eXIf", minimal_tiff(self.orientation)))
        return SIGNATURE + b"".join(kept)


def _read_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks: list[tuple[bytes, bytes]] = []
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        end = position + 12 + length
        if end > len(data):
            break
        kind = data[position + 4 : position + 8]
        chunks.append((kind, data[position:end]))
        if kind == b"IEND":
            return chunks
        if len(chunks) > MAX_CHUNKS:
            raise ImageUnreadable(f"the PNG has more than {MAX_CHUNKS} chunks")
        position = end
    raise ImageUnreadable("the PNG is cut short")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
