"""The pictures that engines are compared on: made ones of the network's own input shape, and real ones where given."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deep_predictor.engines.request import NetworkRequest
from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.decoding import EXTENSION_FORMATS, decode_image
from deep_predictor.images.preprocessing import InputSpec

#: A model folder's own pictures lie beside its model file.
GOLDEN_FOLDER = "golden"
MADE_PROBES = 12
MAX_REAL_PROBES = 200
MAX_PIXELS = 50_000_000


def real_pictures(request: NetworkRequest) -> list[Path]:
    """The files of the cfg's probe folder, else of the model's golden set; MAX_REAL_PROBES at most, by name."""
    folder = request.probe_folder or request.model_path.parent / GOLDEN_FOLDER
    if not folder.is_dir():
        return []
    endings = tuple(f".{extension}" for extension in EXTENSION_FORMATS)
    files = (path for path in sorted(folder.rglob("*")) if path.name.lower().endswith(endings) and path.is_file())
    return [path for path, _ in zip(files, range(MAX_REAL_PROBES), strict=False)]


def real_inputs(request: NetworkRequest) -> np.ndarray:
    """(N, H, W, C) float32 of the real pictures that can be read; N may be 0."""
    inputs = []
    for path in real_pictures(request):
        try:
            pixels = decode_image(path.read_bytes(), tuple(EXTENSION_FORMATS), MAX_PIXELS).pixels
        except (ImageUnreadable, OSError):
            continue
        inputs.append(request.spec.apply(pixels))
    return np.stack(inputs) if inputs else np.zeros((0, *request.spec.input_shape), np.float32)


def made_inputs(spec: InputSpec, count: int = MADE_PROBES) -> np.ndarray:
    """(count, H, W, C) float32: noise from coarse to fine, on bright, dark and coloured ground. The same every time."""
    random = np.random.default_rng(20)
    return np.stack([spec.apply(_made_picture(random, index, spec.width, spec.height)) for index in range(count)])


def _made_picture(random: np.random.Generator, index: int, width: int, height: int) -> np.ndarray:
    """RGB uint8 (height, width, 3). Blocks of 2^k pixels, k growing with the index; every fourth has plain ground."""
    block = min(2 ** (index % 7), width, height)
    rows, columns = -(-height // block), -(-width // block)
    blocks = random.integers(0, 256, (rows, columns, 3), np.uint8)
    picture = np.repeat(np.repeat(blocks, block, axis=0), block, axis=1)[:height, :width]
    if index % 4 == 3:
        ground = np.full_like(picture, random.integers(0, 256, 3, np.uint8))
        picture = np.where(random.random((height, width, 1)) < 0.1, picture, ground)
    return np.ascontiguousarray(picture, np.uint8)
