"""Photos for the benchmarks, drawn from a seed: smooth noise, shapes and a little grain, stored as JPEG."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

#: Of the photo that all throughputs are measured with.
PHOTO_SIZE = (640, 480)
PHOTO_BYTES = 90_000
#: Where thousands are uploaded.
SMALL_SIZE = (160, 120)
#: (width, height) by megapixels, 4 to 3.
SIZES = {1: (1152, 864), 5: (2592, 1944), 9: (3464, 2598), 20: (5168, 3876)}


def draw(seed: int, width: int, height: int) -> np.ndarray:
    """A scene as RGB uint8 (height, width, 3); the same scene at any size, apart from its grain."""
    rng = np.random.default_rng(seed)
    scene = np.zeros((height, width, 3), np.float32)
    for cells, strength in ((3, 90.0), (9, 40.0), (33, 20.0), (129, 10.0)):
        noise = rng.normal(0, strength, (cells, cells, 3)).astype(np.float32)
        scene += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    scene += 110 + rng.normal(0, 30, 3).astype(np.float32)
    for _ in range(12):
        center = (rng.random(2) * (width, height)).astype(int).tolist()
        axes = (rng.uniform(0.03, 0.2, 2) * width).astype(int).tolist()
        color, angle = rng.uniform(0, 255, 3).tolist(), float(rng.uniform(0, 180))
        cv2.ellipse(scene, center, axes, angle, 0, 360, color, -1, cv2.LINE_AA)
    grain = rng.integers(-11, 12, (height, width, 1), dtype=np.int8)
    return np.clip(scene + grain, 0, 255).astype(np.uint8)


def encode_jpeg(pixels: np.ndarray, quality: int = 90) -> bytes:
    return cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def photo(seed: int = 1) -> bytes:
    """The photo of the throughputs: 640 x 480, the JPEG quality that comes nearest to 90 KB."""
    pixels = draw(seed, *PHOTO_SIZE)
    files = [encode_jpeg(pixels, quality) for quality in range(60, 97)]
    return min(files, key=lambda file: abs(len(file) - PHOTO_BYTES))


def large_photo(megapixels: int, seed: int = 1) -> bytes:
    return encode_jpeg(draw(seed, *SIZES[megapixels]))


def write_pictures(folder: Path) -> None:
    """`photo.jpg`, `photo_small.jpg` and `photo_<n>mp.jpg`, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "photo_small.jpg").exists():
        (folder / "photo_small.jpg").write_bytes(encode_jpeg(draw(1, *SMALL_SIZE)))
    if not (folder / "photo.jpg").exists():
        (folder / "photo.jpg").write_bytes(photo())
    for megapixels in SIZES:
        path = folder / f"photo_{megapixels}mp.jpg"
        if not path.exists():
            path.write_bytes(large_photo(megapixels))
