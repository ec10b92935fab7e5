"""Thumbnails keep the shape of a picture; its size is known without decoding it."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.thumbnails import encode_thumbnail, measure

EXTENSIONS = ("jpg", "png", "gif", "webp", "bmp")


def encoded(image_format: str, orientation: int = 1) -> bytes:
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (30, 20), "orange").save(file, image_format, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize(
    ("size", "enlarges", "expected"),
    [((100, 50), False, (40, 20)), ((10, 5), False, (10, 5)), ((10, 5), True, (40, 20)), ((4000, 1), False, (40, 1))],
)
def test_encode_thumbnail_keeps_the_shape(size: tuple[int, int], enlarges: bool, expected: tuple[int, int]) -> None:
    pixels = np.full((size[1], size[0], 3), (250, 120, 0), np.uint8)
    with Image.open(BytesIO(encode_thumbnail(pixels, 40, enlarges))) as image:
        assert (image.format, image.size) == ("JPEG", expected)
        assert np.abs(np.asarray(image).astype(int) - (250, 120, 0)).max() < 12


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_measure_gives_type_and_upright_size(image_format: str) -> None:
    extension, *size = measure(encoded(image_format), EXTENSIONS, 1000)
    assert extension == {"JPEG": "jpg"}.get(image_format, image_format.lower())
    assert size == [30, 20]


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
def test_measure_of_a_turned_picture_gives_its_upright_size(image_format: str) -> None:
    assert measure(encoded(image_format, orientation=6), EXTENSIONS, 1000)[1:] == (20, 30)


@pytest.mark.parametrize("data", [b"", b"text", encoded("PNG")[:30], encoded("JPEG")[:30], encoded("GIF")[:14]])
def test_measure_of_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        measure(data, EXTENSIONS, 1000)
