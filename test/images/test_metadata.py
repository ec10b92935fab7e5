"""After `strip_metadata` nothing personal is left, and the picture is the same to the pixel."""

from __future__ import annotations

import contextlib
import io
import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from deep_predictor.errors import ImageNotStored
from deep_predictor.images.decoding import decode_image
from deep_predictor.images.metadata import strip_metadata
from test.images.pictures import EXTENSIONS, MAX_PIXELS, chunk, encoded, exif, heic, quadrants, turned_for

SECRET = b"SECRET-GPS-51.5N"
ICC = b"PROFILE" * 30


def exif_with_secret(orientation: int) -> bytes:
    return exif(orientation) + SECRET


def xmp() -> bytes:
    return b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"


def jpeg_with_everything(orientation: int) -> bytes:
    picture = turned_for(orientation, quadrants())
    options = {"exif": exif_with_secret(orientation), "comment": SECRET, "icc_profile": ICC, "xmp": xmp()}
    data = encoded(picture, "JPEG", **options)
    iptc = b"\xff\xed" + struct.pack(">H", len(SECRET) + 16) + b"Photoshop 3.0\x00" + SECRET
    thumbnail = (SECRET * 2)[: 3 * 3 * 3]
    jfif = b"\xff\xe0" + struct.pack(">H", 16 + 27) + b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x03\x03" + thumbnail
    return data[:2] + jfif + iptc + data[20:] + SECRET


def png_with_everything(orientation: int) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode())
    info.add_itxt("XML:com.adobe.xmp", xmp().decode())
    picture = turned_for(orientation, quadrants())
    data = encoded(picture, "PNG", exif=exif_with_secret(orientation), pnginfo=info, icc_profile=ICC)
    return data[:33] + chunk(b"tIME", bytes(7)) + chunk(b"prVt", SECRET) + data[33:] + SECRET


def webp_with_everything(orientation: int) -> bytes:
    picture = turned_for(orientation, quadrants())
    options = {"exif": exif_with_secret(orientation), "xmp": xmp(), "icc_profile": ICC, "lossless": True}
    return encoded(picture, "WEBP", **options) + SECRET


def heic_with_everything(orientation: int) -> bytes:
    return heic(turned_for(orientation, quadrants()), exif=exif_with_secret(orientation), xmp=xmp())


def gif_with_everything(orientation: int) -> bytes:
    data = encoded(quadrants(), "GIF", comment=SECRET)
    body = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    application = b"!\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\x00"
    text = b"!\x01\x0c" + bytes(12) + bytes([len(SECRET)]) + SECRET + b"\x00"
    return data[:body] + application + text + data[body:] + SECRET


def bmp_with_everything(orientation: int) -> bytes:
    return encoded(quadrants(), "BMP") + SECRET


MAKERS = {
    "jpg": jpeg_with_everything,
    "png": png_with_everything,
    "webp": webp_with_everything,
    "heic": heic_with_everything,
    "gif": gif_with_everything,
    "bmp": bmp_with_everything,
}


def pixels_of(data: bytes) -> np.ndarray:
    return decode_image(data, EXTENSIONS, MAX_PIXELS).pixels


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("extension", MAKERS)
def test_strip_metadata_of_each_format_leaves_only_the_picture(extension: str, orientation: int) -> None:
    data = MAKERS[extension](orientation)
    assert SECRET in data
    stripped = strip_metadata(data, extension)
    assert SECRET not in stripped
    for trace in (b"xmpmeta", b"Photoshop", b"tEXt", b"zTXt", b"iTXt", b"tIME"):
        assert trace not in stripped
    np.testing.assert_array_equal(pixels_of(stripped), pixels_of(data))
    assert strip_metadata(stripped, extension) == stripped


@pytest.mark.parametrize("extension", ["jpg", "png", "webp"])
def test_strip_metadata_keeps_orientation_and_profile_for_other_readers(extension: str) -> None:
    picture = Image.open(io.BytesIO(strip_metadata(MAKERS[extension](6), extension)))
    assert dict(picture.getexif()) == {0x0112: 6}
    assert picture.info["icc_profile"] == ICC
    assert "xmp" not in picture.info
    assert "comment" not in picture.info


@pytest.mark.parametrize("extension", ["jpg", "png", "webp"])
def test_strip_metadata_of_an_upright_picture_leaves_no_exif(extension: str) -> None:
    stripped = strip_metadata(MAKERS[extension](1), extension)
    assert not dict(Image.open(io.BytesIO(stripped)).getexif())


@pytest.mark.parametrize("pillow_format", ["GIF", "PNG", "WEBP"])
def test_strip_metadata_of_an_animation_keeps_it_running(pillow_format: str) -> None:
    frames = [Image.new("RGB", (20, 10), color) for color in ("red", "green", "blue")]
    more = {} if pillow_format == "GIF" else {"exif": exif_with_secret(1)}
    data = encoded(frames[0], pillow_format, save_all=True, append_images=frames[1:], duration=70, loop=3, **more)
    stripped = strip_metadata(data, pillow_format.lower())
    before, after = (Image.open(io.BytesIO(file)) for file in (data, stripped))
    assert getattr(after, "n_frames", 1) == 3
    assert after.info.get("loop") == before.info.get("loop")
    for index in range(3):
        before.seek(index)
        after.seek(index)
        assert before.convert("RGB").tobytes() == after.convert("RGB").tobytes()
        assert after.info.get("duration") == before.info.get("duration")
    assert SECRET not in stripped


@pytest.mark.parametrize("extension", [*MAKERS, "tiff", ""])
@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff\xd9", b"BM", b"RIFF\x04\0\0\0WEBP", b"GIF89a", b"\x89PNG\r\n\x1a\n"]
)
def test_strip_metadata_of_a_broken_file_raises_image_not_stored(extension: str, data: bytes) -> None:
    with pytest.raises(ImageNotStored, match="metadata"):
        strip_metadata(data, extension)


@pytest.mark.parametrize("extension", MAKERS)
def test_strip_metadata_of_damaged_files_raises_nothing_else(extension: str) -> None:
    good = MAKERS[extension](6)
    random = np.random.default_rng(4)
    for _ in range(100):
        damaged = bytearray(good)
        for position in random.integers(0, min(len(good), 600), 4):
            damaged[position] = random.integers(0, 256)
        with contextlib.suppress(ImageNotStored):
            strip_metadata(bytes(damaged), extension)
