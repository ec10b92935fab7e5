"""The labelled pictures: the digits of scikit-learn, and what a data set is refused for."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.datasets import LabelledImages, load_dataset, render_digit


def picture(value: int) -> np.ndarray:
    return np.full((4, 5, 3), value, dtype=np.uint8)


def test_load_dataset_digits_gives_all_1797_pictures_of_ten_classes() -> None:
    digits = load_dataset("sklearn_digits")

    assert len(digits.images) == 1797
    assert digits.class_names == tuple("0123456789")
    assert digits.images[0].shape == (64, 64, 3)
    assert len(set(digits.content_hashes)) == 1797


def test_render_digit_blank_grid_is_white_paper() -> None:
    assert (render_digit(np.zeros((8, 8))) == 255).all()


def test_render_digit_full_grid_is_dark_ink_inside_a_white_border() -> None:
    image = render_digit(np.full((8, 8), 16.0))

    assert image.dtype == np.uint8
    assert (image[32, 32] == 30).all()
    assert (image[0] == 255).all()
    assert (image[:, -1] == 255).all()
    assert (image == image[:, :, :1]).all()


def test_render_digit_keeps_the_grid_upright() -> None:
    grid = np.zeros((8, 8))
    grid[0:2, 5:8] = 16
    rows, columns = np.nonzero(render_digit(grid)[:, :, 0] < 128)

    assert rows.mean() < 20
    assert columns.mean() > 40


def test_labelled_images_sha256_does_not_depend_on_the_order() -> None:
    one = LabelledImages((picture(1), picture(2), picture(3)), np.array([0, 1, 1]), ("a", "b"))
    other = LabelledImages((picture(3), picture(1), picture(2)), np.array([1, 0, 1]), ("a", "b"))
    relabelled = LabelledImages((picture(3), picture(1), picture(2)), np.array([1, 1, 0]), ("a", "b"))

    assert one.sha256 == other.sha256 != relabelled.sha256


@pytest.mark.parametrize(
    ("images", "labels", "names"),
    [
        ((), [], ("a", "b")),
        ((picture(1),), [0, 1], ("a", "b")),
        ((picture(1),), [2], ("a", "b")),
        ((picture(1),), [-1], ("a", "b")),
        ((picture(1),), [0], ("a",)),
        ((picture(1),), [0], ("a", "a")),
        ((picture(1),), [0], ("a", "")),
        ((picture(1),), [0], ("a", "two\nlines")),
        ((picture(1),), [0], ("a", " b")),
        ((picture(1).astype(np.float32),), [0], ("a", "b")),
        ((picture(1)[:, :, 0],), [0], ("a", "b")),
    ],
)
def test_labelled_images_that_do_not_fit_are_refused(
    images: tuple[np.ndarray, ...], labels: list[int], names: tuple[str, ...]
) -> None:
    with pytest.raises(DatasetUnusable):
        LabelledImages(images, np.array(labels, dtype=np.int64), names)
