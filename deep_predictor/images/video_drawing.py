"""Draws onto a video's frames what was seen on them: boxes, masks or the top class, in the colours of the pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from deep_predictor.images.drawing import draw_caption, draw_detections, label_of, lay_mask
from deep_predictor.images.palette import class_colours, colours_by_name

MASK_OPACITY = 0.5
_MASK = "mask"


class Drawer:
    """For one video. What was seen is an object with `items`, as the wire has them, and `mask` for a segmentation."""

    def __init__(self, class_names: Sequence[str], background_index: int | None) -> None:
        self._by_name = colours_by_name(class_names, background_index)
        self._by_class = class_colours(class_names, background_index)
        self._background_index = background_index

    def answers(
        self, results: Sequence[Mapping[str, Any]], masks: bytes, shape: tuple[int, int]
    ) -> Iterator[dict[str, Any]]:
        """What was seen on each frame. `masks`: those of the results that have one, one after the other."""
        size, start = shape[0] * shape[1], 0
        for result in results:
            mask = None
            if result["has_mask"]:
                mask = np.frombuffer(masks, np.uint8, size, start).reshape(shape)
                start += size
            yield {"items": result["items"], _MASK: mask}

    def draw(self, pixels: np.ndarray, seen: Mapping[str, Any]) -> np.ndarray:
        """RGB uint8 (H, W, 3), and a copy of it unless there is nothing to draw."""
        items = seen.get("items")
        if not items:
            return pixels
        mask = seen[_MASK]
        if mask is not None:
            shown = {item["class_index"] for item in items} - {self._background_index}
            return lay_mask(pixels, mask, self._by_class, MASK_OPACITY, shown)
        if "bbox" in items[0]:
            return draw_detections(pixels, items, self._by_name)
        return draw_caption(pixels, [label_of(items[0])])
