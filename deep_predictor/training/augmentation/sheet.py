"""The contact sheet: what each operation of a list does to a few pictures, a row an operation, with its name."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.augmentation.base import BatchOperation, Operation, PictureOperation
from deep_predictor.training.augmentation.pipeline import Augmentation

TILE = 160
_GAP = 6
_NAME_WIDTH = 230
_PAPER = 255
_FIT = InputSpec(width=TILE, height=TILE, color_mode="rgb", resize_mode="letterbox", resize_filter="area")

#: A picture with its class name.
Sample = tuple[np.ndarray, str]


def contact_sheet(title: str, augmentation: Augmentation, samples: Sequence[Sample], seed: int) -> np.ndarray:
    """RGB uint8 (H, W, 3): the pictures, then a row an operation (always applied), then all together as in training.

    Deterministic by the seed; a row does not depend on the others.
    """
    rows = [_row(title, [_tile(image) for image, _ in samples])]
    for number, step in enumerate(augmentation.steps):
        rng = np.random.default_rng([seed, number])
        rows.append(_row(f"{number} {step.name}", _shown(step.operation, rng, samples)))
    rng = np.random.default_rng([seed, len(augmentation.steps)])
    drawn = [_tile(augmentation.image(rng, image, class_name)) for image, class_name in samples]
    inputs, _ = augmentation.batch(rng, _stacked(drawn), _targets(len(samples)))
    rows.append(_row("all together", _tiles_of(inputs)))
    return np.concatenate(rows)


def _shown(operation: Operation, rng: np.random.Generator, samples: Sequence[Sample]) -> list[np.ndarray]:
    if isinstance(operation, PictureOperation):
        return [_tile(operation.draw(rng, image, class_name)) for image, class_name in samples]
    assert isinstance(operation, BatchOperation)
    inputs, _ = operation.mix(rng, _stacked([_tile(image) for image, _ in samples]), _targets(len(samples)))
    return _tiles_of(inputs)


def _row(name: str, tiles: Sequence[np.ndarray]) -> np.ndarray:
    width = _NAME_WIDTH + len(tiles) * (TILE + _GAP) + _GAP
    row = np.full((TILE + _GAP, width, 3), _PAPER, np.uint8)
    cv2.putText(row, name, (_GAP, TILE // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    for number, tile in enumerate(tiles):
        left = _NAME_WIDTH + number * (TILE + _GAP)
        row[_GAP:, left : left + TILE] = tile
    return row


def _tile(image: np.ndarray) -> np.ndarray:
    return _FIT.apply(np.ascontiguousarray(image)).astype(np.uint8)


def _stacked(tiles: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(tiles).astype(np.float32)


def _tiles_of(inputs: np.ndarray) -> list[np.ndarray]:
    return list(np.clip(np.rint(inputs), 0, 255).astype(np.uint8))


def _targets(count: int) -> np.ndarray:
    return np.eye(count, dtype=np.float32)
