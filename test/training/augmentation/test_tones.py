"""brightness, contrast, color, gamma: each against values worked out by hand, and a slow obvious version."""

from __future__ import annotations

import numpy as np
import pytest

from test.training.augmentation.pictures import all_variants, gray, noise, once, rgb


def test_brightness_multiplies_each_value_and_stops_at_white() -> None:
    image = rgb([[[0, 10, 101], [200, 255, 128]]])

    assert once(image, "brightness", factor_range=1.5).tolist() == [[[0, 15, 152], [255, 255, 192]]]
    assert once(image, "brightness", factor_range=0.5).tolist() == [[[0, 5, 50], [100, 128, 64]]]
    assert once(image, "brightness", factor_range=0).tolist() == [[[0, 0, 0], [0, 0, 0]]]


def test_contrast_stretches_around_the_mean_gray() -> None:
    image = gray([[40, 80], [120, 160]])  # mean 100

    assert once(image, "contrast", factor_range=2)[:, :, 0].tolist() == [[0, 60], [140, 220]]
    assert once(image, "contrast", factor_range=0.5)[:, :, 0].tolist() == [[70, 90], [110, 130]]
    assert once(image, "contrast", factor_range=0)[:, :, 0].tolist() == [[100, 100], [100, 100]]


def test_color_moves_each_pixel_from_or_to_its_own_gray() -> None:
    # gray of (200, 100, 50) = 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2 -> 124
    image = rgb([[[200, 100, 50]]])

    assert once(image, "color", factor_range=0).tolist() == [[[124, 124, 124]]]
    assert once(image, "color", factor_range=0.5).tolist() == [[[162, 112, 87]]]
    assert once(image, "color", factor_range=1.5).tolist() == [[[238, 88, 13]]]
    assert once(image, "color", factor_range=3).tolist() == [[[255, 52, 0]]]


def test_gamma_bends_the_middle_and_keeps_black_and_white() -> None:
    image = rgb([[[0, 51, 102], [204, 255, 128]]])

    # 255 * 0.2 ^ 2 = 10.2; 0.4 ^ 2 = 40.8; 0.8 ^ 2 = 163.2; (128 / 255) ^ 2 = 64.25
    assert once(image, "gamma", gamma_range=2).tolist() == [[[0, 10, 41], [163, 255, 64]]]
    # 255 * sqrt(0.2) = 114.04; sqrt(0.4) = 161.28; sqrt(0.8) = 228.08; sqrt(128 / 255) = 180.67
    assert once(image, "gamma", gamma_range=0.5).tolist() == [[[0, 114, 161], [228, 255, 181]]]


def slowly(image: np.ndarray, name: str, factor: float) -> np.ndarray:
    """The formula, pixel by pixel."""
    changed = np.zeros_like(image)
    grays = [round(0.299 * int(r) + 0.587 * int(g) + 0.114 * int(b)) for r, g, b in image.reshape(-1, 3)]
    mean = sum(grays) / len(grays)
    for number, pixel in enumerate(image.reshape(-1, 3)):
        for channel, value in enumerate(pixel.tolist()):
            wanted = {
                "brightness": value * factor,
                "contrast": mean + (value - mean) * factor,
                "color": grays[number] + (value - grays[number]) * factor,
                "gamma": 255 * (value / 255) ** factor,
            }[name]
            changed.reshape(-1, 3)[number, channel] = min(255, max(0, round(wanted)))
    return changed


@pytest.mark.parametrize("name", ["brightness", "contrast", "color", "gamma"])
@pytest.mark.parametrize("factor", [0.3, 0.83, 1.27, 2.9])
def test_tones_equal_the_slow_version(name: str, factor: float) -> None:
    image = noise(9, 13)
    key = "gamma_range" if name == "gamma" else "factor_range"

    difference = once(image, name, **{key: factor}).astype(int) - slowly(image, name, factor)

    # A gray that is rounded the other way at a half moves a saturated colour by up to the factor.
    assert np.abs(difference).max() <= (3 if name == "color" else 1)
    assert np.mean(difference != 0) < 0.02


def test_brightness_draws_within_its_range_and_not_always_the_same() -> None:
    image = gray([[100]])

    values = {int(once(image, "brightness", seed, factor_range=[0.5, 1.5])[0, 0, 0]) for seed in range(200)}

    assert 50 <= min(values) < 60
    assert 140 < max(values) <= 150
    assert len(values) > 50


def test_brightness_on_disk_is_drawn_as_often_as_asked_or_once_where_there_is_no_range() -> None:
    image = gray([[100]])

    drawn = all_variants(image, {"name": "brightness", "factor_range": [0.5, 1.5]}, draws=3)
    fixed = all_variants(image, {"name": "brightness", "factor_range": 0.5}, draws=3)

    assert len(drawn) == 3
    assert {name: int(picture[0, 0, 0]) for name, picture in fixed.items()} == {"brightness-0.5": 50}
