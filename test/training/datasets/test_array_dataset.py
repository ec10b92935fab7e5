"""Pictures in memory: what a set of them is refused for."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import ArrayDataset, encode_png


def picture(value: int) -> np.ndarray:
    return np.full((4, 5, 3), value, dtype=np.uint8)


def test_array_dataset_gives_back_what_it_got() -> None:
    dataset = ArrayDataset([picture(1), picture(2)], [0, 1], ["a", "b"], parts=["train", "test"])

    assert [(item.label, item.part) for item in dataset.items] == [(0, "train"), (1, "test")]
    np.testing.assert_array_equal(dataset.read(1), picture(2))
    assert dataset.content_hash(0) != dataset.content_hash(1)


def test_array_dataset_file_is_a_lossless_png() -> None:
    image = np.random.default_rng(1).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    data, extension = ArrayDataset([image, picture(1)], [0, 1], ["a", "b"]).read_file(0)

    assert extension == "png"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), image)


def test_encode_png_keeps_transparency() -> None:
    image = np.random.default_rng(1).integers(0, 256, (4, 5, 4), dtype=np.uint8)

    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(image)))), image)


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
def test_array_dataset_whose_parts_do_not_fit_is_refused(
    images: tuple[np.ndarray, ...], labels: list[int], names: tuple[str, ...]
) -> None:
    with pytest.raises(DatasetUnusable):
        ArrayDataset(images, np.array(labels, dtype=np.int64), names)
