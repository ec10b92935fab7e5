"""Taking GPS, camera, comments and other metadata out of a picture, keeping its orientation and its pixels."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image

from deep_predictor.errors import ImageNotStored

_ORIENTATION_TAG = 0x0112
#: JPEG markers that are kept: JFIF, ICC profile, Adobe's colour transform; every other APPn and the comment go.
_KEPT_APP_MARKERS = {0xE0, 0xE2, 0xEE}
_DROPPED_PNG_CHUNKS = {b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"}
_DROPPED_WEBP_CHUNKS = {b"EXIF", b"XMP "}


def strip_metadata(data: bytes, extension: str) -> bytes:
    """JPEG, PNG and WebP by leaving out segments, so that no pixel changes; others are encoded again.

    Raises ImageNotStored when the file cannot be taken apart.
    """
    try:
        orientation = _orientation(data)
        if extension in ("jpg", "jpeg"):
            return _strip_jpeg(data, orientation)
        if extension == "png":
            return _strip_png(data, orientation)
        if extension == "webp":
            return _strip_webp(data, orientation)
        if extension in ("heic", "heif"):
            return _encode_again(data, "HEIF", quality=95)
        return _encode_again(data, "GIF" if extension == "gif" else "BMP")
    except Exception as error:  # decoders raise whatever they like
        raise ImageNotStored(f"its metadata cannot be removed: {type(error).__name__}: {error}") from error


def _orientation(data: bytes) -> int:
    with Image.open(BytesIO(data)) as image:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _minimal_exif(orientation: int) -> bytes:
    """A TIFF header and one entry: orientation, SHORT, big-endian."""
    return b"MM\x00*\x00\x00\x00\x08" + struct.pack(">HHHIHHI", 1, _ORIENTATION_TAG, 3, 1, orientation, 0, 0)


def _strip_jpeg(data: bytes, orientation: int) -> bytes:
    kept = [b"\xff\xd8"]
    if orientation != 1:
        body = b"Exif\x00\x00" + _minimal_exif(orientation)
        kept.append(b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body)
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            raise ValueError(f"no marker at byte {position}")
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == 0xDA:
            end = data.rfind(b"\xff\xd9", position)
            first_end = data.find(b"\xff\xd9", position)
            kept.append(data[position : first_end + 2] if end >= 0 else data[position:])
            return b"".join(kept)
        length = struct.unpack_from(">H", data, position + 2)[0]
        if not (0xE0 <= marker <= 0xEF and marker not in _KEPT_APP_MARKERS) and marker != 0xFE:
            segment = data[position : position + 2 + length]
            if marker != 0xE2 or segment[4:15] == b"ICC_PROFILE":
                kept.append(segment)
        position += 2 + length
    raise ValueError("no picture inside")


def _strip_png(data: bytes, orientation: int) -> bytes:
    kept = [data[:8]]
    position = 8
    while position + 12 <= len(data):
        length = struct.unpack_from(">I", data, position)[0]
        kind = data[position + 4 : position + 8]
        if kind not in _DROPPED_PNG_CHUNKS:
            kept.append(data[position : position + 12 + length])
        if kind == b"IHDR" and orientation != 1:
            body = b"eXIf" + _minimal_exif(orientation)
            kept.append(struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)))
        position += 12 + length
        if kind == b"IEND":
            break
    return b"".join(kept)


def _strip_webp(data: bytes, orientation: int) -> bytes:
    chunks = []
    position = 12
    while position + 8 <= len(data):
        kind = data[position : position + 4]
        length = struct.unpack_from("<I", data, position + 4)[0]
        padded = length + (length & 1)
        chunk = data[position : position + 8 + padded]
        if kind == b"VP8X":
            flags = (chunk[8] & ~0x0C) | (0x08 if orientation != 1 else 0)
            chunk = chunk[:8] + bytes([flags]) + chunk[9:]
        if kind not in _DROPPED_WEBP_CHUNKS:
            chunks.append(chunk)
        position += 8 + padded
    if orientation != 1:
        body = _minimal_exif(orientation)
        chunks.append(b"EXIF" + struct.pack("<I", len(body)) + body)
    inside = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(inside)) + inside


def _encode_again(data: bytes, image_format: str, **options: int) -> bytes:
    with Image.open(BytesIO(data)) as image:
        image.load()
        plain = image.copy()
        plain.info = {}
        file = BytesIO()
        plain.save(file, image_format, **options)
    return file.getvalue()
