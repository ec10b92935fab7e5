"""What is known of each picture after one look at it: its content, look and size, or why it cannot be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.jpeg_file import JpegFile
from deep_predictor.images.png_file import PngFile
from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX
from deep_predictor.training.dataset import BoxDataset, Dataset, MaskDataset, other_size, pixel_hash
from deep_predictor.training.datasets.picture_files import PictureFiles

#: Side of the gray thumbnail that stands for a picture's look.
LOOK_SIDE = 32
#: A picture whose thumbnail varies less is called flat: it looks like every other flat one.
FLAT_DEVIATION = 4.0
#: Decoded down to at least so many pixels a side, a JPEG takes a fraction of its time.
_SMALLEST = (2 * LOOK_SIDE, 2 * LOOK_SIDE)
#: Channels that differ by no more are called gray: JPEG moves colours a little.
_GRAY_SPREAD = 10
_CHUNK = 32
#: Of a mask, that many are counted at once: each takes eight bytes meanwhile.
_BAND_PIXELS = 2**20
_JPEG_MODES = {1: "gray", 3: "colour", 4: "cmyk"}
_PNG_MODES = {0: "gray", 2: "colour", 3: "palette", 4: "gray with transparency", 6: "colour with transparency"}
#: Markers between FFC0 and FFCF that are no frame headers.
_NO_FRAMES = (0xC4, 0xC8, 0xCC)


@dataclass(frozen=True)
class Truth:
    """What is true of a picture, in short."""

    #: Equal where the truth of two pictures is.
    key: str
    #: Class index -> pictures (1), boxes or pixels of it; classes that are not there are absent.
    amounts: Mapping[int, int]


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """One picture. Of one that cannot be read, `problem` says why, and all but `content` is empty."""

    #: SHA-256 as `Dataset.content_hash` gives it; "" where not even the file could be read.
    content: str
    #: Gray uint8 (32, 32).
    thumbnail: np.ndarray | None = None
    #: Upright, in pixels.
    width: int = 0
    height: int = 0
    #: `colour`, `gray`, `palette`, `cmyk`, `colour with transparency`, …
    mode: str = ""
    problem: str | None = None
    #: Of pictures with boxes or masks; of classified ones it is their class, see `truth_of`.
    truth: Truth | None = None
    #: Whether it is the mask that makes it unusable: broken, or of another size than the picture.
    fault: Literal["", "mask", "mask_size"] = ""

    @property
    def is_flat(self) -> bool:
        """Whether it shows nothing: one colour all over, nearly."""
        return self.thumbnail is not None and float(self.thumbnail.std()) < FLAT_DEVIATION


def fingerprint_all(
    dataset: Dataset, workers: int, on_progress: Callable[[int, int], object] | None = None
) -> list[Fingerprint]:
    """Look at each picture once, by `workers` threads. `on_progress` is told (done, all) as it goes on.

    A picture that cannot be read is a fingerprint with a `problem`.
    """
    count = len(dataset.items)
    starts = range(0, count, _CHUNK)

    def look_at(start: int) -> list[Fingerprint]:
        return [_fingerprint(dataset, index) for index in range(start, min(start + _CHUNK, count))]

    found: list[Fingerprint] = []
    with ThreadPoolExecutor(max(1, workers), "fingerprints") as pool:
        for some in pool.map(look_at, starts):
            found += some
            if on_progress:
                on_progress(len(found), count)
    return found


def dataset_hash(dataset: Dataset, fingerprints: Sequence[Fingerprint]) -> str:
    """SHA-256 of the whole set: its pictures with their truth and the parts given, in any order, by any names."""
    lines = []
    for index, (item, fingerprint) in enumerate(zip(dataset.items, fingerprints, strict=True)):
        part = f" {item.part}" if item.part else ""
        lines.append(f"{fingerprint.content} {truth_of(dataset, fingerprint, index).key}{part}")
    if dataset.task != "classification":  # whose classes are those of its pictures
        lines.append(f"{dataset.task} {' '.join(map(repr, dataset.class_names))}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def truth_of(dataset: Dataset, fingerprint: Fingerprint, index: int) -> Truth:
    """Of picture `index`, without a look at it; empty where its boxes or mask cannot be read."""
    if dataset.task == "classification":
        return Truth(dataset.truth_key(index), dict.fromkeys(dataset.classes_of(index), 1))
    return fingerprint.truth or Truth("", {})


def thumbnail_of(pixels: np.ndarray) -> np.ndarray:
    """RGB uint8 (H, W, 3) -> gray uint8 (32, 32), each pixel the mean of what it stands for."""
    return cv2.cvtColor(_shrunk(pixels), cv2.COLOR_RGB2GRAY)


def _fingerprint(dataset: Dataset, index: int) -> Fingerprint:
    found = _of_file(dataset, index) if isinstance(dataset, PictureFiles) else _of_pixels(dataset, index)
    if found.problem is not None:
        return found
    if isinstance(dataset, BoxDataset):
        classes, counts = np.unique(dataset.boxes(index).classes, return_counts=True)
        amounts = dict(zip(classes.tolist(), counts.tolist(), strict=True))
        return replace(found, truth=Truth(dataset.truth_key(index), amounts))
    return _with_mask(found, dataset, index) if isinstance(dataset, MaskDataset) else found


def _with_mask(found: Fingerprint, dataset: MaskDataset, index: int) -> Fingerprint:
    try:
        mask = dataset.mask(index)
    except ImageUnreadable as error:
        return Fingerprint(found.content, problem=error.detail, fault="mask")
    if mask.shape != (found.height, found.width):
        return Fingerprint(found.content, problem=other_size(mask, found.width, found.height), fault="mask_size")
    counts = np.zeros(256, np.int64)
    flat = mask.ravel()
    for start in range(0, len(flat), _BAND_PIXELS):
        counts += np.bincount(flat[start : start + _BAND_PIXELS], minlength=256)
    amounts = {label: int(counts[label]) for label in np.flatnonzero(counts).tolist() if label != IGNORE_INDEX}
    return replace(found, truth=Truth(pixel_hash(mask), amounts))


def _of_file(dataset: PictureFiles, index: int) -> Fingerprint:
    """The file is read once, for its hash and its pixels."""
    content = ""
    try:
        data = dataset.file_bytes(index)
        content = hashlib.sha256(data).hexdigest()
        decoded = dataset.decode(data, _SMALLEST)
        small = _shrunk(decoded.pixels)
        mode = _mode_of(_stored_mode(data, decoded.extension), small)
    except ImageUnreadable as error:
        return Fingerprint(content, problem=str(error))
    return Fingerprint(content, cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), decoded.width, decoded.height, mode)


def _of_pixels(dataset: Dataset, index: int) -> Fingerprint:
    try:
        content = dataset.content_hash(index)
        pixels = dataset.read(index)
    except ImageUnreadable as error:
        return Fingerprint("", problem=str(error))
    small = _shrunk(pixels)
    height, width = pixels.shape[:2]
    return Fingerprint(content, cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), width, height, _mode_of("colour", small))


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    is_small = min(pixels.shape[:2]) < LOOK_SIDE
    return cv2.resize(pixels, (LOOK_SIDE, LOOK_SIDE), interpolation=cv2.INTER_LINEAR if is_small else cv2.INTER_AREA)


def _stored_mode(data: bytes, extension: str) -> str:
    if extension == "jpg":
        for segment in JpegFile.read(data).segments:
            if 0xC0 <= segment.marker <= 0xCF and segment.marker not in _NO_FRAMES:
                return _JPEG_MODES.get(segment.body[5], "colour")
    if extension == "png":
        file = PngFile.read(data)
        return _PNG_MODES.get(file.color_type, "colour") + (" of 16 bits" if file.bit_depth == 16 else "")
    return "colour"


def _mode_of(stored: str, small: np.ndarray) -> str:
    """A picture stored with colours but without any in it counts as gray."""
    if stored in ("colour", "palette"):
        red, green, blue = cv2.split(small)
        spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
        return "gray" if spread.max() <= _GRAY_SPREAD else stored
    return stored
