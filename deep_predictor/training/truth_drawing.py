"""Boxes and masks drawn over small pictures: what is true of them, and what was found."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deep_predictor.images.drawing import lay_mask
from deep_predictor.images.palette import class_colours
from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX, background_of
from deep_predictor.training.sample import Sample

#: How much of a mask's colour is seen, and the colour of its pixels that do not count.
_OPACITY = 0.5
_IGNORED = (255, 255, 255)


def draw_truth(sample: Sample, class_names: Sequence[str]) -> np.ndarray:
    """RGB uint8 (H, W, 3): the picture itself where it has neither boxes nor a mask."""
    if sample.boxes is not None and sample.classes is not None:
        return draw_boxes(sample.image, sample.boxes, class_colours(class_names)[sample.classes])
    if sample.mask is not None:
        return draw_mask(sample.image, sample.mask, class_names)
    return sample.image


def draw_boxes(image: np.ndarray, boxes: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """A copy with boxes (N, 4), x1, y1, x2, y2 in pixels, in colours RGB uint8 (N, 3), each within its box."""
    drawn = np.ascontiguousarray(image).copy()
    height, width = drawn.shape[:2]
    thickness = max(1, round(min(height, width) / 120))
    last = np.array([width, height]) - 1
    firsts = np.clip(np.floor(boxes[:, :2]), 0, last).astype(int)
    ends = np.maximum(firsts, np.clip(np.ceil(boxes[:, 2:]) - 1, 0, last).astype(int))
    for first, end, colour in zip(firsts.tolist(), ends.tolist(), colours.tolist(), strict=True):
        cv2.rectangle(drawn, first, end, colour, thickness)
    return drawn


def draw_mask(image: np.ndarray, mask: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """A copy with a mask, uint8 (H, W), laid over it, without the background."""
    background = background_of(class_names)
    colours = class_colours(class_names, background)
    colours[IGNORE_INDEX] = _IGNORED
    shown = [index for index in range(len(class_names)) if index != background]
    return lay_mask(image, mask, colours, _OPACITY, [*shown, IGNORE_INDEX])
