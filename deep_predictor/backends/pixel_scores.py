"""From scores on a network's grid to the class of each pixel of a picture, in little memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from deep_predictor.images.preprocessing import InputSpec

#: A pixel's class is a byte.
MAX_CLASSES = 256
#: Grid points whose scores are compared at once: they stay in the processor's cache.
_GRID_BLOCK = 4096
#: Pixels of the picture that are looked at at once.
_BAND_PIXELS = 1 << 20
_NOT_FINITE = "a score of the model is not a finite number"


@dataclass(frozen=True)
class Placing:
    """Where scores of a network's input lie on a picture.

    input_size: (width, height). source: (left, top, width, height) of the input that shows the picture. target:
    that part of the picture which it shows. picture_size: (width, height).
    """

    input_size: tuple[int, int]
    source: tuple[int, int, int, int]
    target: tuple[int, int, int, int]
    picture_size: tuple[int, int]


def placing_of(spec: InputSpec, picture_size: tuple[int, int]) -> Placing:
    """Where the scores of an input lie on the picture of (width, height) that it was made of."""
    whole_input, whole_picture = (0, 0, spec.width, spec.height), (0, 0, *picture_size)
    return Placing(
        input_size=(spec.width, spec.height),
        source=spec.letterbox_box(picture_size) if spec.resize_mode == "letterbox" else whole_input,
        target=spec.crop_box(picture_size) if spec.resize_mode == "center_crop" else whole_picture,
        picture_size=picture_size,
    )


def best_classes(scores: np.ndarray) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Scores (h, w, C) of up to 256 classes -> the best of each point, uint8 (h, w), and the scores of those classes.

    Of equal scores the lower class wins. The scores are float32 (h, w) for each class that is the best somewhere.
    Raises ValueError where one of these is not finite.
    """
    planes = np.moveaxis(scores, -1, 0)
    if planes.flags.c_contiguous:
        classes = _best_planes(planes.reshape(len(planes), -1)).reshape(scores.shape[:2])
    else:
        classes = scores.argmax(axis=-1).astype(np.uint8)
    present = np.flatnonzero(np.bincount(classes.ravel(), minlength=1)).tolist()
    found = {index: np.ascontiguousarray(planes[index], np.float32) for index in present}
    if not all(np.isfinite(plane).all() for plane in found.values()):
        raise ValueError(_NOT_FINITE)
    return classes, found


def resampled_classes(planes: Mapping[int, np.ndarray], placing: Placing, outside: int) -> np.ndarray:
    """The mask of a picture: uint8 (H, W).

    `planes`: scores (h, w) on any grid, of the classes that are there. They are brought to the picture by linear
    interpolation, and compared there. `outside`: of pixels that the input does not show.
    """
    first, *others = planes
    mask = _empty_mask(placing, outside)
    part = _part(mask, placing)
    part[:] = first
    if not others:
        return mask
    sources = {index: _source_plane(plane, placing) for index, plane in planes.items()}
    for band in _bands(part.shape):
        best = _stretched(sources[first], part.shape, band)
        for index in others:
            plane = _stretched(sources[index], part.shape, band)
            np.copyto(part[band], np.uint8(index), where=plane > best)
            best = np.maximum(best, plane)
    return mask


def resampled_threshold(scores: np.ndarray, threshold: float, placing: Placing, outside: int) -> np.ndarray:
    """One score a point (h, w) -> uint8 (H, W): 1 where the interpolated score lies above the threshold, else 0."""
    plane = _source_plane(scores, placing)
    mask = _empty_mask(placing, outside)
    part = _part(mask, placing)
    for band in _bands(part.shape):
        part[band] = _stretched(plane, part.shape, band) > threshold
    return mask


def nearest_classes(classes: np.ndarray, placing: Placing, outside: int) -> np.ndarray:
    """Classes (h, w) uint8 of any grid -> uint8 (H, W), each pixel by the point next to it."""
    left, top, width, height = placing.source
    source = cv2.resize(classes, placing.input_size, interpolation=cv2.INTER_NEAREST_EXACT)
    shown = np.ascontiguousarray(source[top : top + height, left : left + width])
    size = (placing.target[2], placing.target[3])
    return _placed(cv2.resize(shown, size, interpolation=cv2.INTER_NEAREST_EXACT), placing, outside)


def class_counts(mask: np.ndarray) -> np.ndarray:
    """(256,) pixels of each class of a mask uint8 (H, W)."""
    counts = np.zeros(MAX_CLASSES, np.int64)
    for band in _bands(mask.shape):
        histogram = cv2.calcHist([np.ascontiguousarray(mask[band])], [0], None, [MAX_CLASSES], [0, MAX_CLASSES])
        counts += histogram.ravel().astype(np.int64)
    return counts


def _best_planes(planes: np.ndarray) -> np.ndarray:
    """What argmax gives for (C, points), which looks at them one by one; here they are compared side by side.

    Raises ValueError.
    """
    count, points = planes.shape
    rank = np.arange(count, 0, -1, dtype=np.uint16 if count > 255 else np.uint8)[:, np.newaxis]
    classes = np.empty(points, np.uint8)
    for start in range(0, points, _GRID_BLOCK):
        block = planes[:, start : start + _GRID_BLOCK]
        ranks = ((block == block.max(axis=0)) * rank).max(axis=0)  # the first of the best has the highest
        if not ranks.all():  # what is no number equals nothing
            raise ValueError(_NOT_FINITE)
        classes[start : start + _GRID_BLOCK] = count - ranks
    return classes


def _source_plane(scores: np.ndarray, placing: Placing) -> np.ndarray:
    """One class (h, w) of any grid -> float32, that part of the input which shows the picture."""
    plane = np.ascontiguousarray(scores, np.float32)
    if plane.shape != placing.input_size[::-1]:
        plane = cv2.resize(plane, placing.input_size, interpolation=cv2.INTER_LINEAR)
    left, top, width, height = placing.source
    return plane[top : top + height, left : left + width]


def _stretched(plane: np.ndarray, shape: tuple[int, ...], band: slice) -> np.ndarray:
    """Some lines of a plane that is stretched to (H, W) by linear interpolation between the centres of its points."""
    height, width = shape
    if plane.shape == shape:
        return plane[band]
    lines = (np.arange(band.start, min(band.stop, height)) + 0.5) * (len(plane) / height) - 0.5
    lines = np.clip(lines, 0, len(plane) - 1)
    above = np.floor(lines).astype(np.intp)
    below = np.minimum(above + 1, len(plane) - 1)
    weight = (lines - above).astype(np.float32)[:, np.newaxis]
    between = plane[above] * (1 - weight) + plane[below] * weight
    return cv2.resize(between, (width, len(lines)), interpolation=cv2.INTER_LINEAR).reshape(len(lines), width)


def _bands(shape: tuple[int, ...]) -> Iterator[slice]:
    height, width = shape
    lines = max(1, _BAND_PIXELS // width)
    return (slice(start, start + lines) for start in range(0, height, lines))


def _empty_mask(placing: Placing, outside: int) -> np.ndarray:
    return np.full(placing.picture_size[::-1], outside, np.uint8)


def _part(mask: np.ndarray, placing: Placing) -> np.ndarray:
    """What the input shows of a mask, as a view."""
    left, top, width, height = placing.target
    return mask[top : top + height, left : left + width]


def _placed(part: np.ndarray, placing: Placing, outside: int) -> np.ndarray:
    if part.shape == placing.picture_size[::-1]:
        return part
    mask = _empty_mask(placing, outside)
    _part(mask, placing)[:] = part
    return mask
