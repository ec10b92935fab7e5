"""gaussian_blur against the bell curve itself."""

from __future__ import annotations

import numpy as np
import pytest

from test.training.augmentation.pictures import gray, noise, once


def slowly(image: np.ndarray, sigma: float) -> np.ndarray:
    """The bell curve, cut at three sigma, over a picture that is mirrored at its border (without the last pixel)."""
    reach = (round(sigma * 6 + 1) | 1) // 2
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    height, width = image.shape[:2]
    padded = np.pad(image.astype(float), ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
    down = sum(weight * padded[k : k + height] for k, weight in enumerate(weights))
    return sum(weight * down[:, k : k + width] for k, weight in enumerate(weights))


@pytest.mark.parametrize("sigma", [0.4, 0.8, 1.5, 3.0])
def test_gaussian_blur_equals_the_slow_version(sigma: float) -> None:
    image = noise(24, 31)

    blurred = once(image, "gaussian_blur", sigma_range=sigma)

    # OpenCV's weights are multiples of 1/256.
    assert np.abs(blurred - slowly(image, sigma)).max() <= 2
    assert np.abs(blurred - slowly(image, sigma)).mean() <= 0.5


def test_gaussian_blur_spreads_a_point_evenly() -> None:
    point = np.zeros((7, 7), int)
    point[3, 3] = 200

    blurred = once(gray(point.tolist()), "gaussian_blur", sigma_range=1)[:, :, 0]

    # exp(0), exp(-1/2), exp(-2), exp(-9/2) over their sum 2.5059: 0.39905, 0.24204, 0.05401, 0.00443,
    # times 200 * 0.39905 = 79.8: 31.8, 19.3, 4.3, 0.35; the weights come as 102, 62, 14, 1 of 256
    assert np.abs(blurred[3] - [0.35, 4.3, 19.3, 31.8, 19.3, 4.3, 0.35]).max() < 0.7
    # the next row is 0.24204 / 0.39905 of it
    assert np.abs(blurred[2] - [0.2, 2.6, 11.7, 19.3, 11.7, 2.6, 0.2]).max() < 0.7
    assert np.array_equal(blurred, blurred.T)


def test_gaussian_blur_of_zero_is_the_picture_and_one_pixel_stays() -> None:
    image = noise(5, 6)

    assert np.array_equal(once(image, "gaussian_blur", sigma_range=0), image)
    assert once(noise(1, 1), "gaussian_blur", sigma_range=9).tolist() == noise(1, 1).tolist()
