"""How a JPEG file is put together (ITU T.81, annex B): its segments, without decoding a pixel."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.exif import UPRIGHT, find_orientation, minimal_tiff

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Baseline, extended and progressive, coded by Huffman's method or arithmetic. The others are lossless or hierarchical.
_DCT_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_HUFFMAN_DCT_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_MARKER = re.compile(rb"\xff+([\x01-\xfe])")
#: In coded data FF 00 stands for FF, and FF D0..D7 are restarts; every other marker ends them.
_END_OF_CODED_DATA = re.compile(rb"\xff(?=[\x01-\xcf\xd8-\xfe])")
_EXIF_PREFIX = b"Exif\x00\x00"
_ICC_PREFIX = b"ICC_PROFILE\x00"
_JFIF_PREFIX = b"JFIF\x00"

#: Cameras write some dozens of segments, large colour profiles and extended XMP some hundreds.
MAX_SEGMENTS = 5_000
#: A progressive picture has about ten scans. Each costs a pass over all pixels, and takes few bytes in a hostile file.
MAX_SCANS = 100
MAX_SCANNED_PIXELS = 700_000_000


@dataclass(frozen=True)
class Segment:
    """`body` is what follows marker and length; `coded` the entropy-coded data after a start of scan."""

    marker: int
    body: bytes
    coded: bytes = b""

    def to_bytes(self) -> bytes:
        return struct.pack(">BBH", 0xFF, self.marker, len(self.body) + 2) + self.body + self.coded


@dataclass(frozen=True)
class JpegFile:
    """`read` takes a file apart up to its end-of-image marker; what follows (more pictures, films) is left out.

    `width` and `height` are those of the frame, before `orientation` turns it.
    """

    segments: tuple[Segment, ...]
    width: int
    height: int

    @classmethod
    def read(cls, data: bytes) -> JpegFile:
        """Raises ImageUnreadable for a file that is cut short, has no single frame, or too many segments or scans."""
        segments = _read_segments(data)
        frames = [segment for segment in segments if segment.marker in _FRAME_HEADERS]
        if len(frames) != 1 or len(frames[0].body) < 6:
            raise ImageUnreadable(f"a JPEG must have one frame (got {len(frames)})")
        height, width = struct.unpack_from(">HH", frames[0].body, 1)
        _check_scans(segments, width * height)
        return cls(tuple(segments), width, height)

    @property
    def orientation(self) -> int:
        for segment in self.segments:
            if segment.marker == _APP1 and segment.body.startswith(_EXIF_PREFIX):
                orientation = find_orientation(segment.body[len(_EXIF_PREFIX) :])
                if orientation is not None:
                    return orientation
        return UPRIGHT

    @property
    def is_dct_coded(self) -> bool:
        """Whether it may be scaled in decoding: for a lossless one libjpeg ignores the scale, Pillow does not."""
        return any(segment.marker in _DCT_FRAMES for segment in self.segments)

    @property
    def is_plain_colour(self) -> bool:
        """Whether it has three components of 8 bits, by DCT and Huffman's method: nearly all photos."""
        for segment in self.segments:
            if segment.marker in _HUFFMAN_DCT_FRAMES:
                return segment.body[0] == 8 and segment.body[5] == 3
        return False

    def pixels_only(self) -> bytes:
        """A file with what the pixels need: no profile, no metadata."""
        return _join([segment for segment in self.segments if not _is_metadata(segment)])

    def without_metadata(self) -> bytes:
        """Pixels, colour profile and orientation."""
        kept = [
            _without_thumbnail(segment)
            for segment in self.segments
            if not _is_metadata(segment) or (segment.marker == _APP2 and segment.body.startswith(_ICC_PREFIX))
        ]
        if self.orientation != UPRIGHT:
            kept.insert(
                1 if kept[0].marker == _APP0 else 0, Segment(_APP1, _EXIF_PREFIX + minimal_tiff(self.orientation))
            )
        return _join(kept)


def _read_segments(data: bytes) -> list[Segment]:
    segments: list[Segment] = []
    position = 2
    while len(segments) <= MAX_SEGMENTS:
        found = _MARKER.search(data, position)
        if found is None:
            break
        marker, position = found[1][0], found.end()
        if marker == _EOI:
            return segments
        if marker in _WITHOUT_LENGTH:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            break
        body = data[position + 2 : position + length]
        position += length
        coded = b""
        if marker == _SOS:
            end = _END_OF_CODED_DATA.search(data, position)
            if end is None:
                break
            coded = data[position : end.start()]
            position = end.start()
        segments.append(Segment(marker, body, coded))
    if len(segments) > MAX_SEGMENTS:
        raise ImageUnreadable(f"the JPEG has more than {MAX_SEGMENTS} segments")
    raise ImageUnreadable("the JPEG is cut short")


def _check_scans(segments: list[Segment], pixels: int) -> None:
    scans = sum(segment.marker == _SOS for segment in segments)
    if scans == 0:
        raise ImageUnreadable("the JPEG holds no scan")
    if scans > MAX_SCANS or (scans * pixels > MAX_SCANNED_PIXELS and scans > 1):
        raise ImageUnreadable(f"the JPEG has {scans} scans of {pixels} pixels, which would take too long")


def _is_metadata(segment: Segment) -> bool:
    """Everything but what decoding needs: tables, frame, scans, and the two segments that tell the colour space."""
    if segment.marker == _APP0:
        return not segment.body.startswith(_JFIF_PREFIX)
    if segment.marker == _APP14:
        return not segment.body.startswith(b"Adobe")
    return segment.marker == _COM or _APP0 <= segment.marker <= 0xEF


def _without_thumbnail(segment: Segment) -> Segment:
    """JFIF's header may carry an RGB thumbnail, which may show more than the picture does."""
    if segment.marker == _APP0 and len(segment.body) >= 14:
        return Segment(_APP0, segment.body[:12] + b"\x00\x00")
    return segment


def _join(segments: list[Segment]) -> bytes:
    return b"\xff\xd8" + b"".join(segment.to_bytes() for segment in segments) + b"\xff\xd9"
