"""A PNG -> class indices: by its own numbers, or by a table of colours."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.images.decoding import DECODER_ERRORS, MAX_RAW_BYTES_PER_PIXEL, find_format
from deep_predictor.images.pixels import check_size
from deep_predictor.images.png_file import PngFile
from deep_predictor.training.annotations.colour_table import ColourTable
from deep_predictor.training.annotations.picture_files import read_bounded
from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX, MAX_MASK_CLASSES
from deep_predictor.training.datasets.picture_files import MAX_PICTURE_BYTES, MAX_PIXELS

_UNKNOWN = MAX_MASK_CLASSES
_COLOUR_COUNT = 256**3
#: Pixels that are looked up at once.
_BAND_PIXELS = 2**20
#: Unknown colours or indices that a message names.
_MOST_NAMED = 3


class MaskReader:
    """Reads masks of one set. Without a table the numbers of an indexed or gray PNG are the classes."""

    def __init__(self, class_count: int, table: ColourTable | None = None) -> None:
        self._class_count = class_count
        self._by_colour: np.ndarray | None = None
        if table is not None:
            self._by_colour = np.full(_COLOUR_COUNT, _UNKNOWN, np.uint8)
            self._by_colour[_codes(table.colours)] = table.indices

    def read(self, path: Path) -> np.ndarray:
        """uint8 (H, W): a class, or IGNORE_INDEX, for each pixel.

        Raises ImageUnreadable for what is no such PNG, and where a pixel has an index or a colour of no class.
        """
        try:
            data = read_bounded(path, MAX_PICTURE_BYTES)
        except DatasetUnusable as error:
            raise ImageUnreadable(error.detail) from error
        if find_format(data) != "png":
            raise ImageUnreadable("a mask must be a PNG")
        file = PngFile.read(data)
        check_size(file.width, file.height, MAX_PIXELS)
        if file.bit_depth > 8 or file.raw_bytes > MAX_RAW_BYTES_PER_PIXEL * MAX_PIXELS:
            raise ImageUnreadable("a mask must have 8 bits a sample or fewer")
        try:
            with Image.open(io.BytesIO(file.pixels_only()), formats=("PNG",)) as picture:
                return self._by_index(picture, file) if self._by_colour is None else self._by_table(picture)
        except DECODER_ERRORS as error:
            raise ImageUnreadable(f"png: {type(error).__name__}: {error}") from error

    def _by_index(self, picture: Image.Image, file: PngFile) -> np.ndarray:
        if picture.mode not in ("P", "L", "1"):
            raise ImageUnreadable("it has colours instead of class numbers: give a table of colours")
        mask = np.array(picture, np.uint8)
        if picture.mode == "L" and file.bit_depth < 8:  # Pillow spreads them over 0..255
            mask //= 255 // (2**file.bit_depth - 1)
        counts = sum(np.bincount(band.ravel(), minlength=256) for band in _bands(mask))
        assert isinstance(counts, np.ndarray)
        unknown = self._class_count + np.flatnonzero(counts[self._class_count : IGNORE_INDEX])
        if len(unknown):
            named = ", ".join(f"{index} ({counts[index]} pixels)" for index in unknown[:_MOST_NAMED])
            raise ImageUnreadable(_told(f"indices of no class: {named}", len(unknown)))
        return mask

    def _by_table(self, picture: Image.Image) -> np.ndarray:
        assert self._by_colour is not None
        if picture.mode not in ("RGB", "P", "L", "1", "RGBA"):
            raise ImageUnreadable(f"its colours are of the kind {picture.mode}, RGB or indexed ones are read")
        if picture.mode == "RGBA" and picture.getchannel("A").getextrema() != (255, 255):
            raise ImageUnreadable("it is transparent in places")
        pixels = np.asarray(picture.convert("RGB"))
        mask = np.empty(pixels.shape[:2], np.uint8)
        for band, coloured in zip(_bands(mask), _bands(pixels), strict=True):
            band[:] = self._by_colour[_codes(coloured)]
        is_unknown = mask == _UNKNOWN
        if is_unknown.any():
            raise ImageUnreadable(_unknown_colours(pixels[is_unknown]))
        return mask


def _bands(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Views of its rows from the top, so many at once that sums of them take little memory."""
    rows = max(1, _BAND_PIXELS // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        yield pixels[top : top + rows]


def _codes(colours: np.ndarray) -> np.ndarray:
    """uint8 (…, 3) -> int32 (…): one number a colour."""
    wide = colours.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _unknown_colours(pixels: np.ndarray) -> str:
    codes, counts = np.unique(_codes(pixels), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_MOST_NAMED]
    named = ", ".join(f"#{codes[place]:06x} ({counts[place]} pixels)" for place in order)
    return _told(f"colours of no class: {named}", len(codes))


def _told(text: str, count: int) -> str:
    return text if count <= _MOST_NAMED else f"{text} and {count - _MOST_NAMED} more"
