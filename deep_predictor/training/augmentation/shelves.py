"""Reading the folders of synthetic_background: backgrounds (any pictures) and cut-outs (PNG with transparency).

A file that cannot be used is listed with its reason, and the rest is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.decoding import DECODER_ERRORS, EXTENSION_FORMATS, canonical_extension, decode_image
from deep_predictor.images.folder_names import safe_folder_name
from deep_predictor.images.pixels import check_size
from deep_predictor.images.png_file import PngFile
from deep_predictor.training.augmentation.sides import LOOK_SIDE, ShelfPicture, look_of, sha256_of
from deep_predictor.training.dataset import SkippedFile

MAX_PIXELS = 50_000_000
#: PNG text of a cut-out: SHA-256 of the file that it was cut from.
SOURCE_KEY = "source_sha256"
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Shelf:
    pictures: tuple[ShelfPicture, ...]
    skipped: tuple[SkippedFile, ...]


def read_backgrounds(folder: Path) -> Shelf:
    """All pictures of a folder and the folders in it."""
    files = [path for path in _files(folder, "**/*") if canonical_extension(path.suffix)]
    return _read_backgrounds(tuple(_stamp(path) for path in files), folder)


def read_cutouts(folder: Path, class_name: str) -> Shelf:
    """The PNG files of `<folder>/<class>/`; the class's folder is called as the class, or by its safe name."""
    names = {path.name: path for path in sorted(folder.iterdir()) if path.is_dir()}
    class_folder = names.get(class_name) or names.get(safe_folder_name(class_name))
    if class_folder is None:
        return Shelf((), ())
    files = [path for path in _files(class_folder, "*") if path.suffix.lower() == ".png"]
    return _read_cutouts(tuple(_stamp(path) for path in files), folder)


def decode_background(path: Path, smallest: tuple[int, int]) -> np.ndarray:
    """RGB uint8 (H, W, 3), at least `smallest` (width, height) where it has so many pixels. Raises ImageUnreadable."""
    return decode_image(_bytes_of(path), EXTENSION_FORMATS, MAX_PIXELS, smallest).pixels


def decode_cutout(data: bytes) -> tuple[np.ndarray, str]:
    """RGBA uint8 (H, W, 4) without its transparent margin, and the hash of what it was cut from ("": unknown).

    Raises ImageUnreadable.
    """
    if not data.startswith(b"\x89PNG"):
        raise ImageUnreadable("its content is no PNG")
    file = PngFile.read(data)
    check_size(file.width, file.height, MAX_PIXELS)
    try:
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            if not image.has_transparency_data:
                raise ImageUnreadable("it has no transparency: a cut-out is a PNG with an alpha channel")
            written = str(image.info.get(SOURCE_KEY, ""))
            pixels = np.asarray(image.convert("RGBA"))
    except DECODER_ERRORS as error:
        raise ImageUnreadable(f"png: {type(error).__name__}: {error}") from error
    origin = written if _SHA256.fullmatch(written) else ""
    rows, columns = (np.flatnonzero(pixels[:, :, 3].any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise ImageUnreadable("every pixel of it is transparent")
    return np.ascontiguousarray(pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]), origin


def read_cutout(path: Path) -> np.ndarray:
    """RGBA uint8 (H, W, 4). Raises ImageUnreadable."""
    return decode_cutout(_bytes_of(path))[0]


#: What a file's content hangs on: a list of operations is built twice or more in one run, its files are read once.
_Stamp = tuple[Path, int, int]


@lru_cache(maxsize=16)
def _read_backgrounds(stamps: tuple[_Stamp, ...], folder: Path) -> Shelf:
    pictures, skipped = [], []
    for path, *_ in stamps:
        try:
            data = _bytes_of(path)
            image = decode_image(data, EXTENSION_FORMATS, MAX_PIXELS, (4 * LOOK_SIDE, 4 * LOOK_SIDE)).pixels
            pictures.append(ShelfPicture(path, sha256_of(data), look_of(image)))
        except ImageUnreadable as error:
            skipped.append(SkippedFile(path.relative_to(folder).as_posix(), str(error)))
    return Shelf(tuple(pictures), tuple(skipped))


@lru_cache(maxsize=1024)
def _read_cutouts(stamps: tuple[_Stamp, ...], folder: Path) -> Shelf:
    pictures, skipped = [], []
    for path, *_ in stamps:
        try:
            data = _bytes_of(path)
            pixels, origin = decode_cutout(data)
            alpha = pixels[:, :, 3:].astype(np.float32) / 255
            on_gray = (pixels[:, :, :3] * alpha + 128 * (1 - alpha)).astype(np.uint8)
            file_hash = sha256_of(data)
            pictures.append(ShelfPicture(path, origin or file_hash, look_of(on_gray), file_hash))
        except ImageUnreadable as error:
            skipped.append(SkippedFile(path.relative_to(folder).as_posix(), str(error)))
    return Shelf(tuple(pictures), tuple(skipped))


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    return (path for path in sorted(folder.glob(pattern)) if path.is_file() and not path.name.startswith("."))


def _stamp(path: Path) -> _Stamp:
    facts = path.stat()
    return path, facts.st_mtime_ns, facts.st_size


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageUnreadable(f"{path}: {error.strerror}") from error
