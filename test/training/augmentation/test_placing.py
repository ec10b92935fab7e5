"""rotations, scales, center_crop on pixels."""

from __future__ import annotations

import numpy as np
import pytest

from test.training.augmentation.pictures import all_variants, gray, noise, once

IMAGE = gray([[1, 2, 3], [4, 5, 6]])


def test_rotations_by_quarter_turns_are_exact_and_counter_clockwise() -> None:
    assert once(IMAGE, "rotations", angles=[90])[:, :, 0].tolist() == [[3, 6], [2, 5], [1, 4]]
    assert once(IMAGE, "rotations", angles=[180])[:, :, 0].tolist() == [[6, 5, 4], [3, 2, 1]]
    assert once(IMAGE, "rotations", angles=[-90])[:, :, 0].tolist() == [[4, 1], [5, 2], [6, 3]]
    assert np.array_equal(once(IMAGE, "rotations", angles=[270]), once(IMAGE, "rotations", angles=[-90]))
    assert np.array_equal(once(IMAGE, "rotations", angles=[0, 360, -360]), IMAGE)


def slowly_turned(image: np.ndarray, degrees: float) -> np.ndarray:
    """Each pixel from where it was before the turn, by the four pixels around; black outside."""
    height, width = image.shape[:2]
    angle, middle_x, middle_y = np.deg2rad(degrees), (width - 1) / 2, (height - 1) / 2
    turned = np.zeros(image.shape)
    for y in range(height):
        for x in range(width):
            dx, dy = x - middle_x, y - middle_y
            from_x = middle_x + dx * np.cos(angle) - dy * np.sin(angle)
            from_y = middle_y + dx * np.sin(angle) + dy * np.cos(angle)
            left, top = int(np.floor(from_x)), int(np.floor(from_y))
            for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
                weight = (1 - abs(from_x - column)) * (1 - abs(from_y - row))
                if 0 <= row < height and 0 <= column < width:
                    turned[y, x] += weight * image[row, column]
    return turned


@pytest.mark.parametrize("angle", [10, 45, -30, 133.5])
def test_rotations_equal_the_slow_version(angle: float) -> None:
    smooth = np.add.outer(np.arange(15) * 6, np.arange(21) * 7).tolist()
    image = gray(smooth)

    turned = once(image, "rotations", angles=[angle], border="black")

    assert turned.shape == image.shape
    # OpenCV reads between pixels in steps of 1/32.
    assert np.abs(turned - slowly_turned(image, angle)).max() <= 8
    assert np.abs(turned - slowly_turned(image, angle)).mean() <= 0.6


def test_rotations_border_fills_the_corners() -> None:
    white = gray([[255] * 20] * 20)

    assert once(white, "rotations", angles=[45], border="black")[0, 0, 0] == 0
    assert once(white, "rotations", angles=[45], border="edge").min() == 255
    assert once(white, "rotations", angles=[45]).min() == 255


def test_rotations_on_disk_are_one_picture_an_angle() -> None:
    found = all_variants(IMAGE, {"name": "rotations", "angles": [90, -90, 17]}, draws=9)

    assert list(found) == ["rotations-90", "rotations--90", "rotations-17"]
    assert found["rotations-90"][:, :, 0].tolist() == [[3, 6], [2, 5], [1, 4]]


def test_rotations_in_training_take_each_angle_of_the_list() -> None:
    firsts = [int(once(IMAGE, "rotations", seed, angles=[0, 90, 180])[0, 0, 0]) for seed in range(300)]

    assert all(70 < firsts.count(value) < 130 for value in (1, 3, 6))


def test_rotations_of_a_picture_longer_than_opencv_can_count_is_made_smaller() -> None:
    turned = once(noise(2, 40_000), "rotations", angles=[1])

    assert turned.shape == (2, 32_000, 3)


def test_scales_over_one_magnify_the_middle() -> None:
    image = gray([[0, 0, 0, 0], [0, 10, 26, 0], [0, 50, 66, 0], [0, 0, 0, 0]])

    magnified = once(image, "scales", scales=[2])[:, :, 0]

    # the middle 2x2, by the linear filter at -1/4, 1/4, 3/4, 5/4 of it
    assert magnified[:, 0].tolist() == [10, 20, 40, 50]
    assert magnified[0].tolist() == [10, 14, 22, 26]


def test_scales_under_one_make_the_whole_smaller_and_fill_around_it() -> None:
    image = gray([[10, 20, 30, 40], [30, 40, 50, 60], [50, 60, 70, 80], [70, 80, 90, 100]])

    black = once(image, "scales", scales=[0.5], border="black")[:, :, 0]
    edge = once(image, "scales", scales=[0.5], border="edge")[:, :, 0]
    reflect = once(image, "scales", scales=[0.5], border="reflect")[:, :, 0]

    # means of the four quarters: 25, 45, 65, 85
    assert black.tolist() == [[0, 0, 0, 0], [0, 25, 45, 0], [0, 65, 85, 0], [0, 0, 0, 0]]
    assert edge.tolist() == [[25, 25, 45, 45], [25, 25, 45, 45], [65, 65, 85, 85], [65, 65, 85, 85]]
    assert reflect.tolist() == edge.tolist()


def test_scales_keep_the_size_and_one_is_the_picture() -> None:
    image = noise(7, 11)

    assert {
        picture.shape for picture in all_variants(image, {"name": "scales", "scales": [0.05, 0.3, 1.7, 20]}).values()
    } == {image.shape}
    assert np.array_equal(once(image, "scales", scales=[1]), image)


def test_center_crop_keeps_the_share_of_each_side_in_the_middle() -> None:
    image = gray(np.arange(40).reshape(5, 8).tolist())

    # 8 * 0.5 = 4 from column 2; 5 * 0.5 = 2.5 -> 2 from row 1
    assert once(image, "center_crop", share_range=0.5)[:, :, 0].tolist() == [[10, 11, 12, 13], [18, 19, 20, 21]]
    assert once(image, "center_crop", share_range=0.01).shape == (1, 1, 3)
    assert np.array_equal(once(image, "center_crop", share_range=1), image)
