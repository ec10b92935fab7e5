"""A JPEG decoded at a smaller scale is the same picture, in every kind of JPEG, and as safe as in full."""

from __future__ import annotations

import io
import itertools
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.decoding import DecodedImage, decode_image
from deep_predictor.images.jpeg_file import JpegFile
from deep_predictor.images.preprocessing import InputSpec
from test.images.pictures import BLUE, EXTENSIONS, GREEN, MAX_PIXELS, RED, WHITE, encoded, exif, quadrants, turned_for

#: What Pillow can write: every sampling of chroma, gray, CMYK, RGB without a change of colours, progressive.
KINDS: dict[str, dict[str, Any]] = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "rgb": {"keep_rgb": True},
    "gray": {"mode": "L"},
    "gray progressive": {"mode": "L", "progressive": True},
    "cmyk": {"mode": "CMYK"},
    "cmyk progressive": {"mode": "CMYK", "progressive": True},
}
MEGAPIXELS_9 = (3464, 2598)


def decode(data: bytes, smallest: tuple[int, int] | None = None, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    return decode_image(data, EXTENSIONS, max_pixels, smallest)


def smooth(width: int, height: int) -> Image.Image:
    """Slow waves, another one in each colour and direction."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    waves = [np.sin(5 * x + 2 * y), np.cos(3 * x - 4 * y), np.sin(2 * x + 6 * y + 1)]
    return Image.fromarray((127.5 + 100 * np.stack(waves, axis=-1)).astype(np.uint8))


def jpeg(picture: Image.Image, mode: str = "RGB", **options: Any) -> bytes:
    return encoded(picture.convert(mode), "JPEG", **{"quality": 90, **options})


def blocks(values: np.ndarray) -> bytes:
    """A gray JPEG of flat blocks of 8 x 8, as near to lossless as it can be."""
    return jpeg(Image.fromarray(np.kron(values, np.ones((8, 8))).astype(np.uint8)), "L", quality=100)


def with_adobe_transform(data: bytes, transform: int) -> bytes:
    """The same coefficients, taken for other colours: 0 as they are (CMYK), 2 YCCK."""
    at = data.index(b"Adobe") + 11
    return data[:at] + bytes([transform]) + data[at + 1 :]


def lossless_jpeg(width: int, height: int) -> bytes:
    """Gray, ITU T.81 process 14: each sample as that on its left, the first one 128."""

    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body

    frame = segment(0xC3, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    one_code = segment(0xC4, b"\x00\x01" + bytes(15) + b"\x00")
    scan = segment(0xDA, b"\x01\x01\x00\x01\x00\x00") + bytes(width * height // 8 + 1)
    return b"\xff\xd8" + frame + one_code + scan + b"\xff\xd9"


def moved(spec: InputSpec, full: DecodedImage, scaled: DecodedImage) -> float:
    """Mean difference of what a network sees, 0..255."""
    return float(np.abs(spec.apply(full.pixels) - spec.apply(scaled.pixels)).mean())


@pytest.mark.parametrize(
    ("size", "smallest", "expected"),
    [
        ((800, 600), (100, 75), (100, 75)),
        ((800, 600), (101, 75), (200, 150)),
        ((800, 600), (100, 76), (200, 150)),
        ((800, 600), (200, 151), (400, 300)),
        ((800, 600), (400, 300), (400, 300)),
        ((800, 600), (401, 1), (800, 600)),
        ((800, 600), (800, 600), (800, 600)),
        ((800, 600), (801, 1), (800, 600)),
        ((800, 600), (5000, 5000), (800, 600)),
        ((803, 605), (100, 75), (100, 76)),  # 100.375 x 75.625
        ((804, 604), (100, 75), (101, 76)),  # 100.5 x 75.5
        ((799, 600), (100, 75), (200, 150)),  # 99.875 are not 100
        ((1600, 80), (100, 20), (400, 20)),
        ((8, 8), (1, 1), (1, 1)),
        ((9, 7), (1, 1), (2, 2)),
        ((1, 1), (1, 1), (1, 1)),
    ],
)
def test_scaled_decoding_takes_the_smallest_scale_that_suffices(
    size: tuple[int, int], smallest: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = decode(jpeg(smooth(*size)), smallest)
    assert image.pixels.shape == (expected[1], expected[0], 3)
    assert (image.width, image.height) == size
    assert image.extension == "jpg"
    assert image.pixels.dtype == np.uint8
    assert image.pixels.flags.c_contiguous
    assert not image.pixels.flags.writeable


@pytest.mark.parametrize("orientation", range(1, 9))
def test_scaled_decoding_with_an_orientation_counts_upright(orientation: int) -> None:
    stored = turned_for(orientation, quadrants(640, 328))
    image = decode(jpeg(stored, exif=exif(orientation)), (160, 80))
    assert (image.width, image.height) == (640, 328)
    assert image.pixels.shape == (82, 160, 3)
    assert image.pixels.flags.c_contiguous
    corners = image.pixels[[10, 10, 70, 70], [20, 140, 20, 140]]
    np.testing.assert_allclose(corners, [RED, GREEN, BLUE, WHITE], atol=20)
    assert decode(jpeg(stored, exif=exif(orientation)), (80, 160)).pixels.shape == (164, 320, 3)


@pytest.mark.parametrize("size", [(1280, 960), (1283, 967), (997, 1501)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_scaled_decoding_of_each_orientation_moves_the_input_little(orientation: int, size: tuple[int, int]) -> None:
    data = jpeg(turned_for(orientation, smooth(*size)), exif=exif(orientation))
    spec = InputSpec(96, 64, color_mode="rgb")
    full, scaled = decode(data), decode(data, spec.smallest_decoded())
    assert (full.width, full.height) == (scaled.width, scaled.height) == size
    assert scaled.pixels.shape[0] < full.pixels.shape[0] / 3
    assert moved(spec, full, scaled) < 0.6


@pytest.mark.parametrize("scale", [2, 4, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_scaled_decoding_of_each_kind_keeps_the_colors(kind: str, scale: int) -> None:
    data = jpeg(smooth(800, 608), **KINDS[kind])
    full, scaled = decode(data), decode(data, (800 // scale, 608 // scale))
    assert scaled.pixels.shape == (608 // scale, 800 // scale, 3)
    for resize_filter in ("linear", "area"):
        spec = InputSpec(40, 30, color_mode="rgb", resize_filter=resize_filter)
        assert moved(spec, full, scaled) < 0.9


@pytest.mark.parametrize("transform", [0, 2])
def test_scaled_decoding_of_four_colors_heeds_the_adobe_segment(transform: int) -> None:
    picture = smooth(800, 600).point(lambda value: 96 + value // 4)  # so that no colour leaves 0..255
    data = with_adobe_transform(jpeg(picture, "CMYK"), transform)
    other = with_adobe_transform(data, 2 - transform)
    spec = InputSpec(40, 30, color_mode="rgb")
    assert moved(spec, decode(data), decode(data, (100, 75))) < 0.8
    assert moved(spec, decode(data), decode(other, (100, 75))) > 20


@pytest.mark.parametrize("resize_filter", ["linear", "area", "nearest", "cubic", "lanczos", "bilinear_antialias"])
@pytest.mark.parametrize("resize_mode", ["stretch", "letterbox", "center_crop"])
@pytest.mark.parametrize("size", [(1600, 1200), (700, 1900), (1001, 999)])
def test_scaled_decoding_moves_the_input_of_each_mode_little(
    size: tuple[int, int], resize_mode: Any, resize_filter: Any
) -> None:
    data = jpeg(smooth(*size))
    spec = InputSpec(96, 64, color_mode="rgb", resize_mode=resize_mode, resize_filter=resize_filter)
    scaled = decode(data, spec.smallest_decoded())
    height, width = scaled.pixels.shape[:2]
    assert 192 <= width < size[0]
    assert 128 <= height < size[1]
    assert moved(spec, decode(data), scaled) < (1.5 if resize_filter == "nearest" else 1.0)


def test_scaled_decoding_to_an_eighth_gives_the_mean_of_each_block() -> None:
    values = np.random.default_rng(2).integers(0, 256, (6, 9))
    pixels = decode(blocks(values), (9, 6)).pixels
    np.testing.assert_allclose(pixels, np.repeat(values[:, :, np.newaxis], 3, axis=2), atol=1)


@pytest.mark.parametrize("scale", [2, 4])
def test_scaled_decoding_of_flat_blocks_keeps_them_flat(scale: int) -> None:
    values = np.random.default_rng(2).integers(0, 256, (6, 9))
    pixels = decode(blocks(values), (72 // scale, 48 // scale)).pixels
    np.testing.assert_allclose(pixels[:, :, 0], np.kron(values, np.ones((8 // scale, 8 // scale))), atol=1)


def test_scaled_decoding_averages_where_full_decoding_leaves_single_pixels() -> None:
    stripes = np.tile(np.array([0, 0, 0, 255], np.uint8), (64, 16))
    data = jpeg(Image.fromarray(stripes), "L", quality=100)
    np.testing.assert_allclose(decode(data, (8, 8)).pixels, 255 / 4, atol=1)


def test_smallest_decoded_is_twice_the_input() -> None:
    assert InputSpec(224, 160).smallest_decoded() == (448, 320)
    assert InputSpec(1, 7, resize_mode="letterbox").smallest_decoded() == (2, 14)


@pytest.mark.parametrize("kind", KINDS)
def test_decoding_without_a_smallest_size_is_full_and_bit_identical(kind: str) -> None:
    data = jpeg(smooth(203, 105), **KINDS[kind])
    with Image.open(io.BytesIO(data)) as picture:
        expected = np.asarray(picture.convert("RGB"))
    np.testing.assert_array_equal(decode(data).pixels, expected)
    np.testing.assert_array_equal(decode(data, (102, 1)).pixels, expected)


@pytest.mark.parametrize("pillow_format", ["PNG", "BMP", "GIF", "WEBP", "HEIF"])
def test_other_formats_are_decoded_in_full(pillow_format: str) -> None:
    data = encoded(quadrants(), pillow_format)
    full, scaled = decode(data), decode(data, (2, 2))
    assert (scaled.width, scaled.height) == (64, 48)
    np.testing.assert_array_equal(full.pixels, scaled.pixels)


def test_scaled_decoding_leaves_a_lossless_jpeg_in_full() -> None:
    data = lossless_jpeg(640, 64)
    assert not JpegFile.read(data).is_dct_coded
    image = decode(data, (80, 8))
    assert image.pixels.shape == (64, 640, 3)
    assert (image.pixels == 128).all()


@pytest.mark.parametrize("smallest", [None, (8, 8)])
def test_decoding_of_12_bit_samples_is_refused_at_each_scale(smallest: tuple[int, int] | None) -> None:
    data = bytearray(jpeg(smooth(64, 64)))
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(ImageUnreadable, match="UnidentifiedImageError"):
        decode(bytes(data), smallest)


def test_scaled_decoding_counts_the_pixels_of_the_whole_picture() -> None:
    data = jpeg(smooth(800, 600))
    assert decode(data, (100, 75), max_pixels=480_000).pixels.shape == (75, 100, 3)
    with pytest.raises(ImageUnreadable, match="800 x 600 pixels"):
        decode(data, (100, 75), max_pixels=479_999)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["4:2:0", "progressive", "cmyk"])
def test_scaled_decoding_of_a_truncated_file_is_refused(kind: str, share: float) -> None:
    data = jpeg(smooth(640, 480), **KINDS[kind])
    with pytest.raises(ImageUnreadable):
        decode(data[: int(len(data) * share)], (80, 60))


@pytest.mark.parametrize("kind", ["4:2:0", "progressive", "cmyk"])
def test_scaled_decoding_of_damaged_files_reads_what_full_decoding_reads(kind: str) -> None:
    good = jpeg(smooth(64, 48), **KINDS[kind])
    random = np.random.default_rng(9)
    outcomes = set()
    for _ in range(150):
        damaged = bytearray(good)
        for position in random.integers(0, len(good), random.integers(1, 8)):
            damaged[position] = random.integers(0, 256)
        full, scaled = read_or_none(bytes(damaged), None), read_or_none(bytes(damaged), (8, 6))
        assert (full is None) == (scaled is None)
        outcomes.add(full is None)
        if full and scaled:
            assert (full.width, full.height) == (scaled.width, scaled.height)
            assert scaled.pixels.size <= full.pixels.size
    assert outcomes == {True, False}


def read_or_none(data: bytes, smallest: tuple[int, int] | None) -> DecodedImage | None:
    try:
        return decode(data, smallest)
    except ImageUnreadable:
        return None


def test_scaled_decoding_by_two_threads_gives_every_picture_right() -> None:
    files = [jpeg(smooth(640, 480), **options) for options in KINDS.values()]
    sizes: list[tuple[int, int] | None] = [None, (320, 240), (160, 120), (80, 60)]
    work = [(data, size, decode(data, size).pixels) for data, size in itertools.product(files, sizes)]
    failures: list[BaseException] = []

    def check(step: int) -> None:
        try:
            for data, size, pixels in work[::step]:
                np.testing.assert_array_equal(decode(data, size).pixels, pixels)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=check, args=(step,)) for step in (1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_scaled_decoding_of_9_megapixels_takes_well_under_the_time() -> None:
    data = jpeg(smooth(*MEGAPIXELS_9))
    seconds: dict[tuple[int, int] | None, list[float]] = {None: [], (448, 448): []}
    for _ in range(4):
        for smallest, measured in seconds.items():
            started = time.perf_counter()
            decode(data, smallest)
            measured.append(time.perf_counter() - started)
    assert min(seconds[448, 448]) < 0.6 * min(seconds[None])


CHILD = """
import re, sys
from pathlib import Path
from deep_predictor.images.decoding import decode_image

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

data = Path(sys.argv[1]).read_bytes()
smallest = eval(sys.argv[2])
decode_image(Path(sys.argv[3]).read_bytes(), ["jpg"], 50_000_000, smallest)
before = peak()
decode_image(data, ["jpg"], 50_000_000, smallest)
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_scaled_decoding_of_9_megapixels_takes_well_under_the_memory(tmp_path: Path, project_root: Path) -> None:
    large, small = tmp_path / "large.jpg", tmp_path / "small.jpg"
    large.write_bytes(jpeg(smooth(*MEGAPIXELS_9)))
    small.write_bytes(jpeg(smooth(16, 16)))

    def peak_kilobytes(smallest: tuple[int, int] | None) -> int:
        command = [sys.executable, "-c", CHILD, str(large), repr(smallest), str(small)]
        return int(subprocess.run(command, cwd=project_root, capture_output=True, check=True, timeout=60).stdout)

    assert peak_kilobytes((448, 448)) < 0.6 * peak_kilobytes(None)
