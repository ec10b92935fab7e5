"""Heat maps over pictures, against pixels counted by hand."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from deep_predictor.images.heat import LONGEST_SIDE, decode_heat, encode_heat, encode_png, lay_heat, shown_size
from deep_predictor.images.preprocessing import InputSpec, ResizeMode

HOTTEST = cv2.applyColorMap(np.full((1, 1), 255, np.uint8), cv2.COLORMAP_TURBO)[0, 0, ::-1]


def spec(width: int, height: int, resize_mode: ResizeMode = "stretch") -> InputSpec:
    return InputSpec(width, height, resize_mode=resize_mode)


def hot(width: int, height: int) -> np.ndarray:
    return np.full((height, width), 255, np.uint8)


def gray(width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), 100, np.uint8)


def test_encoded_heat_has_the_inputs_size_and_255_at_its_hottest() -> None:
    heat = np.array([[0.0, 0.5], [0.25, 0.125]], np.float32)
    np.testing.assert_array_equal(decode_heat(encode_heat(heat, spec(2, 2))), [[0, 255], [128, 64]])
    assert decode_heat(encode_heat(heat, spec(24, 16))).shape == (16, 24)


def test_encoded_heat_without_any_heat_is_0() -> None:
    assert not decode_heat(encode_heat(np.zeros((3, 3), np.float32), spec(4, 4))).any()


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"nothing"])
def test_decode_heat_of_a_file_that_is_cut_short_raises(data: bytes) -> None:
    with pytest.raises(ValueError, match="PNG"):
        decode_heat(data)


def test_laid_heat_of_a_stretched_input_covers_the_picture() -> None:
    np.testing.assert_array_equal(lay_heat(gray(5, 3), hot(4, 4), spec(4, 4), 1.0), np.tile(HOTTEST, (3, 5, 1)))


def test_laid_heat_leaves_what_is_cold_and_goes_by_the_opacity() -> None:
    heat = np.array([[0, 255]], np.uint8)
    laid = lay_heat(gray(2, 1), heat, spec(2, 1), 0.5)
    np.testing.assert_array_equal(laid[0, 0], [100, 100, 100])
    np.testing.assert_allclose(laid[0, 1], (100 + HOTTEST.astype(float)) / 2, atol=0.5)
    np.testing.assert_array_equal(lay_heat(gray(2, 1), heat, spec(2, 1), 0.0), gray(2, 1))


def test_laid_heat_of_a_letterboxed_input_leaves_its_bars_out() -> None:
    """40 x 20 in 8 x 8: rows 2 to 5 are the picture. Heat of the bars is nowhere, that of the left half at the left."""
    bars = hot(8, 8)
    bars[2:6] = 0
    np.testing.assert_array_equal(lay_heat(gray(40, 20), bars, spec(8, 8, "letterbox"), 1.0), gray(40, 20))
    left = np.zeros((8, 8), np.uint8)
    left[2:6, :4] = 255
    laid = lay_heat(gray(40, 20), left, spec(8, 8, "letterbox"), 1.0)
    np.testing.assert_array_equal(laid[:, :17], np.tile(HOTTEST, (20, 17, 1)))
    np.testing.assert_array_equal(laid[:, 23:], gray(17, 20))


def test_laid_heat_of_a_center_crop_leaves_what_was_not_seen() -> None:
    """40 x 20 cropped to its middle 20 x 20."""
    laid = lay_heat(gray(40, 20), hot(8, 8), spec(8, 8, "center_crop"), 1.0)
    np.testing.assert_array_equal(laid[:, :10], gray(10, 20))
    np.testing.assert_array_equal(laid[:, 10:30], np.tile(HOTTEST, (20, 20, 1)))
    np.testing.assert_array_equal(laid[:, 30:], gray(10, 20))


@pytest.mark.parametrize("resize_mode", ["stretch", "letterbox", "center_crop"])
@pytest.mark.parametrize("size", [(1, 1), (20000, 10), (3, 5000)])
def test_laid_heat_fits_every_picture(size: tuple[int, int], resize_mode: ResizeMode) -> None:
    shown = shown_size(gray(*size))
    assert max(shown.shape) <= LONGEST_SIDE
    laid = lay_heat(shown, hot(16, 8), spec(16, 8, resize_mode), 0.5)
    assert laid.shape == shown.shape
    with Image.open(BytesIO(encode_png(laid))) as written:
        np.testing.assert_array_equal(np.asarray(written), laid)


def test_shown_size_of_a_small_picture_is_its_own() -> None:
    picture = gray(30, 20)
    assert shown_size(picture) is picture
    assert shown_size(gray(4096, 1024)).shape == (512, 2048, 3)
