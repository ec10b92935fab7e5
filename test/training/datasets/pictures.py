"""Pictures and sets of them made here: all different, none flat."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from deep_predictor.training.dataset import ArrayDataset, Part, encode_png

SIDE = 24


def picture(number: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """A smooth random picture; each number another."""
    coarse = np.random.default_rng(number).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def png(number: int) -> bytes:
    return encode_png(picture(number))


def jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return encoded.tobytes()


def array_dataset(
    numbers: Sequence[int], labels: Sequence[int], parts: Sequence[Part | None] | None = None
) -> ArrayDataset:
    """Classes a, b, …; equal numbers are copies."""
    names = [chr(ord("a") + label) for label in range(max(labels) + 1)]
    return ArrayDataset([picture(number) for number in numbers], labels, names, parts=parts)


def set_of(names: Iterable[str]) -> dict[str, bytes]:
    """A picture of its own for each file name."""
    return {name: png(number) for number, name in enumerate(names)}


def small_set(classes: Iterable[str] = ("cat", "dog"), count: int = 4, prefix: str = "") -> dict[str, bytes]:
    return set_of(f"{prefix}{name}/{number}.png" for name in classes for number in range(count))


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path
