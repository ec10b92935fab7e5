"""Where labelled pictures come from. One function a data set and one line in `DATASETS` (see docs/training.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from deep_predictor.errors import DatasetUnusable


@dataclass(frozen=True)
class LabelledImages:
    """Pictures as they would be uploaded, with their classes. Raises DatasetUnusable when the parts do not fit.

    `images[i]` is RGB uint8 (H, W, 3); its class is `class_names[labels[i]]`.
    """

    images: tuple[np.ndarray, ...]
    labels: np.ndarray
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.images or len(self.images) != len(self.labels):
            raise DatasetUnusable(f"{len(self.images)} pictures and {len(self.labels)} labels")
        if len(self.class_names) < 2 or len(set(self.class_names)) != len(self.class_names):
            raise DatasetUnusable(f"at least two classes of different names are needed (got {self.class_names})")
        for name in self.class_names:
            if not name or name != name.strip() or len(name.splitlines()) != 1:
                raise DatasetUnusable(f"the class name {name!r} is not one line without white space around it")
        if self.labels.min() < 0 or self.labels.max() >= len(self.class_names):
            raise DatasetUnusable(f"a label lies outside 0..{len(self.class_names) - 1}")
        for index, image in enumerate(self.images):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise DatasetUnusable(f"picture {index} is not RGB uint8 (got {image.dtype} {image.shape})")

    @cached_property
    def content_hashes(self) -> tuple[str, ...]:
        """SHA-256 of each picture's pixels: equal for equal pictures, whatever they are called."""
        return tuple(_content_hash(image) for image in self.images)

    @cached_property
    def sha256(self) -> str:
        """Hash of the whole set: pictures with their class names, in any order."""
        pairs = zip(self.content_hashes, self.labels, strict=True)
        lines = sorted(f"{content_hash} {self.class_names[label]}" for content_hash, label in pairs)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def load_dataset(name: str) -> LabelledImages:
    """Read the data set `name` of the table below."""
    return DATASETS[name]()


#: Side of a rendered digit in pixels, and the white border around it in cells of the 8x8 grid.
_DIGIT_SIDE = 64
_DIGIT_BORDER_CELLS = 1
#: Ink share that counts as blank paper, and as full ink: cubic enlargement alone leaves a blur between the two.
_BLANK_INK, _FULL_INK = 0.15, 0.85
#: Gray of full ink on paper of 255; a pen is not quite black.
_INK_GRAY = 30


def _sklearn_digits() -> LabelledImages:
    """The 1,797 handwritten digits that scikit-learn carries, drawn as dark ink on white paper."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return LabelledImages(
        images=tuple(render_digit(grid) for grid in digits.images),
        labels=digits.target.astype(np.int64),
        class_names=tuple(str(name) for name in digits.target_names),
    )


def render_digit(grid: np.ndarray) -> np.ndarray:
    """(8, 8) grid of ink, 0..16 -> RGB uint8 (64, 64, 3) picture of it, as a scan of the paper would look."""
    ink = np.pad(grid.astype(np.float32) / 16, _DIGIT_BORDER_CELLS)
    ink = cv2.resize(ink, (_DIGIT_SIDE, _DIGIT_SIDE), interpolation=cv2.INTER_CUBIC)
    edge = np.clip((ink - _BLANK_INK) / (_FULL_INK - _BLANK_INK), 0, 1)
    crisp = edge * edge * (3 - 2 * edge)
    gray = np.rint(255 - crisp * (255 - _INK_GRAY)).astype(np.uint8)
    return np.repeat(gray[:, :, np.newaxis], 3, axis=2)


def _content_hash(image: np.ndarray) -> str:
    return hashlib.sha256(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


#: Name in a training cfg -> what reads it.
DATASETS: dict[str, Callable[[], LabelledImages]] = {
    "sklearn_digits": _sklearn_digits,
}
