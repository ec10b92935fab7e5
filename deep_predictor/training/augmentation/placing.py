"""Operations that move the picture, and its boxes and mask with it: rotations, scales, center_crop.

Where a border is invented a mask is ignored. In pictures with boxes `reflect` is drawn as `edge`: a mirror image would
show things that no box tells of.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import cv2
import numpy as np
from pydantic import Field, model_validator

from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX
from deep_predictor.training.augmentation.base import NumberOperation, OperationOptions
from deep_predictor.training.augmentation.turning import quarter_turned_boxes, turned_boxes
from deep_predictor.training.augmentation.written import Angles, Border, ScaleRange, SharesOfSide
from deep_predictor.training.placing import Area, View, kept_boxes, view_of_crop
from deep_predictor.training.sample import Sample

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
    """Turned about its middle. Quarter turns are exact and swap the sides; all others keep the picture's size.

    A box becomes the smallest upright one around the turned one: wider than the thing, unless that fills its box.
    """

    options_class = RotationsOptions

    @property
    def range(self) -> tuple[float, float]:
        return self.options.angle_range or (0.0, 0.0)

    @property
    def listed(self) -> tuple[float, ...]:
        return () if self.options.angle_range else self.options.angles

    def apply(self, sample: Sample, number: float) -> Sample:
        if number % 90 == 0:
            return _quarter_turned(sample, int(number // 90) % 4)
        return _turned(_shrunk_to_warp(sample), number, self.options.border)


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
    """What the picture shows becomes larger or smaller; the picture keeps its size. Boxes: see `placing.View`."""

    options_class = ScalesOptions

    @property
    def range(self) -> tuple[float, float]:
        return self.options.scale_range or (1.0, 1.0)

    @property
    def listed(self) -> tuple[float, ...]:
        return () if self.options.scale_range else self.options.scales

    def apply(self, sample: Sample, number: float) -> Sample:
        image = sample.image
        height, width = image.shape[:2]
        whole = (0, 0, width, height)
        if number >= 1:
            middle = _middle((width, height), width / number, height / number)
            if middle == whole:
                return sample
            part = np.ascontiguousarray(_part(image, middle))
            magnified = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
            return View(middle, whole, (width, height)).sample(sample, magnified)
        left, top, inner_width, inner_height = target = _middle((width, height), width * number, height * number)
        inner = cv2.resize(image, (inner_width, inner_height), interpolation=cv2.INTER_AREA)
        right, bottom = width - inner_width - left, height - inner_height - top
        framed = cv2.copyMakeBorder(inner, top, bottom, left, right, _border(sample, self.options.border))
        return View(whole, target, (width, height)).sample(sample, framed)


class CenterCropOptions(OperationOptions):
    #: Share of each side that is kept; 1 is the whole picture.
    share_range: SharesOfSide = (0.7, 1.0)


class CenterCrop(NumberOperation[CenterCropOptions]):
    """The middle of the picture, of the same shape; at least one pixel. Boxes: see `placing.View`."""

    options_class = CenterCropOptions

    @property
    def range(self) -> tuple[float, float]:
        return self.options.share_range

    def apply(self, sample: Sample, number: float) -> Sample:
        height, width = sample.image.shape[:2]
        middle = _middle((width, height), width * number, height * number)
        return view_of_crop(middle).sample(sample, _part(sample.image, middle))


def _middle(size: tuple[int, int], width: float, height: float) -> Area:
    """So much of the middle of a picture of (width, height), to the pixel; at least one."""
    inner_width, inner_height = max(1, round(width)), max(1, round(height))
    return (size[0] - inner_width) // 2, (size[1] - inner_height) // 2, inner_width, inner_height


def _part(image: np.ndarray, area: Area) -> np.ndarray:
    left, top, width, height = area
    return image[top : top + height, left : left + width]


def _border(sample: Sample, border: Border) -> int:
    return _BORDERS["edge" if border == "reflect" and sample.boxes is not None else border]


def _quarter_turned(sample: Sample, turns: int) -> Sample:
    size = sample.image.shape[1], sample.image.shape[0]
    return replace(
        sample,
        image=np.rot90(sample.image, turns),
        mask=None if sample.mask is None else np.rot90(sample.mask, turns),
        boxes=None if sample.boxes is None else quarter_turned_boxes(sample.boxes, turns, size),
    )


def _turned(sample: Sample, degrees: float, border: Border) -> Sample:
    height, width = sample.image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    image = cv2.warpAffine(
        sample.image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=_border(sample, border)
    )
    mask = sample.mask
    if mask is not None:
        mask = cv2.warpAffine(mask, turn, (width, height), flags=cv2.INTER_NEAREST, borderValue=IGNORE_INDEX)
    if sample.boxes is None:
        return replace(sample, image=image, mask=mask)
    kept = kept_boxes(sample, *turned_boxes(sample.boxes, degrees, (width, height)))
    return replace(sample, image=image, mask=mask, boxes=kept.boxes, classes=kept.classes, is_crowd=kept.is_crowd)


def _shrunk_to_warp(sample: Sample) -> Sample:
    """Only pictures with a side that the warp cannot count are made smaller."""
    height, width = sample.image.shape[:2]
    ratio = _LONGEST_WARPED_SIDE / max(height, width)
    if ratio >= 1:
        return sample
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    shrunk = cv2.resize(sample.image, size, interpolation=cv2.INTER_AREA)
    return View((0, 0, width, height), (0, 0, *size), size).sample(sample, shrunk)
