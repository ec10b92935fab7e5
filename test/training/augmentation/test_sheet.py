from __future__ import annotations

import numpy as np

from deep_predictor.training.augmentation.sheet import TILE, SheetPictures, contact_sheet
from deep_predictor.training.sample import Sample
from test.training.augmentation.pictures import augmentation, noise

GAP, NAME = 6, 230


def tile_of(sheet: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = row * (TILE + GAP) + GAP, NAME + column * (TILE + GAP)
    return sheet[top : top + TILE, left : left + TILE]


def test_contact_sheet_shows_what_each_operation_does_under_its_name() -> None:
    samples = [Sample(noise(TILE, TILE, 1), "a"), Sample(noise(TILE, TILE, 2), "b")]
    made = augmentation(
        {"name": "flip_vertical", "probability": 0}, {"name": "brightness", "factor_range": 0}, {"name": "mixup"}
    )

    sheet = contact_sheet("train", made, SheetPictures(samples, ("a", "b")), seed=1)

    assert sheet.shape == (5 * (TILE + GAP), NAME + 2 * (TILE + GAP) + GAP, 3)
    for column, image in enumerate(sample.image for sample in samples):
        assert np.array_equal(tile_of(sheet, 0, column), image)
        assert np.array_equal(tile_of(sheet, 1, column), image[::-1])  # shown, however rare it is
        assert not tile_of(sheet, 2, column).any()
        assert not tile_of(sheet, 4, column).any()  # as in training: no flip, but black
    # each row begins with a name
    assert all((sheet[row * 166 : row * 166 + 166, :NAME] < 128).any() for row in range(5))
    assert np.array_equal(sheet, contact_sheet("train", made, SheetPictures(samples, ("a", "b")), seed=1))


def test_contact_sheet_fits_any_picture_into_its_tile() -> None:
    samples = [Sample(noise(*size), "a") for size in ((1, 1), (1, 400), (700, 3))]

    sheet = contact_sheet(
        "x", augmentation({"name": "scales", "scales": [2]}), SheetPictures(samples, ("a", "b")), seed=1
    )

    assert sheet.shape[0] == 3 * (TILE + GAP)


def test_contact_sheet_draws_boxes_and_masks_where_they_went() -> None:
    image = np.zeros((TILE, TILE, 3), np.uint8)
    boxes = np.array([[0, 40, 20, 90]], np.float64)
    samples = [
        Sample(image, boxes=boxes, classes=np.ones(1, np.int32), is_crowd=np.zeros(1, bool)),
        Sample(image, mask=np.where(np.arange(TILE) < 30, 1, 0).astype(np.uint8)[np.newaxis].repeat(TILE, axis=0)),
    ]

    pictures = SheetPictures(samples, ("background", "b"))
    sheet = contact_sheet("x", augmentation({"name": "flip_horizontal"}), pictures, seed=1)

    assert {tuple(np.flatnonzero(tile_of(sheet, row, 1).any(axis=(0, 2)))[[0, -1]]) for row in (0, 1)} == {
        (0, 29),
        (TILE - 30, TILE - 1),
    }
    for row, left in ((0, 0), (1, TILE - 20)):
        drawn = tile_of(sheet, row, 0).max(axis=2) > 0
        assert drawn[40:90, left].all()
        assert drawn[40:90, left + 19].all()
        assert not drawn[43:87, left + 3 : left + 17].any()
        assert np.flatnonzero(drawn.any(axis=1))[[0, -1]].tolist() == [40, 89]
