"""The mask of one picture, whatever colours it was drawn in: a class index for each pixel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

#: Pixels of this index count for nothing: neither in training nor in figures.
IGNORE_INDEX = 255
#: One number is kept for colours that no class has.
MAX_MASK_CLASSES = 254


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
