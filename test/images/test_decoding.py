"""Every kind of picture that is well formed is read right."""

from __future__ import annotations

import io
import struct
import threading
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.decoding import (
    DecodedImage,
    canonical_extension,
    content_type,
    decode_image,
)
from test.images.pictures import (
    BLACK,
    BLUE,
    EXTENSIONS,
    GREEN,
    MAX_PIXELS,
    RED,
    WHITE,
    chunk,
    encoded,
    exif,
    heic,
    png,
    quadrants,
    tiff,
    turned_for,
)

FORMATS = {"JPEG": "jpg", "PNG": "png", "BMP": "bmp", "GIF": "gif", "WEBP": "webp", "HEIF": "heic"}


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    return decode_image(data, EXTENSIONS, max_pixels)


def assert_quadrants(pixels: np.ndarray, tolerance: int = 40) -> None:
    height, width = pixels.shape[:2]
    places = {RED: (0.2, 0.2), GREEN: (0.8, 0.2), BLUE: (0.2, 0.8), WHITE: (0.8, 0.8)}
    for color, (x, y) in places.items():
        found = pixels[int(y * height), int(x * width)].astype(int)
        assert np.abs(found - color).max() <= tolerance, f"{color} expected, got {found}"


@pytest.mark.parametrize("pillow_format", FORMATS)
def test_decoding_each_format_gives_its_pixels(pillow_format: str) -> None:
    image = decode(encoded(quadrants(), pillow_format))
    assert image.extension == FORMATS[pillow_format]
    assert (image.width, image.height) == (64, 48)
    assert image.pixels.shape == (48, 64, 3)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.flags.c_contiguous
    assert not image.pixels.flags.writeable
    assert_quadrants(image.pixels)


@pytest.mark.parametrize("pillow_format", ["PNG", "BMP", "WEBP"])
def test_decoding_a_lossless_picture_changes_no_pixel(pillow_format: str) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (37, 53, 3), np.uint8)
    data = encoded(Image.fromarray(pixels), pillow_format, lossless=True)
    np.testing.assert_array_equal(decode(data).pixels, pixels)


@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("pillow_format", ["JPEG", "PNG", "WEBP"])
def test_decoding_with_an_exif_orientation_turns_upright(pillow_format: str, orientation: int, byte_order: str) -> None:
    stored = turned_for(orientation, quadrants())
    image = decode(encoded(stored, pillow_format, exif=exif(orientation, byte_order), quality=95))
    assert (image.width, image.height) == (64, 48)
    assert_quadrants(image.pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_decoding_a_turned_heic_turns_it_once(orientation: int) -> None:
    data = heic(turned_for(orientation, quadrants()), exif=exif(orientation))  # written as a property and in EXIF
    assert (b"irot" in data or b"imir" in data) == (orientation != 1)
    image = decode(data)
    assert (image.width, image.height) == (64, 48)
    assert_quadrants(image.pixels)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"II",
        tiff([])[:9],
        tiff([(0x0112, 3, 9)]),
        tiff([(0x0112, 2, 6)]),
        b"MM\x00*\xff\xff\xff\xff",
        b"\xff" * 40,
    ],
)
def test_decoding_with_broken_exif_takes_the_picture_as_it_is(broken: bytes) -> None:
    data = encoded(quadrants(), "JPEG", exif=b"Exif\x00\x00" + broken)
    assert_quadrants(decode(data).pixels)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_decoding_jpeg_of_each_color_space_gives_rgb(mode: str, progressive: bool) -> None:
    image = decode(encoded(quadrants().convert(mode), "JPEG", quality=95, progressive=progressive))
    expected = np.asarray(quadrants().convert(mode).convert("RGB")).astype(int)
    assert np.abs(image.pixels - expected)[:20, :28].max() < 12


def test_decoding_jpeg_with_more_behind_its_end_reads_the_picture() -> None:
    data = encoded(quadrants(), "JPEG")
    assert_quadrants(decode(data + b"\xff\xd8\xff\xda a film" * 100).pixels)


@pytest.mark.parametrize(
    ("sample", "expected"), [(0, 0), (255, 0), (256, 1), (0x7FFF, 127), (0x8000, 128), (65535, 255)]
)
def test_decoding_16_bit_gray_keeps_the_high_byte(sample: int, expected: int) -> None:
    data = png((2, 1), 16, 0, [struct.pack(">HH", sample, 0)])
    assert decode(data).pixels.tolist() == [[[expected] * 3, [0] * 3]]


def test_decoding_16_bit_colors_keeps_the_high_bytes() -> None:
    rgb = png((1, 1), 16, 2, [struct.pack(">HHH", 0xFFFF, 0x80FF, 0x01FF)])
    rgba = png((1, 1), 16, 6, [struct.pack(">HHHH", 0xFFFF, 0x80FF, 0x01FF, 0xFFFF)])
    gray_alpha = png((2, 1), 16, 4, [struct.pack(">HHHH", 0x40FF, 0xFFFF, 0x40FF, 0)])
    assert decode(rgb).pixels.tolist() == [[[255, 128, 1]]]
    assert decode(rgba).pixels.tolist() == [[[255, 128, 1]]]
    assert decode(gray_alpha).pixels.tolist() == [[[64] * 3, [255] * 3]]


@pytest.mark.parametrize(
    ("bits", "byte", "expected"), [(1, 0b01000000, [0, 255]), (2, 0b01110000, [85, 255]), (4, 0x4F, [68, 255])]
)
def test_decoding_gray_of_few_bits_widens_the_samples(bits: int, byte: int, expected: list[int]) -> None:
    assert decode(png((2, 1), bits, 0, [bytes([byte])])).pixels[0, :, 0].tolist() == expected


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_decoding_with_alpha_lays_on_white(mode: str) -> None:
    picture = Image.new("RGBA", (3, 1), (0, 0, 0, 255))
    picture.putpixel((1, 0), (0, 0, 0, 0))
    picture.putpixel((2, 0), (0, 0, 0, 127))
    data = encoded(picture.convert(mode), "PNG")
    assert decode(data).pixels[0, :, 0].tolist() == [0, 255, 128]


@pytest.mark.parametrize("pillow_format", ["WEBP", "HEIF"])
def test_decoding_lossy_formats_with_alpha_lays_on_white(pillow_format: str) -> None:
    picture = Image.new("RGBA", (64, 64), (*RED, 255))
    picture.paste((0, 0, 0, 0), (32, 0, 64, 64))
    pixels = decode(encoded(picture, pillow_format)).pixels.astype(int)
    assert np.abs(pixels[32, 8] - RED).max() < 30
    assert np.abs(pixels[32, 56] - WHITE).max() < 10


def test_decoding_a_palette_with_transparency_lays_on_white() -> None:
    palette = chunk(b"PLTE", bytes([*RED, *BLUE, *BLACK])) + chunk(b"tRNS", bytes([255, 0]))
    data = png((3, 1), 8, 3, [bytes([0, 1, 2])], palette)
    assert decode(data).pixels.tolist() == [[list(RED), list(WHITE), list(BLACK)]]


@pytest.mark.parametrize(
    ("bits", "row", "key", "expected"),
    [
        (2, bytes([0b00011011]), 1, [0, 255, 170, 255]),
        (8, bytes([7, 8, 9, 8]), 8, [7, 255, 9, 255]),
        (16, struct.pack(">4H", 0x0700, 0x0701, 0x0800, 0x0701), 0x0701, [7, 255, 8, 255]),
        (8, bytes([7, 8, 9, 8]), 0x0108, [7, 8, 9, 8]),
    ],
)
def test_decoding_gray_with_a_transparent_value_compares_all_bits(
    bits: int, row: bytes, key: int, expected: list[int]
) -> None:
    data = png((4, 1), bits, 0, [row], chunk(b"tRNS", struct.pack(">H", key)))
    assert decode(data).pixels[0, :, 0].tolist() == expected


def test_decoding_colors_with_a_transparent_one_compares_all_bits() -> None:
    row = struct.pack(">9H", 0x1001, 0x2002, 0x3003, 0x1001, 0x2002, 0x3004, 0x1101, 0x2002, 0x3003)
    deep = png((3, 1), 16, 2, [row], chunk(b"tRNS", struct.pack(">3H", 0x1001, 0x2002, 0x3003)))
    shallow = png((2, 1), 8, 2, [bytes([1, 2, 3, 1, 2, 4])], chunk(b"tRNS", struct.pack(">3H", 1, 2, 3)))
    assert decode(deep).pixels.tolist() == [[[255, 255, 255], [16, 32, 48], [17, 32, 48]]]
    assert decode(shallow).pixels.tolist() == [[[255, 255, 255], [1, 2, 4]]]


def test_decoding_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (20, 10), color) for color in (RED, GREEN, BLUE)]
    for pillow_format in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], pillow_format, save_all=True, append_images=frames[1:], duration=50)
        pixels = decode(data).pixels
        assert pixels.shape == (10, 20, 3)
        assert np.abs(pixels.astype(int) - RED).max() < 10, pillow_format


def test_decoding_a_gif_with_a_small_first_frame_shows_white_around_it() -> None:
    frame = encoded(Image.new("P", (2, 2), 0), "GIF")  # its palette starts with black
    start = frame.index(b",", 13 + 3 * 2 ** ((frame[10] & 7) + 1))
    moved = frame[:start] + b"," + struct.pack("<HH", 3, 1) + frame[start + 5 :]
    data = moved[:6] + struct.pack("<HH", 6, 4) + moved[10:]
    pixels = decode(data).pixels
    assert pixels.shape == (4, 6, 3)
    assert (pixels[1:3, 3:5] == 0).all()
    assert pixels.astype(int).sum() == 255 * 3 * (6 * 4 - 4)


def test_decoding_a_gif_with_a_transparent_color_lays_on_white() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([*RED, *BLUE])
    picture.putpixel((1, 0), 1)
    assert decode(encoded(picture, "GIF", transparency=1)).pixels.tolist() == [[list(RED), list(WHITE)]]


def test_decoding_bmp_with_run_lengths_gives_its_pixels() -> None:
    palette = bytes([0, 0, 255, 0, 255, 0, 0, 0])  # blue, green, red, unused: red and blue
    header = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, 0, 0, 0, 2, 0)
    runs = b"\x04\x00\x00\x00" + b"\x02\x01\x02\x00\x00\x01"
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 8) + header + palette + runs
    assert decode(data).pixels.tolist() == [[list(BLUE)] * 2 + [list(RED)] * 2, [list(RED)] * 4]


@pytest.mark.parametrize("size", [(1, 1), (20_000, 10), (10, 20_000), (1, 65_535)])
def test_decoding_odd_shapes_keeps_them(size: tuple[int, int]) -> None:
    image = decode(encoded(Image.new("RGB", size, GREEN), "PNG"))
    assert (image.width, image.height) == size
    assert image.pixels[-1, -1].tolist() == list(GREEN)


def test_decoding_a_wrong_name_goes_by_content() -> None:
    with pytest.raises(ImageUnreadable, match="webp"):
        decode_image(encoded(quadrants(), "WEBP"), ["jpg", "png"], MAX_PIXELS)
    assert decode_image(encoded(quadrants(), "PNG"), ["png"], MAX_PIXELS).extension == "png"


@pytest.mark.parametrize("supported", [["jpg"], ["jpeg"], ["JPG"], [".jpeg"]])
def test_decoding_knows_both_names_of_jpeg(supported: list[str]) -> None:
    assert decode_image(encoded(quadrants(), "JPEG"), supported, MAX_PIXELS).extension == "jpg"


@pytest.mark.parametrize("pillow_format", ["TIFF", "ICO", "PPM", "TGA", "PCX", "AVIF", "JPEG2000"])
def test_decoding_never_opens_other_formats(pillow_format: str) -> None:
    data = encoded(quadrants(), pillow_format)
    with pytest.raises(ImageUnreadable, match="no known picture format"):
        decode_image(data, [*EXTENSIONS, "tiff", "ico", "avif", "jp2"], MAX_PIXELS)


@pytest.mark.parametrize("pillow_format", FORMATS)
def test_decoding_at_the_pixel_limit_reads_and_above_it_refuses(pillow_format: str) -> None:
    data = encoded(quadrants(), pillow_format)
    assert decode(data, max_pixels=64 * 48).width == 64
    with pytest.raises(ImageUnreadable, match="64 x 48 pixels"):
        decode(data, max_pixels=64 * 48 - 1)


def test_decoding_by_many_threads_gives_every_picture_right() -> None:
    files = [encoded(quadrants(), pillow_format) for pillow_format in ("JPEG", "PNG", "GIF", "WEBP", "BMP")]
    expected = [decode(data).pixels for data in files]
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for data, pixels in zip(files * 5, expected * 5, strict=True):
                np.testing.assert_array_equal(decode(data).pixels, pixels)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_content_type_of_each_extension_is_that_of_its_format() -> None:
    assert content_type("JPEG") == "image/jpeg"
    assert {content_type(extension) for extension in EXTENSIONS} == {
        *("image/jpeg", "image/png", "image/bmp", "image/gif", "image/heic", "image/webp")
    }
    assert content_type("svg") == content_type("") == "application/octet-stream"


def test_canonical_extension_of_an_unknown_one_is_none() -> None:
    assert canonical_extension("HEIF") == "heic"
    assert canonical_extension("tiff") is None


def pixels_of(path: Path) -> np.ndarray:
    return decode(path.read_bytes()).pixels.astype(int)


@pytest.mark.parametrize("orientation", [5, 7, 8])
def test_decoding_real_photos_with_orientation_gives_the_same_scene(shared_data: Path, orientation: int) -> None:
    folder = shared_data / "hostile" / "exif_orientation"
    upright = pixels_of(folder / "Landscape_1.jpg")
    turned = pixels_of(folder / f"Landscape_{orientation}.jpg")
    assert turned.shape == upright.shape == (1200, 1800, 3)
    assert np.abs(upright - turned)[200:].mean() < 12  # each was encoded on its own, and has its number painted on it


@pytest.mark.parametrize("name", ["3.webp", "4.webp", "5.webp", "7.webp", "6.jpg", "8.jpg"])
def test_decoding_real_portraits_with_orientation_gives_one_face(shared_data: Path, name: str) -> None:
    folder = shared_data / "hostile" / "unusual_but_valid"
    gray = pixels_of(folder / "hopper_gray.jpg")[:, :, 0]
    turned = pixels_of(folder / f"hopper_orientation_{name}").mean(axis=2)
    assert np.corrcoef(gray.ravel(), turned.ravel())[0, 1] > 0.95


def test_decoding_real_jpegs_of_rare_kinds_agrees_with_their_plain_twins(shared_data: Path) -> None:
    libjpeg = shared_data / "hostile" / "libjpeg-turbo"
    np.testing.assert_array_equal(pixels_of(libjpeg / "testimgari.jpg"), pixels_of(libjpeg / "testimgint.jpg"))
    fuzz = shared_data / "hostile" / "go-fuzz-corpus"
    plain = pixels_of(fuzz / "png" / "video-001.png")
    for name in ("progressive", "q50.420.progressive", "q50.422.progressive", "q50.440.progressive"):
        assert np.abs(pixels_of(fuzz / "jpeg" / f"video-001.{name}.jpeg") - plain).mean() < 8, name


def test_decoding_a_real_cmyk_jpeg_agrees_with_opencv(shared_data: Path) -> None:
    path = shared_data / "hostile" / "go-fuzz-corpus" / "jpeg" / "video-001.cmyk.jpeg"
    decoded = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert np.abs(pixels_of(path) - decoded[:, :, ::-1]).max() <= 2


def test_decoding_the_png_suite_agrees_with_pillow_on_white(shared_data: Path) -> None:
    files = sorted((shared_data / "hostile" / "libpng" / "pngsuite").glob("*.png"))
    assert len(files) > 15
    for path in files:
        picture = Image.open(io.BytesIO(path.read_bytes()))
        if picture.mode == "I;16" or path.name in ("ftbbn0g02.png", "ftbbn0g04.png", "ftbbn2c16.png"):
            continue  # Pillow compares their transparent colour in fewer bits; tested above to the bit
        rgba = picture.convert("RGBA")
        expected = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
        assert np.abs(pixels_of(path) - np.asarray(expected)).max() <= 1, path.name


def test_decoding_real_heic_gives_its_picture(shared_data: Path) -> None:
    folder = shared_data / "hostile" / "heif" / "heif"
    for name, size in (("RGB_8__128x128.heif", (128, 128, 3)), ("zPug_3.heic", (64, 64, 3))):
        pixels = pixels_of(folder / name)
        picture = pillow_heif.read_heif(io.BytesIO((folder / name).read_bytes())).to_pillow()
        assert pixels.shape == size
        np.testing.assert_array_equal(pixels, np.asarray(picture.convert("RGB")))
