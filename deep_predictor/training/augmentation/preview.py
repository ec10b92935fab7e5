"""`augment-preview FILE`: what a list of operations makes of some pictures, as small PNGs. The server asks it.

FILE holds {"pictures": [{"file": path, "class_name": name}, …], "operations": […], "draws": 3, "seed": 1}. A picture
may have "boxes" ([{"class_name", "cx", "cy", "w", "h"}, …], shares of it) or a "mask" (path of an indexed PNG); these
are drawn over it, as augmentation moves them. Printed is one JSON object: `pictures`, each with `original` and `drawn`
(PNGs in base64), or `problems` (`key`: "index.key").
"""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from pydantic import BaseModel

from deep_predictor.backends.base import Task
from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.annotations.mask_files import MaskReader
from deep_predictor.training.annotations.picture_masks import BACKGROUND_NAME, MAX_MASK_CLASSES
from deep_predictor.training.augmentation.base import BatchOperation
from deep_predictor.training.augmentation.pipeline import Augmentation
from deep_predictor.training.augmentation.table import build_augmentation, find_problems, task_problems
from deep_predictor.training.dataset import encode_png
from deep_predictor.training.datasets.picture_files import FilesDataset
from deep_predictor.training.placing import view_of_input
from deep_predictor.training.sample import Sample
from deep_predictor.training.truth_drawing import draw_truth

PROJECT_ROOT = Path(__file__).resolve().parents[3]
#: Pixels of the longest side of what is shown.
SIDE = 144
#: JPEGs are read no smaller than this, as a training of 224 pixels would.
_READ_SIDE = 224


class PreviewBox(BaseModel):
    """Shares of the upright picture."""

    class_name: str
    cx: float
    cy: float
    w: float
    h: float


class PreviewPicture(BaseModel):
    """`boxes`, `mask`: None where the set has none."""

    file: Path
    class_name: str = ""
    boxes: list[PreviewBox] | None = None
    mask: Path | None = None


class PreviewOrder(BaseModel):
    """`operations`: entries as in `augmentation` of a training cfg. `draws`: drawn pictures of each picture."""

    pictures: list[PreviewPicture]
    operations: list[dict[str, object]]
    draws: int
    seed: int
    #: Of a set with masks, whose numbers they are; a class named background is not drawn.
    class_names: list[str] = []

    @property
    def task(self) -> Task:
        if any(picture.boxes is not None for picture in self.pictures):
            return "detection"
        return "segmentation" if any(picture.mask for picture in self.pictures) else "classification"

    @property
    def drawn_names(self) -> list[str]:
        """Of the classes of all boxes, each once; of the numbers in masks."""
        if self.task == "segmentation":
            return self.class_names or [BACKGROUND_NAME, *map(str, range(1, MAX_MASK_CLASSES))]
        return list(dict.fromkeys(box.class_name for picture in self.pictures for box in picture.boxes or ()))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("order", type=Path, metavar="FILE", help="pictures and operations")


def run(args: argparse.Namespace) -> int:
    """0 done, 2 something is wrong with the operations."""
    order = PreviewOrder.model_validate_json(args.order.read_bytes())
    problems = find_problems(order.operations, PROJECT_ROOT, "train", order.seed)
    problems += task_problems(order.operations, order.task)
    if problems:
        print(json.dumps({"problems": [{"key": problem.key, "message": problem.message} for problem in problems]}))
        return 2
    print(json.dumps({"pictures": preview(order)}))
    return 0


def preview(order: PreviewOrder) -> list[dict[str, object]]:
    """Those that can be read. Raises ValueError for wrong operations."""
    augmentation = build_augmentation(order.operations, PROJECT_ROOT, "train", order.seed)
    names = order.drawn_names
    samples = [sample for picture in order.pictures if (sample := _read(picture, names)) is not None]
    rounds = [_draw(augmentation, samples, order.seed + number) for number in range(order.draws)]
    return [
        {"original": _png(original, names), "drawn": [_png(drawn[index], names) for drawn in rounds]}
        for index, original in enumerate(samples)
    ]


def _draw(augmentation: Augmentation, samples: Sequence[Sample], seed: int) -> list[Sample]:
    """One draw of each picture, then mixed with each other where an operation does so, as in a batch."""
    rng = np.random.default_rng(seed)
    drawn = [augmentation.sample(rng, sample) for sample in samples]
    if not drawn or not any(isinstance(step.operation, BatchOperation) for step in augmentation.steps):
        return drawn
    batch = np.stack([cv2.resize(one.image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in drawn])
    mixed, _ = augmentation.batch(rng, batch.astype(np.float32), np.eye(len(drawn), dtype=np.float32))
    return [Sample(image) for image in mixed.clip(0, 255).round().astype(np.uint8)]


def _read(picture: PreviewPicture, class_names: Sequence[str]) -> Sample | None:
    """None where a file cannot be read, or a mask does not fit its picture."""
    smallest = None if picture.mask else (_READ_SIDE, _READ_SIDE)  # a mask fits the whole picture
    try:
        image = FilesDataset.decode(picture.file.read_bytes(), smallest).pixels
        mask = MaskReader(MAX_MASK_CLASSES).read(picture.mask) if picture.mask else None
        if picture.boxes is None:
            return Sample(image, picture.class_name, mask=mask)
    except (ImageUnreadable, OSError, ValueError):
        return None
    height, width = image.shape[:2]
    rows = [(b.cx - b.w / 2, b.cy - b.h / 2, b.cx + b.w / 2, b.cy + b.h / 2) for b in picture.boxes]
    return Sample(
        image,
        boxes=np.array(rows, np.float64).reshape(-1, 4) * [width, height, width, height],
        classes=np.array([class_names.index(box.class_name) for box in picture.boxes], np.int32),
        is_crowd=np.zeros(len(rows), bool),
    )


def _png(sample: Sample, class_names: Sequence[str]) -> str:
    """Made small, with its boxes or its mask drawn over it."""
    height, width = sample.image.shape[:2]
    factor = min(1.0, SIDE / max(width, height))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(np.ascontiguousarray(sample.image), size, interpolation=cv2.INTER_AREA)
    shown = view_of_input(InputSpec(*size), (width, height)).sample(sample, small)
    return base64.b64encode(encode_png(draw_truth(shown, class_names))).decode("ascii")
