"""Bytes of an upload -> RGB pixels. By content, never by name; every broken file is an ImageUnreadable.

Each container is first taken apart by code of this room (`jpeg_file.py` and its neighbours): size, orientation and number
of parts are known and checked before a decoder sees a byte, and the decoder gets a file with what the pixels need and
nothing else. So no metadata, animation or number of chunks can slow it down.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import cv2
import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.flattening import flatten
from deep_predictor.images.gif_file import GifFile
from deep_predictor.images.heic import decode_heic, is_heic
from deep_predictor.images.heic_file import HeicFile
from deep_predictor.images.jpeg_file import JpegFile
from deep_predictor.images.png_decoding import decode_png
from deep_predictor.images.png_file import SIGNATURE as PNG_SIGNATURE
from deep_predictor.images.webp_file import WebpFile

# Imported above so that no first upload has to; the limit on pixels is ours, checked before Pillow opens anything.
_PLUGINS = (BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin)
Image.MAX_IMAGE_PIXELS = None

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


@dataclass(frozen=True)
class DecodedImage:
    """`pixels`: RGB uint8 (H, W, 3), C-contiguous, upright, not writable. `extension`: what the content is."""

    pixels: np.ndarray
    extension: str
    width: int
    height: int


def decode_image(data: bytes, supported_extensions: Collection[str], max_pixels: int) -> DecodedImage:
    """Decode the first frame of a picture, upright, alpha laid on white. Safe to call from several threads at once.

    Raises ImageUnreadable for all that is wrong: a format that `supported_extensions` do not name, more pixels than
    `max_pixels`, a file that is cut short or broken.
    """
    extension = find_format(data)
    if extension is None:
        raise ImageUnreadable("its content is of no known picture format")
    if extension not in {canonical_extension(name) for name in supported_extensions}:
        raise ImageUnreadable(f"its content is {extension}, which is not among the supported extensions")
    try:
        pixels = _DECODERS[extension](data, max_pixels)
    except DECODER_ERRORS as error:
        raise ImageUnreadable(f"{extension}: {type(error).__name__}: {error}") from error
    pixels = np.ascontiguousarray(pixels)
    pixels.flags.writeable = False
    return DecodedImage(pixels, extension, pixels.shape[1], pixels.shape[0])


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


def _decode_jpeg(data: bytes, max_pixels: int) -> np.ndarray:
    file = JpegFile.read(data)
    _check_size(file.width, file.height, max_pixels)
    return _turned(_open(file.pixels_only(), "JPEG", max_pixels), file.orientation)


def _decode_png(data: bytes, max_pixels: int) -> np.ndarray:
    file = PngImage.read(data)
    _check_size(file.width, file.height, max_pixels)
    return _turned(decode_png(file), file.orientation)


def _decode_webp(data: bytes, max_pixels: int) -> np.ndarray:
    file = WebpFile.read(data)
    _check_size(file.width, file.height, max_pixels)
    return _turned(_open(file.pixels_only(), "WEBP", max_pixels), file.orientation)
