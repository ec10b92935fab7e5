"""The colour of each class: the same in masks, boxes, videos and legends."""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

MIN_COLOURS = 256
#: The classes of PASCAL VOC, without spaces and in lower case; both spellings of three of them are in use.
_VOC_NAMES = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
).split()
_OTHER_SPELLINGS = {"airplane": "aeroplane", "motorcycle": "motorbike", "tv": "tvmonitor", "couch": "sofa"}
#: How many colours a name may ask for until one is far enough from those before it.
_TRIES = 12
#: Smallest distance of two colours, where it can be kept.
_FAR = 90.0


def class_colours(names: Sequence[str], background_index: int | None = None) -> np.ndarray:
    """RGB uint8 (256, 3), or more where there are more names: row i is the colour of class i.

    PASCAL VOC's own colours for its 21 classes. Else colours that hang on the names, so that a class has much the
    same one in all models; the background is black.
    """
    colours = _colours(tuple(names), background_index)
    return colours.copy()


def colours_by_name(names: Sequence[str], background_index: int | None = None) -> dict[str, tuple[int, int, int]]:
    """Class name -> its RGB colour; of names that stand twice the first counts."""
    colours = _colours(tuple(names), background_index).tolist()
    return {name: tuple(colour) for name, colour in reversed(list(zip(names, colours, strict=False)))}


def hexadecimal(colour: Sequence[int]) -> str:
    """RGB -> #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*(int(part) for part in colour))


def voc_colours() -> np.ndarray:
    """RGB uint8 (256, 3): VOC's colour map. The bits of a class, three at a time, are the highest of R, G and B.

    Source: VOClabelcolormap.m of the PASCAL VOC development kit.
    """
    classes = np.arange(MIN_COLOURS)
    colours = np.zeros((MIN_COLOURS, 3), np.uint8)
    for step in range(8):
        for channel in range(3):
            bit = classes >> (3 * step + channel) & 1
            colours[:, channel] |= (bit << (7 - step)).astype(np.uint8)
    return colours


@lru_cache(maxsize=64)
def _colours(names: tuple[str, ...], background_index: int | None) -> np.ndarray:
    if [_plain(name) for name in names] == _VOC_NAMES:
        return voc_colours()
    colours = np.zeros((max(MIN_COLOURS, len(names)), 3), np.uint8)
    taken: list[tuple[int, int, int]] = []
    for index, name in enumerate(names):
        if index != background_index:
            taken.append(_colour_apart(name, taken[-MIN_COLOURS:]))
            colours[index] = taken[-1]
    return colours


def _plain(name: str) -> str:
    letters = "".join(character for character in name.lower() if character.isalpha())
    return _OTHER_SPELLINGS.get(letters, letters)


def _colour_apart(name: str, others: Sequence[tuple[int, int, int]]) -> tuple[int, int, int]:
    """The first of the name's colours that is far from the others; where none is, the farthest."""
    best, best_distance = (0, 0, 0), -1.0
    taken = np.array(others, np.float64).reshape(-1, 3)
    for colour in _colours_of(name):
        distance = float(np.sqrt(((taken - colour) ** 2).sum(axis=1)).min(initial=np.inf))
        if distance >= _FAR:
            return colour
        if distance > best_distance:
            best, best_distance = colour, distance
    return best


def _colours_of(name: str) -> Iterator[tuple[int, int, int]]:
    """Strong colours, none near black or white, in an order that hangs on the name alone."""
    for attempt in range(_TRIES):
        digest = hashlib.sha256(f"{attempt} {name}".encode("utf-8", "surrogatepass")).digest()
        hue, saturation, value = (int.from_bytes(digest[at : at + 4], "big") / 2**32 for at in (0, 4, 8))
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.55 + 0.45 * saturation, 0.65 + 0.35 * value)
        yield round(red * 255), round(green * 255), round(blue * 255)
