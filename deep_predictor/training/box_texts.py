"""Boxes as others write them: lines of YOLO text, and the rows of COCO JSON. Imports nothing heavy.

Sources: the YOLO text format, `class cx cy w h` in shares; "Data format", 1 Object Detection, https://cocodataset.org.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Of a share; the largest picture has under 10^5 pixels a side.
_YOLO_DIGITS = 9
#: One less than a float has: so 10.2 is not written as 10.200000000000001.
_COCO_DIGITS = 15


@dataclass(frozen=True, slots=True)
class WrittenBox:
    """Centre and size as shares of the picture."""

    class_index: int
    cx: float
    cy: float
    w: float
    h: float
    is_crowd: bool = False


def yolo_lines(boxes: Iterable[WrittenBox]) -> str:
    """Without regions of crowds, which the format cannot say."""
    return "".join(
        f"{box.class_index} {' '.join(f'{number:.{_YOLO_DIGITS}g}' for number in (box.cx, box.cy, box.w, box.h))}\n"
        for box in boxes
        if not box.is_crowd
    )


def coco_categories(class_names: Sequence[str]) -> str:
    """A JSON list; ids count from 1."""
    rows = [{"id": number, "name": name, "supercategory": ""} for number, name in enumerate(class_names, 1)]
    return json.dumps(rows, ensure_ascii=False)


def coco_image(image_id: int, name: str, size: tuple[int, int]) -> str:
    """`size`: width and height in pixels."""
    return json.dumps({"id": image_id, "file_name": name, "width": size[0], "height": size[1]}, ensure_ascii=False)


def coco_annotation(annotation_id: int, image_id: int, size: tuple[int, int], box: WrittenBox) -> str:
    width, height = box.w * size[0], box.h * size[1]
    corner = ((box.cx - box.w / 2) * size[0], (box.cy - box.h / 2) * size[1])
    return json.dumps(
        {
            "id": annotation_id,
            "image_id": image_id,
            "category_id": box.class_index + 1,
            "bbox": [_written(number) for number in (*corner, width, height)],
            "area": _written(width * height),
            "iscrowd": int(box.is_crowd),
            "segmentation": [],
        }
    )


def _written(number: float) -> float:
    return float(f"{number:.{_COCO_DIGITS}g}")
