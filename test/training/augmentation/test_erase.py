from __future__ import annotations

import numpy as np

from test.training.augmentation.pictures import noise, once


def box_of(image: np.ndarray, erased: np.ndarray) -> tuple[int, int, int, int]:
    """(top, left, height, width) of what is different."""
    rows, columns = np.nonzero((image != erased).any(axis=2))
    return rows.min(), columns.min(), rows.max() - rows.min() + 1, columns.max() - columns.min() + 1


def test_random_erase_covers_one_rectangle_of_the_wanted_area_and_shape() -> None:
    image = np.full((40, 60, 3), 200, np.uint8)

    erased = once(image, "random_erase", area_range=0.25, aspect_range=1.5, fill=0)

    top, left, height, width = box_of(image, erased)
    # area 600 = height * width with height / width = 1.5: 30 x 20
    assert (height, width) == (30, 20)
    assert not erased[top : top + 30, left : left + 20].any()
    assert np.count_nonzero(erased == 0) == 30 * 20 * 3


def test_random_erase_is_cut_at_the_sides_and_can_cover_all() -> None:
    image = np.full((40, 60, 3), 200, np.uint8)

    assert box_of(image, once(image, "random_erase", area_range=1, aspect_range=1, fill=0))[2:] == (40, 49)
    assert not once(image, "random_erase", area_range=1, aspect_range=40 / 60, fill=0).any()


def test_random_erase_goes_everywhere() -> None:
    image = np.full((12, 12, 3), 200, np.uint8)
    hit = np.zeros((12, 12), int)
    for seed in range(400):
        hit += once(image, "random_erase", seed, area_range=0.1, aspect_range=[0.5, 2], fill=0)[:, :, 0] == 0

    assert hit.min() > 0


def test_random_erase_of_nothing_is_the_picture_and_noise_is_noise() -> None:
    image = np.full((30, 30, 3), 200, np.uint8)

    assert np.array_equal(once(image, "random_erase", area_range=0), image)
    assert len(np.unique(once(image, "random_erase", area_range=0.5))) > 200
    assert once(noise(1, 1), "random_erase", area_range=1, aspect_range=1, fill=[1, 2, 3]).tolist() == [[[1, 2, 3]]]
