"""Operations that move the picture: rotations, scales, center_crop."""

from __future__ import annotations

from typing import Annotated, Any

import cv2
import numpy as np
from pydantic import Field, model_validator

from deep_predictor.training.augmentation.base import NumberOperation, OperationOptions
from deep_predictor.training.augmentation.written import Angles, Border, ScaleRange, SharesOfSide

_BORDERS = {"reflect": cv2.BORDER_REFLECT, "edge": cv2.BORDER_REPLICATE, "black": cv2.BORDER_CONSTANT}
#: OpenCV's warp counts pixels of a side in 16 bits.
_LONGEST_WARPED_SIDE = 32_000
_MOST_LISTED = 1000


def _exactly_one(values: Any, one: str, other: str) -> Any:
    if isinstance(values, dict) and (one in values) == (other in values):
        raise ValueError(f"must hold either {one} or {other}")
    return values


class RotationsOptions(OperationOptions):
    #: Degrees counter-clockwise, one of them at a time.
    angles: Annotated[
        tuple[Annotated[float, Field(ge=-360, le=360)], ...], Field(min_length=1, max_length=_MOST_LISTED)
    ] = (0.0,)
    angle_range: Angles | None = None
    border: Border = "reflect"

    @model_validator(mode="before")
    @classmethod
    def _has_angles(cls, values: Any) -> Any:
        return _exactly_one(values, "angles", "angle_range")


class Rotations(NumberOperation[RotationsOptions]):
    """Turned about its middle. Quarter turns are exact and swap the sides; all others keep the picture's size."""

    options_class = RotationsOptions

    @property
    def range(self) -> tuple[float, float]:
        return self.options.angle_range or (0.0, 0.0)

    @property
    def listed(self) -> tuple[float, ...]:
        return () if self.options.angle_range else self.options.angles

    def apply(self, image: np.ndarray, number: float) -> np.ndarray:
        if number % 90 == 0:
            return np.rot90(image, int(number // 90) % 4)
        image = _shrunk_to_warp(image)
        height, width = image.shape[:2]
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), number, 1.0)
        return cv2.warpAffine(
            image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=_BORDERS[self.options.border]
        )


class ScalesOptions(OperationOptions):
    #: Over 1 the middle is magnified, under 1 the whole is made smaller, 1 leaves it as it is; one of them at a time.
    scales: Annotated[
        tuple[Annotated[float, Field(ge=0.05, le=20)], ...], Field(min_length=1, max_length=_MOST_LISTED)
    ] = (1.0,)
    scale_range: ScaleRange | None = None
    border: Border = "edge"

    @model_validator(mode="before")
    @classmethod
    def _has_scales(cls, values: Any) -> Any:
        return _exactly_one(values, "scales", "scale_range")


class Scales(NumberOperation[ScalesOptions]):
    """What the picture shows becomes larger or smaller; the picture keeps its size."""

    options_class = ScalesOptions

    @property
    def range(self) -> tuple[float, float]:
        return self.options.scale_range or (1.0, 1.0)

    @property
    def listed(self) -> tuple[float, ...]:
        return () if self.options.scale_range else self.options.scales

    def apply(self, image: np.ndarray, number: float) -> np.ndarray:
        height, width = image.shape[:2]
        if number >= 1:
            middle = _middle(image, max(1, round(width / number)), max(1, round(height / number)))
            if middle.shape == image.shape:
                return image
            return cv2.resize(np.ascontiguousarray(middle), (width, height), interpolation=cv2.INTER_LINEAR)
        inner_width, inner_height = max(1, round(width * number)), max(1, round(height * number))
        inner = cv2.resize(image, (inner_width, inner_height), interpolation=cv2.INTER_AREA)
        left, top = (width - inner_width) // 2, (height - inner_height) // 2
        right, bottom = width - inner_width - left, height - inner_height - top
        return cv2.copyMakeBorder(inner, top, bottom, left, right, _BORDERS[self.options.border])


class CenterCropOptions(OperationOptions):
    #: Share of each side that is kept; 1 is the whole picture.
    share_range: SharesOfSide = (0.7, 1.0)


class CenterCrop(NumberOperation[CenterCropOptions]):
    """The middle of the picture, of the same shape; at least one pixel."""

    options_class = CenterCropOptions

    @property
    def range(self) -> tuple[float, float]:
        return self.options.share_range

    def apply(self, image: np.ndarray, number: float) -> np.ndarray:
        height, width = image.shape[:2]
        return _middle(image, max(1, round(width * number)), max(1, round(height * number)))


def _middle(image: np.ndarray, width: int, height: int) -> np.ndarray:
    left, top = (image.shape[1] - width) // 2, (image.shape[0] - height) // 2
    return image[top : top + height, left : left + width]


def _shrunk_to_warp(image: np.ndarray) -> np.ndarray:
    """Only pictures with a side that the warp cannot count are made smaller."""
    height, width = image.shape[:2]
    ratio = _LONGEST_WARPED_SIDE / max(height, width)
    if ratio >= 1:
        return image
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
