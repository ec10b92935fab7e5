from __future__ import annotations

import numpy as np

from deep_predictor.training.augmentation.sheet import TILE, contact_sheet
from test.training.augmentation.pictures import augmentation, noise

GAP, NAME = 6, 230


def tile_of(sheet: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = row * (TILE + GAP) + GAP, NAME + column * (TILE + GAP)
    return sheet[top : top + TILE, left : left + TILE]


def test_contact_sheet_shows_what_each_operation_does_under_its_name() -> None:
    samples = [(noise(TILE, TILE, 1), "a"), (noise(TILE, TILE, 2), "b")]
    made = augmentation(
        {"name": "flip_vertical", "probability": 0}, {"name": "brightness", "factor_range": 0}, {"name": "mixup"}
    )

    sheet = contact_sheet("train", made, samples, seed=1)

    assert sheet.shape == (5 * (TILE + GAP), NAME + 2 * (TILE + GAP) + GAP, 3)
    for column, (image, _) in enumerate(samples):
        assert np.array_equal(tile_of(sheet, 0, column), image)
        assert np.array_equal(tile_of(sheet, 1, column), image[::-1])  # shown, however rare it is
        assert not tile_of(sheet, 2, column).any()
        assert not tile_of(sheet, 4, column).any()  # as in training: no flip, but black
    # each row begins with a name
    assert all((sheet[row * 166 : row * 166 + 166, :NAME] < 128).any() for row in range(5))
    assert np.array_equal(sheet, contact_sheet("train", made, samples, seed=1))


def test_contact_sheet_fits_any_picture_into_its_tile() -> None:
    samples = [(noise(*size), "a") for size in ((1, 1), (1, 400), (700, 3))]

    sheet = contact_sheet("x", augmentation({"name": "scales", "scales": [2]}), samples, seed=1)

    assert sheet.shape[0] == 3 * (TILE + GAP)
