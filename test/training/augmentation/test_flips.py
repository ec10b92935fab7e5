from __future__ import annotations

import numpy as np

from test.training.augmentation.pictures import all_variants, augmentation, changed, gray, once

IMAGE = gray([[1, 2, 3], [4, 5, 6]])


def test_flips_turn_sides_round() -> None:
    assert once(IMAGE, "flip_horizontal")[:, :, 0].tolist() == [[3, 2, 1], [6, 5, 4]]
    assert once(IMAGE, "flip_vertical")[:, :, 0].tolist() == [[4, 5, 6], [1, 2, 3]]
    assert once(IMAGE, "flip_both")[:, :, 0].tolist() == [[6, 5, 4], [3, 2, 1]]


def test_flip_keeps_the_order_of_colours() -> None:
    image = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)

    assert once(image, "flip_horizontal").tolist() == [[[4, 5, 6], [1, 2, 3]]]


def test_flip_without_a_probability_happens_half_of_the_times_in_training_and_always_on_disk() -> None:
    flip = augmentation({"name": "flip_horizontal"})
    rng = np.random.default_rng(0)

    flipped = sum(int(changed(flip, rng, IMAGE, "a")[0, 0, 0]) == 3 for _ in range(1000))

    assert 450 < flipped < 550
    assert [picture[0, 0, 0] for picture in all_variants(IMAGE, {"name": "flip_horizontal"}).values()] == [3]
