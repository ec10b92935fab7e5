"""Where the truth of a picture lies in what is shown of it: in a network's input, or after a crop or a change of size.

Boxes are cut at the border of what is shown; those with too little left are dropped. Masks follow by the nearest pixel,
and what lies beside the picture is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX
from deep_predictor.training.sample import Sample

#: Boxes of which a smaller share of the area is left after a cut are dropped: nobody could tell what they hold.
LEAST_AREA_LEFT = 0.25

#: left, top, width, height in pixels.
Area = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class PlacedBoxes:
    """`boxes`: float64 (K, 4), x1, y1, x2, y2 in pixels from the outer edge of the first pixel of what is shown.

    `classes`: int32 (K,). `is_crowd`: bool (K,).
    """

    boxes: np.ndarray
    classes: np.ndarray
    is_crowd: np.ndarray


@dataclass(frozen=True)
class View:
    """The part `source` of a picture, stretched to the part `target` of a picture of `size` (width, height)."""

    source: Area
    target: Area
    size: tuple[int, int]

    def boxes(self, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, 4) on the picture -> (N, 4) on the view, cut at the border of `target`, and the share left of each."""
        left, top, width, height = self.source
        shown_left, shown_top, shown_width, shown_height = self.target
        ratio = np.array([shown_width / width, shown_height / height] * 2)
        moved = (boxes - np.array([left, top] * 2)) * ratio + np.array([shown_left, shown_top] * 2)
        low, high = (shown_left, shown_top), (shown_left + shown_width, shown_top + shown_height)
        cut = np.clip(moved, low * 2, high * 2)
        return cut, area_shares(cut, moved)

    def mask(self, mask: np.ndarray) -> np.ndarray:
        """uint8 (H, W) of the picture -> uint8 of the view's size."""
        left, top, width, height = self.source
        part = np.ascontiguousarray(mask[top : top + height, left : left + width])
        left, top, width, height = self.target
        if (width, height) != (part.shape[1], part.shape[0]):
            part = cv2.resize(part, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        canvas = np.full(self.size[::-1], IGNORE_INDEX, np.uint8)
        canvas[top : top + height, left : left + width] = part
        return canvas

    def sample(self, sample: Sample, image: np.ndarray) -> Sample:
        """The truth of a picture on `image`, which is what the view shows of it."""
        mask = None if sample.mask is None else self.mask(sample.mask)
        if sample.boxes is None:
            return replace(sample, image=image, mask=mask)
        kept = kept_boxes(sample, *self.boxes(sample.boxes))
        return replace(sample, image=image, mask=mask, boxes=kept.boxes, classes=kept.classes, is_crowd=kept.is_crowd)


def view_of_crop(area: Area) -> View:
    """A part of a picture, as it is."""
    return View(source=area, target=(0, 0, *area[2:]), size=area[2:])


def boxes_in_input(sample: Sample, spec: InputSpec) -> PlacedBoxes:
    """The boxes of a picture in pixels of the input that `InputSpec.apply` makes of it.

    Raises ValueError for a picture without boxes.
    """
    if sample.boxes is None:
        raise ValueError("a picture without boxes has none in the input")
    height, width = sample.image.shape[:2]
    return kept_boxes(sample, *view_of_input(spec, (width, height)).boxes(sample.boxes))


def mask_in_input(mask: np.ndarray, spec: InputSpec) -> np.ndarray:
    """The mask of a picture, uint8 (H, W), in the input that `InputSpec.apply` makes of it: uint8 (height, width).

    Letterbox bars are ignored.
    """
    return view_of_input(spec, (mask.shape[1], mask.shape[0])).mask(mask)


def view_of_input(spec: InputSpec, picture_size: tuple[int, int]) -> View:
    """What the network's input shows of a picture of (width, height)."""
    whole_picture, whole_input = (0, 0, *picture_size), (0, 0, spec.width, spec.height)
    mode = spec.resize_mode
    return View(
        source=spec.crop_box(picture_size) if mode == "center_crop" else whole_picture,
        target=spec.letterbox_box(picture_size) if mode == "letterbox" else whole_input,
        size=(spec.width, spec.height),
    )


def kept_boxes(sample: Sample, boxes: np.ndarray, shares_left: np.ndarray) -> PlacedBoxes:
    """`boxes` (N, 4): where the sample's boxes went; `shares_left` (N,): of their areas. Too little is dropped."""
    assert sample.classes is not None
    assert sample.is_crowd is not None
    kept = shares_left >= LEAST_AREA_LEFT
    return PlacedBoxes(boxes[kept], sample.classes[kept], sample.is_crowd[kept])


def area_shares(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """(N, 4) and (N, 4) -> (N,): the areas of the first by those of the second, 0 of a box that has none."""
    sides = parts[:, 2:] - parts[:, :2]
    areas, whole = sides[:, 0] * sides[:, 1], (wholes[:, 2:] - wholes[:, :2]).prod(axis=1)
    return np.divide(areas, whole, out=np.zeros(len(parts)), where=whole > 0)
