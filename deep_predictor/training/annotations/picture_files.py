"""Single files of an annotated set: what a name may not be, how much of one is read, how large a picture is."""

from __future__ import annotations

import os
from pathlib import Path

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.images.decoding import (
    DECODER_ERRORS,
    EXTENSION_FORMATS,
    SIDEWAYS,
    decode_image,
    find_format,
)
from deep_predictor.images.gif_file import GifFile
from deep_predictor.images.jpeg_file import JpegFile
from deep_predictor.images.pixels import check_size
from deep_predictor.images.png_file import PngFile
from deep_predictor.images.webp_file import WebpFile
from deep_predictor.training.datasets.picture_files import MAX_PICTURE_BYTES, MAX_PIXELS

MAX_FILES = 2_000_000
LONGEST_PATH = 1000
_HEADERS: dict[str, type[JpegFile] | type[PngFile] | type[WebpFile]] = {
    "jpg": JpegFile,
    "png": PngFile,
    "webp": WebpFile,
}


def name_problem(name: object) -> str:
    """Why something is no POSIX path of a file below a folder, "" where it is one."""
    if not isinstance(name, str) or not name or len(name) > LONGEST_PATH:
        return f"the name of a file must be a text of up to {LONGEST_PATH} characters"
    if not name.isprintable():  # nor is half a character, which no path can hold
        return "its name holds control characters, or is not UTF-8"
    levels = name.split("/")
    if "\\" in name or ":" in levels[0] or any(level in ("", ".", "..") for level in levels):
        return "its name leads out of the folder, or is not written as folder/file"
    return ""


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """The whole of a file. Raises DatasetUnusable where it cannot be read, is no plain file or is larger."""
    try:
        if not path.is_file():
            raise DatasetUnusable("there is no such file")
        with path.open("rb") as file:
            # To ask for max_bytes would take so much memory, however small the file is.
            size = os.fstat(file.fileno()).st_size
            data = file.read(size) if size <= max_bytes else b""
    except (OSError, ValueError) as error:
        raise DatasetUnusable(getattr(error, "strerror", None) or str(error)) from error
    if size > max_bytes:
        raise DatasetUnusable(f"it has over {max_bytes} bytes")
    return data


def read_text(path: Path, max_bytes: int) -> str:
    """The whole of a file of UTF-8, with or without a byte order mark. Raises DatasetUnusable."""
    try:
        return read_bounded(path, max_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetUnusable(f"it is not UTF-8 at byte {error.start}") from error


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels of the upright picture, by its header where that is enough. Raises ImageUnreadable."""
    try:
        data = read_bounded(path, MAX_PICTURE_BYTES)
    except DatasetUnusable as error:
        raise ImageUnreadable(error.detail) from error
    extension = find_format(data)
    try:
        if extension == "gif":
            width, height = GifFile.read(data).size
        elif extension is not None and extension in _HEADERS:
            file = _HEADERS[extension].read(data)
            is_turned = file.orientation in SIDEWAYS
            width, height = (file.height, file.width) if is_turned else (file.width, file.height)
        else:
            decoded = decode_image(data, EXTENSION_FORMATS, MAX_PIXELS)
            width, height = decoded.width, decoded.height
        check_size(width, height, MAX_PIXELS)
    except DECODER_ERRORS as error:
        raise ImageUnreadable(f"{extension}: {type(error).__name__}: {error}") from error
    return width, height
