"""`augment-preview FILE`: what a list of operations makes of some pictures, as small PNGs. The server asks it.

FILE holds {"pictures": [{"file": path, "class_name": name}, …], "operations": […], "draws": 3, "seed": 1}. Printed is
one JSON object: `pictures`, each with `original` and `drawn` (PNGs in base64), or `problems` (`key`: "index.key").
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

from deep_predictor.errors import ImageUnreadable
from deep_predictor.training.augmentation.base import BatchOperation
from deep_predictor.training.augmentation.pipeline import Augmentation
from deep_predictor.training.augmentation.table import build_augmentation, find_problems
from deep_predictor.training.dataset import encode_png
from deep_predictor.training.datasets.picture_files import FilesDataset

PROJECT_ROOT = Path(__file__).resolve().parents[3]
#: Pixels of the longest side of what is shown.
SIDE = 144
#: JPEGs are read no smaller than this, as a training of 224 pixels would.
_READ_SIDE = 224


class Sample(BaseModel):
    file: Path
    class_name: str


class PreviewOrder(BaseModel):
    """`operations`: entries as in `augmentation` of a training cfg. `draws`: drawn pictures of each picture."""

    pictures: list[Sample]
    operations: list[dict[str, object]]
    draws: int
    seed: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("order", type=Path, metavar="FILE", help="pictures and operations")


def run(args: argparse.Namespace) -> int:
    """0 done, 2 something is wrong with the operations."""
    order = PreviewOrder.model_validate_json(args.order.read_bytes())
    problems = find_problems(order.operations, PROJECT_ROOT, "train", order.seed)
    if problems:
        print(json.dumps({"problems": [{"key": problem.key, "message": problem.message} for problem in problems]}))
        return 2
    print(json.dumps({"pictures": preview(order)}))
    return 0


def preview(order: PreviewOrder) -> list[dict[str, object]]:
    """Those that can be read. Raises ValueError for wrong operations."""
    augmentation = build_augmentation(order.operations, PROJECT_ROOT, "train", order.seed)
    samples = [(image, sample.class_name) for sample in order.pictures if (image := _read(sample.file)) is not None]
    originals = [image for image, _ in samples]
    rounds = [_draw(augmentation, samples, order.seed + number) for number in range(order.draws)]
    return [
        {"original": _png(original), "drawn": [_png(drawn[index]) for drawn in rounds]}
        for index, original in enumerate(originals)
    ]


def _draw(augmentation: Augmentation, samples: Sequence[tuple[np.ndarray, str]], seed: int) -> list[np.ndarray]:
    """One draw of each picture, then mixed with each other where an operation does so, as in a batch."""
    rng = np.random.default_rng(seed)
    drawn = [augmentation.image(rng, image, class_name) for image, class_name in samples]
    if not drawn or not any(isinstance(step.operation, BatchOperation) for step in augmentation.steps):
        return drawn
    batch = np.stack([cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in drawn])
    mixed, _ = augmentation.batch(rng, batch.astype(np.float32), np.eye(len(drawn), dtype=np.float32))
    return list(mixed.clip(0, 255).round().astype(np.uint8))


def _read(file: Path) -> np.ndarray | None:
    try:
        return FilesDataset.decode(file.read_bytes(), (_READ_SIDE, _READ_SIDE)).pixels
    except (ImageUnreadable, OSError):
        return None


def _png(image: np.ndarray) -> str:
    factor = min(1.0, SIDE / max(image.shape[:2]))
    width, height = (max(1, round(side * factor)) for side in (image.shape[1], image.shape[0]))
    small = cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_AREA)
    return base64.b64encode(encode_png(small)).decode("ascii")
