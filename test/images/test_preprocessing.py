"""InputSpec against hand-computed values and against what the older code did."""

from __future__ import annotations

import json
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from deep_predictor.images.preprocessing import LETTERBOX_FILL, InputSpec

FILTERS = ("linear", "area", "nearest", "cubic", "lanczos", "bilinear_antialias")
MODES = ("stretch", "letterbox", "center_crop")


def random_picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)


def test_apply_with_defaults_gives_what_old_models_saw() -> None:
    picture = random_picture(90, 120)
    old = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), (50, 40)).astype(np.float32)
    result = InputSpec(width=50, height=40).apply(picture)
    assert result.shape == (40, 50, 3)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, old)


def test_apply_in_grayscale_gives_what_old_models_saw() -> None:
    picture = random_picture(90, 120)
    old = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (50, 40)).astype(np.float32)
    result = InputSpec(50, 40, color_mode="grayscale").apply(picture)
    np.testing.assert_array_equal(result, old[:, :, np.newaxis])


def test_apply_in_grayscale_weighs_the_colors() -> None:
    picture = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    result = InputSpec(4, 1, color_mode="grayscale").apply(picture)
    assert result[0, :, 0].tolist() == [76, 150, 29, 255]  # 0.299, 0.587, 0.114


@pytest.mark.parametrize(("color_mode", "expected"), [("rgb", [10, 20, 30]), ("bgr", [30, 20, 10])])
def test_apply_orders_the_channels(color_mode: Any, expected: list[float]) -> None:
    picture = np.full((2, 2, 3), (10, 20, 30), np.uint8)
    assert InputSpec(1, 1, color_mode=color_mode).apply(picture)[0, 0].tolist() == expected


def test_apply_scales_first_then_takes_mean_and_std() -> None:
    picture = np.full((2, 2, 3), (0, 51, 255), np.uint8)
    spec = InputSpec(2, 2, color_mode="rgb", scale=1 / 255, mean=(0.5, 0.2, 0.0), std=(0.5, 0.1, 2))
    np.testing.assert_allclose(spec.apply(picture)[1, 1], [-1.0, 0.0, 0.5], atol=1e-6)


def test_apply_with_the_numbers_of_mobilenet_gives_minus_one_to_one() -> None:
    picture = np.array([[[0, 255, 51]]], np.uint8)
    spec = InputSpec(1, 1, color_mode="rgb", scale=1 / 127.5, mean=1.0)
    np.testing.assert_allclose(spec.apply(picture)[0, 0], [-1, 1, -0.6], atol=1e-6)


def test_apply_takes_mean_in_the_order_of_the_color_mode() -> None:
    picture = np.full((1, 1, 3), (10, 20, 30), np.uint8)
    spec = InputSpec(1, 1, color_mode="bgr", mean=(30, 20, 10))
    assert spec.apply(picture)[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("resize_filter", FILTERS)
@pytest.mark.parametrize("resize_mode", MODES)
@pytest.mark.parametrize("color_mode", ["rgb", "bgr", "grayscale"])
@pytest.mark.parametrize("shape", [(37, 53), (1, 1), (10, 40_000), (40_000, 10), (24, 40)])
def test_apply_of_any_shape_and_mode_gives_the_input_shape(
    resize_filter: Any, resize_mode: Any, color_mode: Any, shape: tuple[int, int]
) -> None:
    spec = InputSpec(40, 24, color_mode=color_mode, resize_mode=resize_mode, resize_filter=resize_filter)
    result = spec.apply(np.full((*shape, 3), 77, np.uint8))
    assert result.shape == spec.input_shape
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    assert result.max() == (LETTERBOX_FILL if resize_mode == "letterbox" and 114 in result else 77)
    assert 77 in result


@pytest.mark.parametrize(
    ("resize_filter", "flag"),
    [
        ("linear", cv2.INTER_LINEAR),
        ("area", cv2.INTER_AREA),
        ("nearest", cv2.INTER_NEAREST),
        ("cubic", cv2.INTER_CUBIC),
        ("lanczos", cv2.INTER_LANCZOS4),
    ],
)
def test_apply_with_a_filter_is_opencvs(resize_filter: Any, flag: int) -> None:
    picture = random_picture(61, 47)
    result = InputSpec(20, 30, color_mode="rgb", resize_filter=resize_filter).apply(picture)
    np.testing.assert_array_equal(result, cv2.resize(picture, (20, 30), interpolation=flag).astype(np.float32))


def test_apply_with_bilinear_antialias_is_pillows() -> None:
    picture = random_picture(61, 47)
    result = InputSpec(20, 30, color_mode="rgb", resize_filter="bilinear_antialias").apply(picture)
    expected = Image.fromarray(picture).resize((20, 30), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(result, np.asarray(expected, np.float32))


def test_apply_with_letterbox_keeps_the_shape_between_gray_bars() -> None:
    spec = InputSpec(40, 40, color_mode="rgb", resize_mode="letterbox")
    result = spec.apply(np.full((50, 100, 3), 200, np.uint8))
    assert spec.letterbox_box((100, 50)) == (0, 10, 40, 20)
    assert (result[10:30] == 200).all()
    assert (result[:10] == LETTERBOX_FILL).all()
    assert (result[30:] == LETTERBOX_FILL).all()


@pytest.mark.parametrize(
    ("image_size", "box"),
    [((40, 40), (0, 0, 40, 40)), ((10, 20), (10, 0, 20, 40)), ((20_000, 10), (0, 19, 40, 1)), ((1, 1), (0, 0, 40, 40))],
)
def test_letterbox_box_of_any_shape_lies_inside(image_size: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    assert InputSpec(40, 40, resize_mode="letterbox").letterbox_box(image_size) == box


def test_apply_with_center_crop_takes_the_middle() -> None:
    picture = np.zeros((20, 60, 3), np.uint8)
    picture[:, 20:40] = 255
    result = InputSpec(10, 10, resize_mode="center_crop").apply(picture)
    assert (result == 255).all()


def test_apply_leaves_the_picture_as_it_was() -> None:
    picture = random_picture(10, 10)
    before = picture.copy()
    picture.flags.writeable = False
    InputSpec(10, 10, mean=5, scale=2, std=3).apply(picture)
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_apply_of_what_is_no_rgb_picture_raises(picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match="RGB uint8"):
        InputSpec(2, 2).apply(picture)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"width": 0}, "width"),
        ({"height": -1}, "height"),
        ({"width": 1.5}, "width"),
        ({"width": True}, "width"),
        ({"width": 20_000}, "width"),
        ({"color_mode": "hsv"}, "color_mode"),
        ({"resize_mode": "squeeze"}, "resize_mode"),
        ({"resize_filter": "fancy"}, "resize_filter"),
        ({"std": 0}, "std"),
        ({"std": [1, 0, 1]}, "std"),
        ({"scale": 0}, "scale"),
        ({"scale": float("nan")}, "scale"),
        ({"mean": [1, 2]}, "mean"),
        ({"mean": [1, 2, float("inf")]}, "mean"),
        ({"mean": "half"}, "mean"),
        ({"color_mode": "grayscale", "mean": [1, 2, 3]}, "mean"),
    ],
)
def test_input_spec_with_a_wrong_value_names_the_field(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        InputSpec(**{"width": 10, "height": 10, **fields})


@pytest.mark.parametrize(
    "spec",
    [
        InputSpec(224, 160),
        InputSpec(32, 32, color_mode="grayscale", scale=1 / 255, mean=(0.1,), std=(0.3,)),
        InputSpec(8, 9, "rgb", (1, 2, 3), (4, 5, 6), 7, "letterbox", "bilinear_antialias"),
    ],
)
def test_input_spec_written_and_read_is_the_same(spec: InputSpec) -> None:
    assert InputSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"width": 1}, "height"), ({"width": 1, "height": 1, "colour": "rgb"}, "colour"), ({}, "height, width")],
)
def test_input_spec_from_a_wrong_dict_names_the_field(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        InputSpec.from_dict(fields)


def test_input_spec_takes_lists_as_cfg_files_have_them() -> None:
    assert InputSpec.from_dict({"width": 1, "height": 1, "mean": [1, 2, 3]}) == InputSpec(1, 1, mean=(1, 2, 3))
