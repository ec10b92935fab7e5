"""How long an epoch takes and how much memory the pictures need: rough, from a moment's measuring on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from deep_predictor.errors import ImageUnreadable
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.doctor.findings import Estimate

_SAMPLE_COUNT = 24
_READ_SIDE = 224
_SIDES = (32, 96, 224)
#: Multiplications with additions that one picture takes forwards, in millions.
_NETWORKS = {"LeNet-5, 32 px": 0.42, "MobileNetV2, 96 px": 57.0, "ResNet50, 224 px": 3_900.0}
#: Forwards and backwards; convolutions reach this share of what a plain product of matrices does.
_PASSES, _EFFICIENCY = 3, 0.25
_MATRIX_SIDE = 512
_MATRIX_REPEATS = 8


def estimate(dataset: Dataset, readable: Sequence[int]) -> Estimate:
    """Of one epoch over the readable pictures of a set."""
    count = len(readable)
    speed = _products_per_second() * _EFFICIENCY
    return Estimate(
        reading_seconds=round(_reading_seconds(dataset, readable) * count, 3),
        memory_bytes={side: count * side * side * 3 for side in _SIDES},
        training_seconds={
            name: round(count * _PASSES * millions * 1e6 / speed, 3) for name, millions in _NETWORKS.items()
        },
    )


def _reading_seconds(dataset: Dataset, readable: Sequence[int]) -> float:
    """Of one picture, from pictures all over the set."""
    chosen = np.unique(np.linspace(0, len(readable) - 1, _SAMPLE_COUNT).astype(int))
    started = time.perf_counter()
    for position in chosen:
        try:
            dataset.read(readable[position], (_READ_SIDE, _READ_SIDE))
        except ImageUnreadable:  # it could be read a moment ago; an estimate goes on
            continue
    return (time.perf_counter() - started) / len(chosen)


def _products_per_second() -> float:
    """Multiplications with additions of float32 on all cores."""
    matrix = np.ones((_MATRIX_SIDE, _MATRIX_SIDE), np.float32)
    matrix @ matrix  # the first product starts the threads
    fastest = 1.0
    for _ in range(_MATRIX_REPEATS):  # other work slows some of them down
        started = time.perf_counter()
        matrix @ matrix
        fastest = min(fastest, time.perf_counter() - started)
    return _MATRIX_SIDE**3 / max(fastest, 1e-6)
