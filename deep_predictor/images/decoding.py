"""Bytes of an upload -> RGB pixels. By content, never by name; every broken file is an ImageUnreadable.

Each container is first taken apart by code of this room (`jpeg_file.py` and its neighbours): size, orientation and
number of parts are known and checked before a decoder sees a byte, and the decoder gets a file with what the pixels
need and nothing else. So no metadata, animation or number of chunks can slow it down.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from PIL import Image

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.gif_file import GifFile
from deep_predictor.images.heic import decode_heic, is_heic
from deep_predictor.images.heic_file import HeicFile
from deep_predictor.images.jpeg_file import JpegFile
from deep_predictor.images.pixels import (
    check_size,
    read_pixels,
    read_plain_jpeg,
    read_png_pixels,
    read_scaled_jpeg,
    turned,
)
from deep_predictor.images.png_file import SIGNATURE as PNG_SIGNATURE
from deep_predictor.images.png_file import PngFile
from deep_predictor.images.webp_file import WebpFile

#: What `supported_extensions` may name, and the canonical extension of that format.
EXTENSION_FORMATS: Final[dict[str, str]] = {
    "jpg": "jpg",
    "jpeg": "jpg",
    "png": "png",
    "bmp": "bmp",
    "gif": "gif",
    "heic": "heic",
    "heif": "heic",
    "webp": "webp",
}
_CONTENT_TYPES: Final[dict[str, str]] = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "heic": "image/heic",
    "webp": "image/webp",
}
#: What decoders are known to raise on broken files.
DECODER_ERRORS: Final = (
    *(OSError, ValueError, TypeError, SyntaxError, LookupError, EOFError, ArithmeticError, AttributeError),
    *(RuntimeError, AssertionError, MemoryError, BufferError, struct.error, zlib.error, cv2.error),
    Image.DecompressionBombError,
)
#: The limit on pixels is meant for 8-bit samples; a PNG with 16-bit ones takes twice the time, so half of them.
MAX_RAW_BYTES_PER_PIXEL = 4
#: EXIF orientations that turn a picture on its side.
SIDEWAYS = (5, 6, 7, 8)
_BMP_RUN_LENGTH_CODED = (1, 2)
#: Pillow decodes run-length coded BMP in Python, about a million runs a second; the format died out long ago.
MAX_RUN_LENGTH_CODED_BYTES = 2 * 1024**2


@dataclass(frozen=True)
class DecodedImage:
    """`pixels`: RGB uint8 (H, W, 3), C-contiguous, upright, not writable. `extension`: what the content is.

    `width`, `height`: the picture's own size, upright. A JPEG that was decoded at a smaller scale has fewer `pixels`.
    """

    pixels: np.ndarray
    extension: str
    width: int
    height: int


def decode_image(
    data: bytes, supported_extensions: Collection[str], max_pixels: int, smallest: tuple[int, int] | None = None
) -> DecodedImage:
    """Decode the first frame of a picture, upright, alpha laid on white. Safe to call from several threads at once.

    `smallest`: (width, height) of pixels, upright, at least 1, that the caller needs. A JPEG is then decoded at the
    smallest of an eighth, a quarter, a half and the whole of each side that leaves so many. None: the whole.

    Raises ImageUnreadable for all that is wrong: a format that `supported_extensions` do not name, more pixels than
    `max_pixels`, a file that is cut short or broken.
    """
    extension = find_format(data)
    if extension is None:
        raise ImageUnreadable("its content is of no known picture format")
    if extension not in {canonical_extension(name) for name in supported_extensions}:
        raise ImageUnreadable(f"its content is {extension}, which is not among the supported extensions")
    try:
        if extension == "jpg":
            found, (width, height) = _decode_jpeg(data, max_pixels, smallest)
        else:
            found = _DECODERS[extension](data, max_pixels)
            height, width = found.shape[:2]
        pixels = np.ascontiguousarray(found)
    except DECODER_ERRORS as error:
        raise ImageUnreadable(f"{extension}: {type(error).__name__}: {error}") from error
    pixels.flags.writeable = False
    return DecodedImage(pixels, extension, width, height)


def find_format(data: bytes) -> str | None:
    """The canonical extension that fits the first bytes; None for what is no picture of a format we know."""
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if data.startswith(PNG_SIGNATURE):
        return "png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith(b"BM"):
        return "bmp"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    return "heic" if is_heic(data) else None


def canonical_extension(extension: str) -> str | None:
    """`jpeg`, `.JPG` -> `jpg`; None for an extension that no picture format of ours has."""
    return EXTENSION_FORMATS.get(extension.lower().removeprefix("."))


def content_type(extension: str) -> str:
    """The media type that a file of this extension is served with."""
    return _CONTENT_TYPES.get(canonical_extension(extension) or "", "application/octet-stream")


def _decode_jpeg(data: bytes, max_pixels: int, smallest: tuple[int, int] | None) -> tuple[np.ndarray, tuple[int, int]]:
    """The pixels, at least `smallest` (width, height) of them, and the picture's own upright size."""
    file = JpegFile.read(data)
    check_size(file.width, file.height, max_pixels)
    size, orientation = (file.width, file.height), file.orientation
    if orientation in SIDEWAYS:
        size, smallest = size[::-1], smallest[::-1] if smallest else None
    if file.is_plain_colour:
        pixels = read_plain_jpeg(file.pixels_only(), (file.width, file.height), smallest)
    elif smallest and file.is_dct_coded:
        pixels = read_scaled_jpeg(file.pixels_only(), smallest, max_pixels)
    else:
        pixels = read_pixels(file.pixels_only(), "JPEG", max_pixels)
    return turned(pixels, orientation), size


def _decode_png(data: bytes, max_pixels: int) -> np.ndarray:
    file = PngFile.read(data)
    check_size(file.width, file.height, max_pixels)
    if file.raw_bytes > MAX_RAW_BYTES_PER_PIXEL * max_pixels:
        raise ImageUnreadable(f"the PNG unpacks to {file.raw_bytes} bytes, which would take too long")
    return turned(read_png_pixels(file, max_pixels), file.orientation)


def _decode_webp(data: bytes, max_pixels: int) -> np.ndarray:
    file = WebpFile.read(data)
    check_size(file.width, file.height, max_pixels)
    return turned(read_pixels(file.pixels_only(), "WEBP", max_pixels), file.orientation)


def _decode_gif(data: bytes, max_pixels: int) -> np.ndarray:
    """The first frame on a white screen: where it does not reach, a GIF is transparent."""
    file = GifFile.read(data)
    width, height = file.size
    check_size(width, height, max_pixels)
    frame = file.frames[0]
    pixels = read_pixels(file.first_frame_only(), "GIF", max_pixels)
    if pixels.shape[:2] == (height, width):
        return pixels
    screen = np.full((height, width, 3), 255, np.uint8)
    screen[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width] = pixels
    return screen


def _decode_bmp(data: bytes, max_pixels: int) -> np.ndarray:
    header_bytes = int.from_bytes(data[14:18], "little")
    compression = int.from_bytes(data[30:34], "little") if header_bytes >= 40 else 0
    if compression in _BMP_RUN_LENGTH_CODED and len(data) > MAX_RUN_LENGTH_CODED_BYTES:
        raise ImageUnreadable(f"a run-length coded BMP may have {MAX_RUN_LENGTH_CODED_BYTES} bytes (got {len(data)})")
    return read_pixels(data, "BMP", max_pixels)


def _decode_heic(data: bytes, max_pixels: int) -> np.ndarray:
    return decode_heic(data, HeicFile(data).largest_pixels, max_pixels)


_DECODERS: Final[dict[str, Callable[[bytes, int], np.ndarray]]] = {
    "png": _decode_png,
    "bmp": _decode_bmp,
    "gif": _decode_gif,
    "heic": _decode_heic,
    "webp": _decode_webp,
}
