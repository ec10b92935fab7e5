"""Masks, uint8 (H, W) with a class a pixel, in the forms that programs want: PNG, polygons, run lengths."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from deep_predictor.errors import ImageUnreadable, StateConflict
from deep_predictor.images.decoding import DECODER_ERRORS

#: Neighbouring pixels of two classes, in a whole mask: what noise has more of, and no picture of things.
MAX_EDGES = 2_000_000
#: Masks are large, even areas: more effort makes them hardly smaller.
_PNG_EFFORT = 1


def encode_mask(mask: np.ndarray, colours: np.ndarray) -> bytes:
    """An indexed PNG whose numbers are the classes; `colours` RGB uint8 (256 or more, 3) are its palette."""
    picture = Image.fromarray(mask)
    picture.putpalette(colours[:256].tobytes())
    written = io.BytesIO()
    picture.save(written, "PNG", compress_level=_PNG_EFFORT)
    return written.getvalue()


def read_mask(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (H, W) and RGB uint8 (256, 3) of a file that `encode_mask` made. Raises ImageUnreadable, OSError."""
    data = path.read_bytes()
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            if picture.mode != "P":
                raise ImageUnreadable(f"{path}: no mask")
            return np.asarray(picture), _colour_table(bytes(picture.getpalette() or []))
    except DECODER_ERRORS as error:
        raise ImageUnreadable(f"{path}: {type(error).__name__}: {error}") from error


def shrink_mask(path: Path, longest_side: int) -> bytes:
    """A mask that `encode_mask` made as one of at most so many pixels a side. Raises ImageUnreadable, OSError."""
    mask, colours = read_mask(path)
    height, width = mask.shape
    scale = longest_side / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
    return encode_mask(mask, colours)


def read_palette(path: Path) -> np.ndarray:
    """RGB uint8 (256, 3) of such a file, whose pixels are not read. Raises ImageUnreadable."""
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            return _colour_table(bytes(picture.palette.palette) if picture.palette else b"")
    except DECODER_ERRORS as error:
        raise ImageUnreadable(f"{path}: {type(error).__name__}: {error}") from error


def refuse_noise(mask: np.ndarray) -> None:
    """Raises StateConflict for a mask whose outlines or runs, as lists, would fill the memory."""
    count = np.count_nonzero(mask[:, 1:] != mask[:, :-1]) + np.count_nonzero(mask[1:] != mask[:-1])
    if count > MAX_EDGES:
        raise StateConflict(
            "mask_too_fine", f"the mask has {count} edges, too many for this format: ask for format=png"
        )


def polygons_of(region: np.ndarray) -> list[list[int]]:
    """The outlines of a region, bool (H, W): rings x, y, x, y, … of pixels; those of holes are rings too.

    Rings run through the outermost pixels of the region. Filled by the even-odd rule, with their own pixels, they are
    the region again.
    """
    rings, _ = cv2.findContours(region.view(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    return [ring.ravel().tolist() for ring in rings]


def run_lengths(region: np.ndarray) -> list[int]:
    """Lengths of the runs of a region, bool (H, W), column by column: first those outside it, then in turn."""
    flat = cv2.transpose(region.view(np.uint8)).ravel()
    changes = flat[1:] != flat[:-1]
    starts = [0, 0] if flat[0] else [0]
    ends: np.ndarray = np.concatenate([starts, np.flatnonzero(changes) + 1, [flat.size]])
    lengths: list[int] = np.diff(ends).tolist()
    return lengths


def compressed_counts(lengths: list[int]) -> str:
    """COCO's text of run lengths: five bits a character, from the third on the difference to the last but one.

    Source of the format: rleToString in maskApi.c of the COCO API, https://github.com/cocodataset/cocoapi.
    """
    numbers = np.array(lengths, np.int64)
    numbers[3:] -= np.array(lengths, np.int64)[1:-2]
    characters = []
    going = np.ones(len(numbers), bool)
    while going.any():
        bits = numbers & 0x1F
        numbers = numbers >> 5
        more = np.where(bits & 0x10, numbers != -1, numbers != 0)
        characters.append(np.where(going, (bits | np.where(more, 0x20, 0)) + 48, 0))
        going &= more
    written = np.stack(characters, axis=1).astype(np.uint8).ravel() if characters else np.zeros(0, np.uint8)
    return written[written > 0].tobytes().decode("ascii")


def _colour_table(table: bytes) -> np.ndarray:
    """RGB uint8 (256, 3) of a palette that may be shorter."""
    colours = np.zeros((256, 3), np.uint8)
    colours.ravel()[: len(table)] = np.frombuffer(table, np.uint8)
    return colours
