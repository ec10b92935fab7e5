"""Small annotated sets made here, and what a reader said of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from deep_predictor.training.annotations.coco import read_coco
from deep_predictor.training.annotations.picture_boxes import PictureBoxes
from deep_predictor.training.annotations.problems import ProblemLog
from deep_predictor.training.annotations.yolo import read_yolo
from test.training.datasets.pictures import write_files

Texts = Mapping[str, str | bytes]


def png(width: int = 40, height: int = 20) -> bytes:
    return cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))[1].tobytes()


def write_set(folder: Path, files: Texts) -> Path:
    return write_files(folder, {name: text.encode() if isinstance(text, str) else text for name, text in files.items()})


def yolo_set(folder: Path, labels: Texts, names: str | bytes = "cat\ndog\n") -> Path:
    """A picture of 40 x 20 for each label file."""
    pictures = {f"images/{name}.png": png() for name in labels}
    texts = {f"labels/{name}.txt": text for name, text in labels.items()}
    return write_set(folder, {"names.txt": names, **pictures, **texts})


def read_yolo_set(folder: Path) -> tuple[list[PictureBoxes], list[str]]:
    """Pictures, and problems as text."""
    log = ProblemLog()
    pictures = list(read_yolo(folder, log).pictures)
    return pictures, [str(problem) for problem in log.first]


def coco_file(
    annotations: Sequence[Any], images: Sequence[Any] | None = None, categories: Sequence[Any] | None = None
) -> dict[str, Any]:
    return {
        "info": {"year": 2026, "nested": [[1, "]"], {"a": '}\\"'}]},
        "images": [image(1)] if images is None else images,
        "annotations": annotations,
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}] if categories is None else categories,
    }


def image(number: int | str, **changes: Any) -> dict[str, Any]:
    return {"id": number, "file_name": f"{number}.png", "width": 40, "height": 20} | changes


def annotation(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": number, "image_id": 1, "category_id": 3, "bbox": [10, 5, 20, 10], "iscrowd": 0} | changes


def read_coco_set(folder: Path, content: dict[str, Any] | bytes) -> tuple[list[PictureBoxes], list[str]]:
    """Of a file beside pictures 1.png to 3.png of 40 x 20."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    write_files(folder, {"boxes.json": data, **{f"pictures/{number}.png": png() for number in (1, 2, 3)}})
    log = ProblemLog()
    pictures = list(read_coco(folder / "boxes.json", folder / "pictures", log).pictures)
    return pictures, [str(problem) for problem in log.first]
