"""Taking GPS, camera, comments and all other metadata out of a picture, keeping its pixels and how it is turned."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Final

from PIL import Image

from deep_predictor.errors import ImageNotStored, ImageUnreadable
from deep_predictor.images.decoding import DECODER_ERRORS, find_format
from deep_predictor.images.gif_file import GifFile
from deep_predictor.images.heic_file import HeicFile
from deep_predictor.images.jpeg_file import JpegFile
from deep_predictor.images.pixels import read_pixels
from deep_predictor.images.png_file import PngFile
from deep_predictor.images.webp_file import WebpFile

#: What the main cfg may allow at most; the cfg's own limit was checked when the upload was decoded.
_MOST_PIXELS = 500_000_000


def strip_metadata(data: bytes, extension: str) -> bytes:
    """The same picture without EXIF, XMP, comments, thumbnails, and whatever follows its end.

    JPEG, PNG, WebP and GIF lose segments, chunks or blocks, HEIC has them overwritten: no pixel changes. Orientation,
    colour profile and animation stay. BMP is written again with 8 bits a sample, its transparent parts on white.
    `extension` is the decoded type. Raises ImageNotStored when the file is not of that type or cannot be taken apart.
    """
    strip = _STRIPPERS.get(extension)
    if strip is None or find_format(data) != extension:
        raise ImageNotStored(f"its metadata cannot be removed: it is no {extension} file")
    try:
        return strip(data)
    except (ImageUnreadable, *DECODER_ERRORS) as error:
        raise ImageNotStored(f"its metadata cannot be removed: {type(error).__name__}: {error}") from error


def _strip_jpeg(data: bytes) -> bytes:
    return JpegFile.read(data).without_metadata()


def _strip_png(data: bytes) -> bytes:
    return PngFile.read(data).without_metadata()


def _strip_webp(data: bytes) -> bytes:
    return WebpFile.read(data).without_metadata()


def _strip_gif(data: bytes) -> bytes:
    return GifFile.read(data, first_frame_only=False).without_metadata()


def _strip_heic(data: bytes) -> bytes:
    return HeicFile(data).without_metadata()


def _rewrite_bmp(data: bytes) -> bytes:
    file = BytesIO()
    Image.fromarray(read_pixels(data, "BMP", _MOST_PIXELS)).save(file, "BMP")
    return file.getvalue()


_STRIPPERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "jpg": _strip_jpeg,
    "png": _strip_png,
    "webp": _strip_webp,
    "gif": _strip_gif,
    "heic": _strip_heic,
    "bmp": _rewrite_bmp,
}
