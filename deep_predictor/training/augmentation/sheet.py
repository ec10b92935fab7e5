"""The contact sheet: what each operation of a list does to a few pictures, a row an operation, with its name.

Boxes and masks are drawn over the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.augmentation.base import BatchOperation, Operation, PictureOperation
from deep_predictor.training.augmentation.pipeline import Augmentation
from deep_predictor.training.placing import view_of_input
from deep_predictor.training.sample import Sample
from deep_predictor.training.truth_drawing import draw_truth

TILE = 160
_GAP = 6
_NAME_WIDTH = 230
_PAPER = 255
_FIT = InputSpec(width=TILE, height=TILE, color_mode="rgb", resize_mode="letterbox", resize_filter="area")


@dataclass(frozen=True)
class SheetPictures:
    """Pictures of one data set, with its class names."""

    samples: Sequence[Sample]
    class_names: Sequence[str]


def contact_sheet(title: str, augmentation: Augmentation, pictures: SheetPictures, seed: int) -> np.ndarray:
    """RGB uint8 (H, W, 3): the pictures, then a row an operation (always applied), then all together as in training.

    Deterministic by the seed; a row does not depend on the others.
    """
    samples, tile = pictures.samples, partial(_tile, pictures.class_names)
    rows = [_row(title, list(map(tile, samples)))]
    for number, step in enumerate(augmentation.steps):
        rng = np.random.default_rng([seed, number])
        rows.append(_row(f"{number} {step.name}", _shown(step.operation, rng, pictures)))
    rng = np.random.default_rng([seed, len(augmentation.steps)])
    drawn = [tile(augmentation.sample(rng, sample)) for sample in samples]
    inputs, _ = augmentation.batch(rng, _stacked(drawn), _targets(len(samples)))
    rows.append(_row("all together", _tiles_of(inputs)))
    return np.concatenate(rows)


def _shown(operation: Operation, rng: np.random.Generator, pictures: SheetPictures) -> list[np.ndarray]:
    samples, tile = pictures.samples, partial(_tile, pictures.class_names)
    if isinstance(operation, PictureOperation):
        return [tile(operation.draw(rng, sample)) for sample in samples]
    assert isinstance(operation, BatchOperation)
    inputs, _ = operation.mix(rng, _stacked(list(map(tile, samples))), _targets(len(samples)))
    return _tiles_of(inputs)


def _row(name: str, tiles: Sequence[np.ndarray]) -> np.ndarray:
    width = _NAME_WIDTH + len(tiles) * (TILE + _GAP) + _GAP
    row = np.full((TILE + _GAP, width, 3), _PAPER, np.uint8)
    cv2.putText(row, name, (_GAP, TILE // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    for number, tile in enumerate(tiles):
        left = _NAME_WIDTH + number * (TILE + _GAP)
        row[_GAP:, left : left + TILE] = tile
    return row


def _tile(class_names: Sequence[str], sample: Sample) -> np.ndarray:
    height, width = sample.image.shape[:2]
    fitted = _FIT.apply(np.ascontiguousarray(sample.image)).astype(np.uint8)
    return draw_truth(view_of_input(_FIT, (width, height)).sample(sample, fitted), class_names)


def _stacked(tiles: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(tiles).astype(np.float32)


def _tiles_of(inputs: np.ndarray) -> list[np.ndarray]:
    return list(np.clip(np.rint(inputs), 0, 255).astype(np.uint8))


def _targets(count: int) -> np.ndarray:
    return np.eye(count, dtype=np.float32)
