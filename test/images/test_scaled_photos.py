"""Real photos, and what a real network says of them, when their JPEGs are decoded at a smaller scale.

The twins on pictures made here: test_scaled_decoding.py.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.decoding import DecodedImage, decode_image, find_format
from deep_predictor.images.preprocessing import InputSpec
from test.images.pictures import MAX_PIXELS

MEGAPIXELS = (1, 5, 9, 20)
#: Resize filter -> how much the probability of the top 1, and those of the top 5, may move on average. Cutting one
#: pixel off the edges of the same pictures moves the top 1 by 0.018 and 0.007.
LIMITS = {"linear": (0.02, 0.01), "bilinear_antialias": (0.012, 0.006)}


@dataclass(frozen=True)
class Moves:
    """What scaled decoding changed in the (1000,) probabilities of one picture."""

    picture: str
    same_top_1: bool
    top_1: float
    top_5: float
    all: float


def decode(data: bytes, smallest: tuple[int, int] | None = None) -> DecodedImage:
    return decode_image(data, ["jpg"], MAX_PIXELS, smallest)


def spec_of(resize_filter: Any) -> InputSpec:
    return InputSpec(224, 224, "rgb", scale=1 / 127.5, mean=1.0, resize_filter=resize_filter)


def large_jpegs(photo: Path) -> Iterator[bytes]:
    """The photo at 1, 5, 9 and 20 megapixels, at JPEG's quality 90."""
    with Image.open(photo) as opened:
        picture = opened.convert("RGB")
    for megapixels in MEGAPIXELS:
        ratio = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
        file = io.BytesIO()
        size = (round(picture.width * ratio), round(picture.height * ratio))
        picture.resize(size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=90)
        yield file.getvalue()


def moves_of(name: str, full: np.ndarray, scaled: np.ndarray) -> Moves:
    change, best = np.abs(full - scaled), np.argsort(-full)[:5]
    same = int(scaled.argmax()) == int(best[0])
    return Moves(name, same, float(change[best[0]]), float(change[best].mean()), float(change.mean()))


@pytest.fixture(scope="module")
def moves(shared_data: Path) -> dict[str, list[Moves]]:
    """Resize filter -> one a photo and size. The network is run by Keras itself."""
    import keras

    folder = shared_data / "classification"
    network = keras.models.load_model(folder / "mobilenet_v1_025_224_imagenet.keras", compile=False)
    found: dict[str, list[Moves]] = {name: [] for name in LIMITS}
    photos = [path for path in sorted((folder / "photos").iterdir()) if path.suffix in (".jpg", ".bmp")]
    for photo in photos:
        for data in large_jpegs(photo):
            full, scaled = decode(data), decode(data, spec_of("linear").smallest_decoded())
            for resize_filter, so_far in found.items():
                spec = spec_of(resize_filter)
                batch = np.stack([spec.apply(full.pixels), spec.apply(scaled.pixels)])
                so_far.append(moves_of(f"{photo.name} {full.width} x {full.height}", *network.predict_on_batch(batch)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("resize_filter", LIMITS)
def test_scaled_decoding_of_real_photos_keeps_what_the_network_says(
    moves: dict[str, list[Moves]], resize_filter: str
) -> None:
    found, (top_1, top_5) = moves[resize_filter], LIMITS[resize_filter]
    assert len(found) == 9 * len(MEGAPIXELS)
    assert not [move.picture for move in found if not move.same_top_1]
    assert (
        np.mean([move.all for move in found]) <= 0.0001
    )  # of 1000 classes, nearly all of them about 0 before and after
    assert np.mean([move.top_5 for move in found]) <= top_5
    assert np.mean([move.top_1 for move in found]) <= top_1


def test_scaled_decoding_of_real_files_reads_what_full_decoding_reads(shared_data: Path) -> None:
    files = [path for path in sorted((shared_data / "hostile").rglob("*")) if path.is_file()]
    jpegs = [data for data in (path.read_bytes() for path in files) if find_format(data) == "jpg"]
    read = [image for image in map(compare, jpegs) if image]
    assert len(jpegs) > 50
    assert len(read) > 20


def compare(data: bytes) -> DecodedImage | None:
    """Decode in full and at the smallest scale; None when both are refused."""
    try:
        full = decode(data)
    except ImageUnreadable:
        with pytest.raises(ImageUnreadable):
            decode(data, (1, 1))
        return None
    scaled = decode(data, (1, 1))
    assert (scaled.width, scaled.height) == (full.width, full.height)
    assert scaled.pixels.shape[0] <= max(1, full.height // 4)
    return scaled


def test_scaled_decoding_of_arithmetic_coding_is_that_of_its_twin(shared_data: Path) -> None:
    folder = shared_data / "hostile" / "libjpeg-turbo"
    arithmetic, huffman = ((folder / f"testimg{name}.jpg").read_bytes() for name in ("ari", "int"))
    for smallest in ((113, 74), (56, 37), (28, 18)):
        scaled = decode(arithmetic, smallest).pixels
        assert scaled.shape[1] in (smallest[0], smallest[0] + 1)
        np.testing.assert_array_equal(scaled, decode(huffman, smallest).pixels)


def test_scaled_decoding_of_a_real_cmyk_jpeg_keeps_its_colors(shared_data: Path) -> None:
    data = (shared_data / "hostile" / "go-fuzz-corpus" / "jpeg" / "video-001.cmyk.jpeg").read_bytes()
    mean = decode(data).pixels.mean(axis=(0, 1))
    for smallest in ((75, 51), (37, 25), (18, 12)):
        np.testing.assert_allclose(decode(data, smallest).pixels.mean(axis=(0, 1)), mean, atol=4)
