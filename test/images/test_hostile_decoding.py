"""What breaks decoders ends as ImageUnreadable, within two seconds and without a warning."""

from __future__ import annotations

import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images import decoding, gif_file, heic, jpeg_file, png_file, webp_file
from deep_predictor.images.decoding import decode_image, find_format
from deep_predictor.images.jpeg_file import JpegFile
from deep_predictor.images.metadata import strip_metadata
from test.images.pictures import (
    EXTENSIONS,
    MAX_PIXELS,
    PNG_SIGNATURE,
    bmp_header,
    chunk,
    claiming_png,
    encoded,
    png,
    quadrants,
)
from test.images.pictures import (
    heic as heic_bytes,
)

MAX_SECONDS = 2.0
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "HEIF")


def assert_unreadable(data: bytes, match: str | None = None) -> None:
    started = time.monotonic()
    with pytest.raises(ImageUnreadable, match=match):
        decode_image(data, EXTENSIONS, MAX_PIXELS)
    assert time.monotonic() - started < MAX_SECONDS


def decode_or_refuse(data: bytes) -> None:
    """Either is right for a damaged file; anything else than ImageUnreadable fails the test."""
    started = time.monotonic()
    try:
        image = decode_image(data, EXTENSIONS, MAX_PIXELS)
        assert image.pixels.shape == (image.height, image.width, 3)
    except ImageUnreadable:
        pass
    assert time.monotonic() - started < MAX_SECONDS


def before_first_frame(gif: bytes, more: bytes) -> bytes:
    start = 13 + 3 * 2 ** ((gif[10] & 7) + 1)
    return gif[:start] + more + gif[start:]


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"no picture", b"<svg onload=alert(1)>", bytes(10_000), b"\xff\xd8", b"BM"]
)
def test_decoding_what_is_no_picture_is_refused(data: bytes) -> None:
    assert_unreadable(data)


@pytest.mark.parametrize("pillow_format", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_decoding_a_truncated_file_is_refused(pillow_format: str, share: float) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(pixels), pillow_format)
    assert_unreadable(data[: int(len(data) * share)])


@pytest.mark.parametrize("pillow_format", FORMATS[:5])
def test_decoding_damaged_files_never_raises_anything_else(pillow_format: str) -> None:
    good = encoded(quadrants(40, 30), pillow_format)
    random = np.random.default_rng(7)
    for _ in range(150):
        damaged = bytearray(good)
        for position in random.integers(0, len(good), random.integers(1, 8)):
            damaged[position] = random.integers(0, 256)
        decode_or_refuse(bytes(damaged))


def test_decoding_a_damaged_heic_never_raises_anything_else() -> None:
    good = heic_bytes(quadrants(64, 64))
    random = np.random.default_rng(8)
    for _ in range(12):
        damaged = bytearray(good)
        for position in random.integers(0, len(good), 3):
            damaged[position] = random.integers(0, 256)
        decode_or_refuse(bytes(damaged))


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (2**31 - 1, 1), (1, 70_000), (0, 5), (5, 0)])
def test_decoding_a_png_that_claims_too_much_is_refused_by_its_header(width: int, height: int) -> None:
    assert_unreadable(claiming_png(width, height), "pixels")


def test_decoding_other_formats_that_claim_too_much_is_refused_by_their_headers() -> None:
    gif = encoded(Image.new("P", (2, 2)), "GIF")
    huge_screen = gif[:6] + b"\xff\xff\xff\xff" + gif[10:]
    start = gif.index(b",", 13 + 3 * 2 ** ((gif[10] & 7) + 1))
    huge_frame = gif[: start + 5] + b"\xff\xff\xff\xff" + gif[start + 9 :]
    jpeg = bytearray(encoded(quadrants(), "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = b"\xff\xdc\xff\xdc"
    webp = b"VP8X" + struct.pack("<I", 10) + b"\x10\0\0\0" + b"\xff\xff\xff" * 2 + b"VP8L" + struct.pack("<I", 0)
    riff = b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp
    for data in (huge_screen, huge_frame, bytes(jpeg), riff, bmp_header(60_000, 60_000, 24, 0) + bytes(100)):
        assert_unreadable(data, "pixels")


def test_decoding_a_heic_that_claims_too_much_is_refused_before_it_is_decoded() -> None:
    data = bytearray(heic_bytes(quadrants()))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", 60_000, 60_000)
    assert_unreadable(bytes(data))


def test_decoding_a_png_whose_pixels_unpack_to_more_than_it_says_stops_in_time() -> None:
    bomb = zlib.compress(bytes(60_000_000), 9)
    header = struct.pack(">IIBBBBB", 10, 10, 8, 2, 0, 0, 0)
    decode_or_refuse(PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", bomb) + chunk(b"IEND", b""))


def test_decoding_a_png_with_packed_text_does_not_unpack_it() -> None:
    text = chunk(b"zTXt", b"k\x00\x00" + zlib.compress(bytes(20_000_000), 9)) * 20
    data = png((1, 1), 8, 2, [b"abc"], text + chunk(b"iCCP", b"p\x00\x00" + zlib.compress(bytes(20_000_000), 9)))
    assert decode_image(data, EXTENSIONS, MAX_PIXELS).pixels.tolist() == [[[97, 98, 99]]]


def test_decoding_deep_png_is_limited_by_its_unpacked_bytes() -> None:
    assert_unreadable(png((6000, 6000), 16, 6, [bytes(10)]), "unpacks to 288000000 bytes")


def test_decoding_files_with_masses_of_parts_is_refused_or_fast() -> None:
    small_png = png((1, 1), 8, 2, [b"abc"])
    gif = encoded(Image.new("P", (2, 2)), "GIF")
    jpeg = encoded(quadrants(), "JPEG")
    assert_unreadable(small_png[:33] + chunk(b"teSt", b"") * (png_file.MAX_CHUNKS + 1) + small_png[33:], "chunks")
    assert_unreadable(jpeg[:2] + b"\xff\xe5\x00\x02" * (jpeg_file.MAX_SEGMENTS + 1) + jpeg[2:], "segments")
    assert_unreadable(before_first_frame(gif, b"!\xfe" + b"\x01a" * gif_file.MAX_BLOCKS + b"\x00"), "blocks")
    assert_unreadable(before_first_frame(gif, b"!\xfe\x00" * gif_file.MAX_BLOCKS), "blocks")
    webp = b"JUNK" + struct.pack("<I", 0)
    body = b"WEBP" + webp * (webp_file.MAX_CHUNKS + 1)
    assert_unreadable(b"RIFF" + struct.pack("<I", len(body)) + body, "chunks")
    for data in (
        before_first_frame(gif, b"!\xfe" + (b"\xff" + b"a" * 255) * 40_000 + b"\x00"),
        before_first_frame(gif, bytes(4_000_000)),
        jpeg[:20] + bytes(4_000_000) + jpeg[20:],
    ):
        started = time.monotonic()
        assert decode_image(data, EXTENSIONS, MAX_PIXELS).width in (2, 64)
        assert time.monotonic() - started < MAX_SECONDS


def test_decoding_a_jpeg_with_masses_of_scans_is_refused() -> None:
    file = JpegFile.read(encoded(quadrants(), "JPEG", progressive=True))
    scan = next(segment for segment in file.segments if segment.coded)
    many = (*file.segments, *[scan] * jpeg_file.MAX_SCANS)
    assert_unreadable(JpegFile(many, 64, 48).pixels_only(), "scans")


def test_decoding_a_large_run_length_coded_bmp_is_refused() -> None:
    runs = b"\x01\x05" * decoding.MAX_RUN_LENGTH_CODED_BYTES
    assert_unreadable(bmp_header(2000, 2000, 8, 1) + bytes(1024) + runs, "run-length")


def test_decoding_a_heic_that_takes_too_long_ends_its_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child = tmp_path / "stuck.py"
    child.write_text("while True: pass\n", encoding="utf-8")
    monkeypatch.setattr(heic, "_CHILD", child)
    monkeypatch.setattr(heic, "_WALL_SECONDS_PER_CPU_SECOND", 0.1)
    assert_unreadable(heic_bytes(quadrants()), "took more than")


def test_decoding_a_heic_that_crashes_its_decoder_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child = tmp_path / "crash.py"
    child.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", encoding="utf-8")
    monkeypatch.setattr(heic, "_CHILD", child)
    assert_unreadable(heic_bytes(quadrants()), "ended with -9")


def test_decoding_the_shared_hostile_files_reads_or_refuses_each_in_time(shared_data: Path) -> None:
    files = sorted(path for path in (shared_data / "hostile").rglob("*") if path.is_file())
    assert len(files) > 300
    readable = 0
    for path in files:
        data = path.read_bytes()
        started = time.monotonic()
        try:
            image = decode_image(data, EXTENSIONS, MAX_PIXELS)
        except ImageUnreadable:
            pass
        else:
            readable += 1
            assert image.extension == find_format(data)
            assert_same_without_metadata(data, image.pixels, image.extension, path.name)
        assert time.monotonic() - started < MAX_SECONDS, path.name
    assert readable >= 120


def assert_same_without_metadata(data: bytes, pixels: np.ndarray, extension: str, name: str) -> None:
    stripped = decode_image(strip_metadata(data, extension), EXTENSIONS, MAX_PIXELS)
    assert stripped.extension == extension
    np.testing.assert_array_equal(stripped.pixels, pixels, err_msg=name)
