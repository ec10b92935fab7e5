"""Pictures, files and operations for the tests of augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from deep_predictor.training.augmentation.pipeline import Augmentation
from deep_predictor.training.augmentation.table import build_augmentation
from deep_predictor.training.cutout import encode_cutout
from deep_predictor.training.dataset import encode_png
from deep_predictor.training.sample import Sample

NOWHERE = Path("/nowhere")


def rgb(rows: list[list[list[int]]]) -> np.ndarray:
    return np.array(rows, np.uint8)


def gray(rows: list[list[int]]) -> np.ndarray:
    """RGB picture whose three channels are equal."""
    return np.repeat(np.array(rows, np.uint8)[:, :, np.newaxis], 3, axis=2)


def noise(height: int, width: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def augmentation(*entries: Mapping[str, Any], **setting: Any) -> Augmentation:
    return build_augmentation(entries, NOWHERE, **setting)


def once(image: np.ndarray, name: str, seed: int = 0, **options: Any) -> np.ndarray:
    """One draw of one operation that always happens, unless the options say otherwise."""
    entry = {"name": name, "probability": 1, **options}
    return changed(augmentation(entry), np.random.default_rng(seed), image, "a")


def all_variants(image: np.ndarray, *entries: Mapping[str, Any], draws: int = 1) -> dict[str, np.ndarray]:
    found = list(augmentation(*entries).variants(image, "a", np.random.default_rng(0), draws))
    assert len(dict(found)) == len(found), "two variants have one name"
    return dict(found)


def write_png(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(image))
    return path


def write_jpg(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return path


def rgba(color: tuple[int, int, int], height: int, width: int, alpha: int = 255) -> np.ndarray:
    """A cut-out of one colour, with a transparent margin of one pixel."""
    image = np.zeros((height + 2, width + 2, 4), np.uint8)
    image[1:-1, 1:-1] = (*color, alpha)
    return image


def write_cutout(path: Path, image: np.ndarray, source_sha256: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_cutout(image, source_sha256) if source_sha256 else encode_png(image))
    return path


def changed(augmentation: Augmentation, rng: np.random.Generator, image: np.ndarray, class_name: str) -> np.ndarray:
    """A classified picture after one draw."""
    return augmentation.sample(rng, Sample(image, class_name)).image
