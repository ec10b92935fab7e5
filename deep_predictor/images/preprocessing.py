"""From a picture to the numbers a network gets: the ONE preprocessing, used by training and by serving.

    input = (value * scale - mean) / std        value: 0..255 after resizing, scale first, then mean and std

The defaults (BGR, 0..255, no scaling, stretched by OpenCV's linear filter) are what models of older cfg files saw.
Colour becomes gray before the resize, resizing works on uint8: both as the older code did it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import cv2
import numpy as np
from PIL import Image

ColorMode = Literal["bgr", "rgb", "grayscale"]
ResizeMode = Literal["stretch", "letterbox", "center_crop"]
ResizeFilter = Literal["linear", "area", "nearest", "cubic", "lanczos", "bilinear_antialias"]
#: One number for all channels, or one a channel in the order of `color_mode`.
PerChannel = float | tuple[float, ...]

MAX_SIDE = 16384
#: Value (0..255) of the bars that `letterbox` adds, as the YOLO family has it.
LETTERBOX_FILL = 114

_OPENCV_FILTERS: dict[str, int] = {
    "linear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}


@dataclass(frozen=True)
class InputSpec:
    """What a network wants to see. Raises ValueError, naming the field, when a value makes no sense.

    width, height: pixels of the input. resize_mode: `stretch` to them; `letterbox`: keep the shape, gray bars fill the
    rest; `center_crop`: keep the shape, the middle of the longer side is taken. resize_filter: OpenCV's filters, and
    `bilinear_antialias`, Pillow's (what torchvision and newer Keras layers do).
    """

    width: int
    height: int
    color_mode: ColorMode = "bgr"
    scale: PerChannel = 1.0
    mean: PerChannel = 0.0
    std: PerChannel = 1.0
    resize_mode: ResizeMode = "stretch"
    resize_filter: ResizeFilter = "linear"

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            _check_side(name, getattr(self, name))
        for name, choices in (("color_mode", ColorMode), ("resize_mode", ResizeMode), ("resize_filter", ResizeFilter)):
            _check_choice(name, getattr(self, name), get_args(choices))
        for name in ("scale", "mean", "std"):
            object.__setattr__(self, name, _checked_numbers(name, getattr(self, name), self.channels))
        if not np.all(np.asarray(self.std)):
            raise ValueError(f"std must not be 0 (got {self.std})")
        if not np.all(np.asarray(self.scale)):
            raise ValueError(f"scale must not be 0 (got {self.scale})")

    @property
    def channels(self) -> int:
        return 1 if self.color_mode == "grayscale" else 3

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of what `apply` gives."""
        return self.height, self.width, self.channels

    def apply(self, image: np.ndarray) -> np.ndarray:
        """RGB uint8 (H, W, 3) -> float32 (height, width, channels), C-contiguous. The picture itself is not changed."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ValueError(f"a picture must be RGB uint8 (H, W, 3) (got {image.dtype} {image.shape})")
        if self.color_mode == "grayscale":
            image = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[:, :, np.newaxis]
        resized = self._resize(image)
        if self.color_mode == "bgr":
            resized = resized[:, :, ::-1]
        return self._normalise(resized)

    def smallest_decoded(self) -> tuple[int, int]:
        """(width, height) that a picture may be decoded to before `apply`, and no smaller: twice the input's.

        `stretch` and `center_crop` then still halve what they take, or more. `letterbox` would do with less on the side
        that gets the bars: a long, narrow picture is decoded larger than it has to be, never smaller.
        """
        return 2 * self.width, 2 * self.height

    def letterbox_box(self, image_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Where a picture of (width, height) lies in a letterboxed input: (left, top, width, height) in its pixels."""
        image_width, image_height = image_size
        ratio = min(self.width / image_width, self.height / image_height)
        width = min(self.width, max(1, round(image_width * ratio)))
        height = min(self.height, max(1, round(image_height * ratio)))
        return (self.width - width) // 2, (self.height - height) // 2, width, height

    def crop_box(self, image_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The largest part in the middle of a picture of (width, height) that has the input's shape, to the pixel.

        (left, top, width, height) in the picture's pixels.
        """
        image_width, image_height = image_size
        ratio = min(image_width / self.width, image_height / self.height)
        width = min(image_width, max(1, round(self.width * ratio)))
        height = min(image_height, max(1, round(self.height * ratio)))
        return (image_width - width) // 2, (image_height - height) // 2, width, height

    def to_dict(self) -> dict[str, Any]:
        """For manifests: only JSON types. `from_dict` reads it back to an equal spec."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Raises ValueError for unknown, missing or wrong fields."""
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(fields) - known):
            raise ValueError(f"unknown fields of an input spec: {', '.join(unknown)}")
        if missing := sorted({"width", "height"} - set(fields)):
            raise ValueError(f"an input spec needs {', '.join(missing)}")
        return cls(**fields)

    def _resize(self, image: np.ndarray) -> np.ndarray:
        """uint8 (H, W, C) -> uint8 (height, width, C)."""
        if self.resize_mode == "letterbox":
            left, top, width, height = self.letterbox_box((image.shape[1], image.shape[0]))
            canvas = np.full(self.input_shape, LETTERBOX_FILL, np.uint8)
            canvas[top : top + height, left : left + width] = _resized(image, width, height, self.resize_filter)
            return canvas
        if self.resize_mode == "center_crop":
            # Cropped before the resize: the other order would blow a 20000 x 10 picture up to hundreds of megapixels.
            left, top, width, height = self.crop_box((image.shape[1], image.shape[0]))
            image = image[top : top + height, left : left + width]
        return _resized(image, self.width, self.height, self.resize_filter)

    def _normalise(self, image: np.ndarray) -> np.ndarray:
        values = np.array(image, np.float32, order="C")
        if self.scale != 1.0:
            values *= np.asarray(self.scale, np.float32)
        if self.mean != 0.0:
            values -= np.asarray(self.mean, np.float32)
        if self.std != 1.0:
            values /= np.asarray(self.std, np.float32)
        return values


def _resized(image: np.ndarray, width: int, height: int, resize_filter: str) -> np.ndarray:
    """uint8 (H, W, C) -> uint8 (height, width, C)."""
    channels = image.shape[2]
    flat = np.ascontiguousarray(image[:, :, 0] if channels == 1 else image)
    if (image.shape[1], image.shape[0]) == (width, height):
        resized = flat
    elif resize_filter == "bilinear_antialias":
        resized = np.asarray(Image.fromarray(flat).resize((width, height), Image.Resampling.BILINEAR))
    else:
        resized = cv2.resize(flat, (width, height), interpolation=_OPENCV_FILTERS[resize_filter])
    return resized.reshape(height, width, channels)


def _check_side(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SIDE:
        raise ValueError(f"{name} must be a whole number from 1 to {MAX_SIDE} (got {value!r})")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)} (got {value!r})")


def _checked_numbers(name: str, value: object, channels: int) -> PerChannel:
    """A float, or a tuple of one float a channel."""
    if isinstance(value, list | tuple):
        if len(value) != channels:
            raise ValueError(f"{name} must be a number, or {channels} numbers, one a channel (got {len(value)})")
        return tuple(_checked_number(name, number) for number in value)
    return _checked_number(name, value)


def _checked_number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, or one a channel (got {value!r})")
    return float(value)
