"""The mask of one picture, whatever colours it was drawn in: a class index for each pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from deep_predictor.training import import_files

#: Pixels of this index count for nothing: neither in training nor in figures.
IGNORE_INDEX = 255
MAX_MASK_CLASSES = import_files.MAX_MASK_CLASSES
#: A class of this name is what is left where nothing is, whatever its index; without one, every class is a thing.
BACKGROUND_NAME = "background"


@dataclass(frozen=True, eq=False)
class PictureMask:
    """`name`: POSIX path of the picture below its folder. `mask`: uint8 (H, W), as large as the upright picture."""

    name: str
    mask: np.ndarray


@dataclass(frozen=True)
class MaskSet:
    """What a reader gives: masks are read while they are asked for, once; then the log of problems is complete."""

    class_names: tuple[str, ...]
    masks: Iterator[PictureMask]


def background_of(class_names: Sequence[str]) -> int | None:
    """The index of the background; None where there is none."""
    return class_names.index(BACKGROUND_NAME) if BACKGROUND_NAME in class_names else None
