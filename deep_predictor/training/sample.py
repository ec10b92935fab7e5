"""A picture with what is true of it: what augmentation changes together, and targets are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Sample:
    """Raises ValueError where the parts do not fit each other.

    `image`: RGB uint8 (H, W, 3). Of a classified picture `class_name` is known, of one with boxes `boxes`, `classes`
    and `is_crowd`, of one with a mask `mask`; the others are empty.
    """

    image: np.ndarray
    class_name: str = ""
    #: float64 (N, 4): x1, y1, x2, y2 in pixels, from the outer edge of the first pixel.
    boxes: np.ndarray | None = None
    #: int32 (N,): indices into the set's class names.
    classes: np.ndarray | None = None
    #: bool (N,): regions with many things of the class.
    is_crowd: np.ndarray | None = None
    #: uint8 (H, W): a class for each pixel, or IGNORE_INDEX.
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.mask is not None and self.mask.shape != self.image.shape[:2]:
            raise ValueError(f"a mask {self.mask.shape} does not fit a picture {self.image.shape}")
        if self.boxes is None:
            return
        count = len(self.boxes)
        given = [None if some is None else some.shape for some in (self.classes, self.is_crowd)]
        if self.boxes.shape != (count, 4) or given != [(count,), (count,)]:
            raise ValueError(f"boxes {self.boxes.shape} do not fit classes and crowds {given}")
