"""Small sets with boxes or masks: pictures that are all different and none flat."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from test.training.datasets.pictures import SIDE, png

#: (class, cx, cy, w, h)
Box = tuple[int, float, float, float, float]
NAMES = ("cat", "dog")
BOX: Box = (0, 0.5, 0.5, 0.5, 0.25)


def yolo_files(
    boxes: Sequence[Sequence[Box]], names: Sequence[str] = NAMES, prefix: str = "", first: int = 0
) -> dict[str, bytes]:
    """Pictures `first` and on, with their boxes."""
    files = {f"{prefix}names.txt": "\n".join(names).encode()}
    for number, some in enumerate(boxes, first):
        files[f"{prefix}images/{number}.png"] = png(number)
        files[f"{prefix}labels/{number}.txt"] = "".join(f"{' '.join(map(str, box))}\n" for box in some).encode()
    return files


def coco_files(
    boxes: Sequence[Sequence[Box]], names: Sequence[str] = NAMES, prefix: str = "", first: int = 0
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, some in enumerate(boxes, first):
        files[f"{prefix}images/{number}.png"] = png(number)
        images.append({"id": number, "file_name": f"{number}.png"})
        for label, cx, cy, w, h in some:
            bbox = [(cx - w / 2) * SIDE, (cy - h / 2) * SIDE, w * SIDE, h * SIDE]
            annotations.append({"id": len(annotations), "image_id": number, "category_id": label, "bbox": bbox})
    categories = [{"id": number, "name": name} for number, name in enumerate(names)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    return files | {f"{prefix}annotations.json": json.dumps(content).encode()}


def gray_png(mask: np.ndarray) -> bytes:
    return cv2.imencode(".png", mask)[1].tobytes()


def mask_of(*labels: int, side: int = SIDE) -> np.ndarray:
    """Upright stripes of the classes."""
    return np.repeat(np.array(labels, np.uint8), -(-side // len(labels)))[:side][np.newaxis].repeat(side, axis=0)


def mask_files(
    masks: Sequence[np.ndarray], names: Sequence[str] = ("background", *NAMES), prefix: str = "", first: int = 0
) -> dict[str, bytes]:
    files = {f"{prefix}names.txt": "\n".join(names).encode()}
    for number, mask in enumerate(masks, first):
        files[f"{prefix}images/{number}.png"] = png(number)
        files[f"{prefix}masks/{number}.png"] = gray_png(mask)
    return files


def below(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in files.items()}
