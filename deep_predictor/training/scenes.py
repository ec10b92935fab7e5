"""Scenes of handwritten digits on clutter, with their boxes and masks: for detectors and segmenters.

The digits are the 1,797 that scikit-learn carries, 8x8 cells of ink each. Which of them a scene may show hangs on its
part alone: no digit of a training scene is ever in a validation or test scene, whatever the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from deep_predictor.training.annotations.picture_boxes import PictureBoxes
from deep_predictor.training.annotations.picture_masks import PictureMask
from deep_predictor.training.dataset import Part

#: Of the detector; the segmenter's have the background before them, so its index is one more.
CLASS_NAMES = tuple("0123456789")
MASK_CLASS_NAMES = ("background", *CLASS_NAMES)
#: Of each class's digits; the rest is test.
_SHARES: dict[Part, float] = {"train": 0.7, "val": 0.1}
_PARTS: tuple[Part, ...] = ("train", "val", "test")
#: Fixed once: the parts of the digits must not hang on a seed that somebody chooses.
_SPLIT_SEED = 8
_CELLS = 8
#: Ink share that counts as blank, and as full: cubic enlargement alone leaves a blur between the two.
_BLANK_INK, _FULL_INK = 0.15, 0.85
#: Gray levels between ink and what lies under it, where black and white leave so many.
_LEAST_CONTRAST = 90
_INK_TINT = 40
#: Empty pixels between the boxes of two digits, at least.
_GAP = 2
_TRIES = 60


@dataclass(frozen=True)
class SceneOptions:
    """Sizes in pixels. A digit of scale 1 is `digit_side` wide and high with its blank margin.

    Raises ValueError where `most` digits of the largest scale would not easily fit beside each other.
    """

    width: int = 128
    height: int = 128
    digit_side: int = _CELLS
    smallest_scale: float = 1.0
    largest_scale: float = 3.0
    fewest: int = 3
    most: int = 8

    def __post_init__(self) -> None:
        if not (0 < self.smallest_scale <= self.largest_scale and 1 <= self.fewest <= self.most):
            raise ValueError("the smallest scale and the fewest digits must not be over the largest and the most")
        if self.digit_side * self.smallest_scale < _CELLS:
            raise ValueError(f"a digit needs {_CELLS} pixels a side")
        room = int(self.digit_side * self.largest_scale) + 2 * _GAP
        # Twice the room that they need: places by chance soon fit.
        if (self.width // room) * (self.height // room) < 2 * self.most:
            raise ValueError(f"{self.most} digits of up to {room} pixels need a larger scene")


@dataclass(frozen=True, eq=False)
class Scene:
    """`pixels`: RGB uint8 (H, W, 3). A pixel belongs to a digit where its ink covers half of it or more.

    `boxes`: int (N, 4), x1, y1, x2, y2: the smallest that hold those pixels, x2 and y2 one behind the last.
    `classes`: int (N,). `mask`: uint8 (H, W), 0 or the class + 1. `sources`: int (N,), places in load_digits().
    """

    pixels: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    mask: np.ndarray
    sources: np.ndarray

    def picture_boxes(self, name: str) -> PictureBoxes:
        height, width = self.mask.shape
        low, high = self.boxes[:, :2].astype(np.float64), self.boxes[:, 2:].astype(np.float64)
        boxes_norm = np.concatenate([(low + high) / 2, high - low], axis=1) / np.array([width, height, width, height])
        return PictureBoxes(
            name, width, height, boxes_norm, self.classes.astype(np.int32), np.zeros(len(low), dtype=bool)
        )

    def picture_mask(self, name: str) -> PictureMask:
        return PictureMask(name, self.mask)


class DigitScenes:
    """Scene after scene of one part; each hangs on the part, the seed, its number and the options alone."""

    def __init__(self, part: Part, seed: int, options: SceneOptions | None = None) -> None:
        self._part, self._seed, self._options = part, seed, options or SceneOptions()
        self._digits = source_digits(part)

    def scene(self, number: int) -> Scene:
        grids, labels = _load_digits()
        rng = self._rng(number, 1)
        pixels = self.clutter(number).astype(np.float32)
        mask = np.zeros(pixels.shape[:2], np.uint8)
        boxes, sources = [], []
        for left, top, side in _places(rng, self._options):
            source = int(rng.choice(self._digits))
            ink = _ink(grids[source], side)
            window = slice(top, top + side), slice(left, left + side)
            pixels[window] = _inked(rng, pixels[window], ink)
            is_digit = ink >= 0.5
            mask[window][is_digit] = labels[source] + 1
            rows, columns = np.flatnonzero(is_digit.any(axis=1)), np.flatnonzero(is_digit.any(axis=0))
            boxes.append((left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1))
            sources.append(source)
        places = np.array(sources, np.int64)
        return Scene(np.rint(pixels).astype(np.uint8), np.array(boxes, np.int64), labels[places], mask, places)

    def clutter(self, number: int) -> np.ndarray:
        """What lies under a scene's digits, RGB uint8 (H, W, 3): soft colours, shapes and strokes, and noise."""
        rng, options = self._rng(number, 0), self._options
        size = (options.width, options.height)
        coarse = rng.uniform(70, 185, (4, 4, 3)).astype(np.float32)
        pixels = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
        for _ in range(rng.integers(10, 20)):
            pixels = _with_shape(rng, pixels)
        pixels += rng.normal(0, 6, pixels.shape).astype(np.float32)
        return np.rint(pixels.clip(0, 255)).astype(np.uint8)

    def _rng(self, number: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, _PARTS.index(self._part), number, purpose])


def source_digits(part: Part) -> np.ndarray:
    """int (N,): places in load_digits() of the digits that this part's scenes show; a share of each class."""
    labels = _load_digits()[1]
    rng = np.random.default_rng(_SPLIT_SEED)
    chosen = []
    for label in range(len(CLASS_NAMES)):
        places = rng.permutation(np.flatnonzero(labels == label))
        train_end = round(len(places) * _SHARES["train"])
        val_end = train_end + round(len(places) * _SHARES["val"])
        bounds: dict[Part, slice] = {
            "train": slice(0, train_end),
            "val": slice(train_end, val_end),
            "test": slice(val_end, None),
        }
        chosen.append(places[bounds[part]])
    return np.sort(np.concatenate(chosen))


@cache
def _load_digits() -> tuple[np.ndarray, np.ndarray]:
    """float32 (1797, 8, 8) ink of 0..1, int64 (1797,) labels; not writable."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    grids, labels = (digits.images / 16).astype(np.float32), digits.target.astype(np.int64)
    grids.flags.writeable = labels.flags.writeable = False
    return grids, labels


def _ink(grid: np.ndarray, side: int) -> np.ndarray:
    """(8, 8) -> float32 (side, side), 0..1, with edges about a pixel wide."""
    enlarged = cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
    edge = np.clip((enlarged - _BLANK_INK) / (_FULL_INK - _BLANK_INK), 0, 1)
    crisp: np.ndarray = edge * edge * (3 - 2 * edge)
    return crisp


def _inked(rng: np.random.Generator, under: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """What lies under a digit, float32 (side, side, 3), with it drawn in a colour that stands out from all of that."""
    gray = under.mean(axis=2)[ink >= 0.5]
    darkest, brightest = float(gray.min()), float(gray.max())
    if rng.random() < darkest / (darkest + 255 - brightest):
        level = rng.uniform(0, max(darkest - _LEAST_CONTRAST, 1))
    else:
        level = rng.uniform(min(brightest + _LEAST_CONTRAST, 254), 255)
    tint = rng.uniform(-_INK_TINT, _INK_TINT, 3)
    colour = np.clip(level + tint - tint.mean(), 0, 255)
    share = ink[:, :, np.newaxis]
    drawn: np.ndarray = under * (1 - share) + colour.astype(np.float32) * share
    return drawn


def _places(rng: np.random.Generator, options: SceneOptions) -> list[tuple[int, int, int]]:
    """(left, top, side) of squares that keep their distance; a count within the options."""
    count = int(rng.integers(options.fewest, options.most + 1))
    while True:
        places: list[tuple[int, int, int]] = []
        for _ in range(_TRIES * count):
            side = round(options.digit_side * rng.uniform(options.smallest_scale, options.largest_scale))
            left, top = (int(rng.integers(0, size - side + 1)) for size in (options.width, options.height))
            if all(_is_apart((left, top, side), other) for other in places):
                places.append((left, top, side))
            if len(places) == count:
                return places


def _is_apart(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return any(a + one[2] + _GAP <= b or b + other[2] + _GAP <= a for a, b in zip(one[:2], other[:2], strict=True))


def _with_shape(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """With a filled ellipse or box, or a stroke, laid over: a hint of colour, so that digits stand out of it."""
    height, width = pixels.shape[:2]
    centre = int(rng.integers(0, width)), int(rng.integers(0, height))
    reach = int(rng.integers(4, max(5, width // 5))), int(rng.integers(4, max(5, height // 5)))
    end = centre[0] + reach[0], centre[1] + reach[1]
    shape = np.zeros((height, width), np.float32)
    kind = int(rng.integers(3))
    if kind == 0:
        cv2.ellipse(shape, centre, reach, float(rng.uniform(0, 180)), 0, 360, 1.0, -1, cv2.LINE_AA)
    elif kind == 1:
        cv2.rectangle(shape, centre, end, 1.0, -1)
    else:
        sweep = float(rng.uniform(0, 270))
        cv2.ellipse(
            shape, centre, reach, float(rng.uniform(0, 180)), 0, sweep, 1.0, int(rng.integers(1, 4)), cv2.LINE_AA
        )
    tint = rng.uniform(-45, 45, 3).astype(np.float32)
    left, top, columns, rows = cv2.boundingRect((shape > 0).astype(np.uint8))
    window = slice(top, top + rows), slice(left, left + columns)
    tinted = pixels.copy()
    tinted[window] += shape[window][:, :, np.newaxis] * tint
    return tinted
