"""Operations on a batch, which mix pictures and their targets: mixup (Zhang 2018) and cutmix (Yun 2019)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from pydantic import Field

from deep_predictor.training.augmentation.base import BatchOperation, OperationOptions


class MixOptions(OperationOptions):
    #: Of Beta(alpha, alpha), whence the picture's own share is drawn: small ones give shares near 0 and 1, 1 all alike.
    alpha: float = Field(0.2, gt=0, le=100)


class Mixup(BatchOperation[MixOptions]):
    """share * picture + (1 - share) * another of the batch."""

    options_class = MixOptions

    def mix(self, rng: np.random.Generator, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mixed, mixed_targets = inputs.copy(), targets.copy()
        for index, partner, share in _pairs(rng, len(inputs), self.probability, self.options.alpha):
            mixed[index] = share * inputs[index] + (1 - share) * inputs[partner]
            mixed_targets[index] = share * targets[index] + (1 - share) * targets[partner]
        return mixed, mixed_targets


class CutmixOptions(MixOptions):
    alpha: float = Field(1.0, gt=0, le=100)


class Cutmix(BatchOperation[CutmixOptions]):
    """A rectangle of another picture of the batch is laid over; targets follow the share of the area."""

    options_class = CutmixOptions

    def mix(self, rng: np.random.Generator, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mixed, mixed_targets = inputs.copy(), targets.copy()
        height, width = inputs.shape[1:3]
        for index, partner, share in _pairs(rng, len(inputs), self.probability, self.options.alpha):
            rows, columns = _box(rng, height, width, 1 - float(share))
            mixed[index, rows, columns] = inputs[partner, rows, columns]
            covered = (rows.stop - rows.start) * (columns.stop - columns.start)
            own = np.float32(1 - covered / (height * width))
            mixed_targets[index] = own * targets[index] + (1 - own) * targets[partner]
        return mixed, mixed_targets


def _pairs(
    rng: np.random.Generator, count: int, probability: float, alpha: float
) -> Iterator[tuple[int, int, np.float32]]:
    """(picture, its partner, its own share) of those that are mixed."""
    is_mixed = rng.random(count) < probability
    partners = rng.permutation(count)
    shares = rng.beta(alpha, alpha, count).astype(np.float32)
    for index in np.flatnonzero(is_mixed):
        yield int(index), int(partners[index]), shares[index]


def _box(rng: np.random.Generator, height: int, width: int, share: float) -> tuple[slice, slice]:
    """A rectangle of the picture's shape and about this share of its area, around any pixel, cut at the border."""
    box_height, box_width = round(height * math.sqrt(share)), round(width * math.sqrt(share))
    top = int(rng.integers(height)) - box_height // 2
    left = int(rng.integers(width)) - box_width // 2
    return (
        slice(max(0, top), min(height, top + box_height)),
        slice(max(0, left), min(width, left + box_width)),
    )
