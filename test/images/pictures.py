"""Pictures made here: every format and oddity that the tests of this room need, without a file on disk."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import pillow_heif
from PIL import Image

EXTENSIONS = ("jpg", "jpeg", "png", "bmp", "gif", "heic", "webp")
MAX_PIXELS = 50_000_000
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def quadrants(width: int = 64, height: int = 48) -> Image.Image:
    """Red, green / blue, white: each of the eight orientations looks different."""
    picture = Image.new("RGB", (width, height), WHITE)
    picture.paste(RED, (0, 0, width // 2, height // 2))
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    return picture


def encoded(picture: Image.Image, pillow_format: str, **options: object) -> bytes:
    if pillow_format == "HEIF":
        return heic(picture)
    file = io.BytesIO()
    picture.save(file, pillow_format, **options)
    return file.getvalue()


def heic(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(picture).save(file, quality=90, **options)
    return file.getvalue()


def tiff(entries: Sequence[tuple[int, int, int]], byte_order: str = "<") -> bytes:
    """EXIF's inner structure with one value of 16 bits an entry: (tag, type, value)."""
    header = (b"II" if byte_order == "<" else b"MM") + struct.pack(byte_order + "HI", 42, 8)
    body = b"".join(struct.pack(byte_order + "HHIHH", tag, kind, 1, value, 0) for tag, kind, value in entries)
    return header + struct.pack(byte_order + "H", len(entries)) + body + bytes(4)


def exif(orientation: int, byte_order: str = "<") -> bytes:
    """With a camera tag before the orientation."""
    return b"Exif\x00\x00" + tiff([(0x0100, 3, 7), (0x0112, 3, orientation)], byte_order)


def turned_for(orientation: int, picture: Image.Image) -> Image.Image:
    """What a camera stores when `picture` is to be seen and EXIF says `orientation`: the reverse of that turn."""
    reverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    return picture if reverse is None else picture.transpose(reverse)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    size: tuple[int, int],
    bit_depth: int,
    color_type: int,
    rows: Sequence[bytes],
    more: bytes = b"",
) -> bytes:
    """A PNG from its raw rows, so that samples of any depth are known to the bit. `more`: chunks before the pixels."""
    header = struct.pack(">IIBBBBB", *size, bit_depth, color_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\x00" + row for row in rows))
    return PNG_SIGNATURE + chunk(b"IHDR", header) + more + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def claiming_png(width: int, height: int) -> bytes:
    """A few bytes that claim any size."""
    return png((width, height), 8, 2, [bytes(10)])


def bmp_header(width: int, height: int, bits: int, compression: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54) + info
