"""From one prepared picture file to RGB pixels by Pillow: deep, gray, CMYK, palette and transparent pictures alike."""

from __future__ import annotations

import math
from io import BytesIO

import cv2
import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.png_file import PngFile

#: Imported now, so that the first uploads, which may come at once, do not have to.
PLUGINS = (BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin)
Image.preinit()
# The limit on pixels is ours, and checked before Pillow sees a file; its own would only warn of pictures that we allow.
Image.MAX_IMAGE_PIXELS = None

#: What JPEG and GIF can have at most. A decoder also spends time on each row: a PNG may claim fifty million of them.
MAX_SIDE = 65_535
#: Scale of the sides -> OpenCV's flag; the reduced ones give BGR.
_REDUCED = {
    1: cv2.IMREAD_COLOR_RGB,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
#: The other byte of each 16-bit sample: Pillow keeps the high one, which its name for big-endian samples asks for.
_LOW_BYTES = "RGB;16L"


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raises ImageUnreadable for a picture that is empty or too large."""
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE) or width * height > max_pixels:
        raise ImageUnreadable(f"it has {width} x {height} pixels, up to {max_pixels} are read, {MAX_SIDE} a side")


def read_pixels(data: bytes, pillow_format: str, max_pixels: int) -> np.ndarray:
    """RGB uint8 (H, W, 3) of the first frame, transparent parts on white. Raises what Pillow raises."""
    return flatten(_load(data, pillow_format, max_pixels))


def read_scaled_jpeg(data: bytes, smallest: tuple[int, int], max_pixels: int) -> np.ndarray:
    """As `read_pixels`, of a JPEG coded by DCT, at an eighth, a quarter or a half of each side.

    It is the first of them that leaves `smallest` (width, height) pixels, not counting a part of one; where none does,
    all pixels. libjpeg makes 1, 2 or 4 pixels a side of each block of 8, each about the mean of what it stands for.
    """
    image = _open(data, "JPEG", max_pixels)
    drafted = image.draft(None, smallest)  # no other mode: colours are converted as in full decoding
    image.load()
    if drafted is None:
        return flatten(image)
    width, height = drafted[1][2:]
    # libjpeg rounds up. A last pixel that stands for less than half a pixel would stretch the picture.
    return flatten(image)[: math.floor(height + 0.5), : math.floor(width + 0.5)]


def read_plain_jpeg(data: bytes, size: tuple[int, int], smallest: tuple[int, int] | None = None) -> np.ndarray:
    """As `read_pixels` and `read_scaled_jpeg`, of a JPEG of (width, height) with three 8-bit components.

    By OpenCV: the same libjpeg-turbo with the same settings, so the same pixels, without the two copies that leaving
    Pillow takes. It reports nothing of a file that is cut short: the caller has made sure that it ends.
    """
    width, height = size
    scale = 1
    if smallest is not None:
        room = min(width // smallest[0], height // smallest[1])
        scale = next((scale for scale in (8, 4, 2) if room >= scale), 1)
    buffer = np.frombuffer(data, np.uint8)
    pixels = cv2.imdecode(buffer, _REDUCED[scale] | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise ImageUnreadable("its coded data is broken")
    pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, pixels) if scale > 1 else pixels
    # libjpeg rounds up. A last pixel that stands for less than half a pixel would stretch the picture.
    return pixels[: math.floor(height / scale + 0.5), : math.floor(width / scale + 0.5)]


def read_png_pixels(file: PngFile, max_pixels: int) -> np.ndarray:
    """As `read_pixels`; a colour that stands for transparency is compared in the picture's own bit depth."""
    data = file.pixels_only()
    image = _load(data, "PNG", max_pixels)
    pixels = flatten(image)
    key = file.transparent_key
    if key is not None:
        pixels = np.array(pixels)
        pixels[_equals_key(image, file, key, max_pixels)] = 255
    return pixels


def flatten(image: Image.Image) -> np.ndarray:
    """A loaded picture of any mode -> RGB uint8 (H, W, 3), laid on white. 16-bit samples keep their high byte."""
    if image.mode.startswith("I;16"):
        return _gray_to_rgb((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return _gray_to_rgb(np.clip(np.nan_to_num(np.asarray(image)), 0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(rgba.convert("RGB"), mask=rgba.getchannel("A"))
        return np.asarray(white)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W, 3) as stored -> as it is to be seen, for the EXIF orientations 1..8."""
    if orientation in (5, 7):
        pixels = cv2.transpose(pixels)
    if orientation in (2, 4):
        return cv2.flip(pixels, 1 if orientation == 2 else 0)
    rotation = {
        3: cv2.ROTATE_180,
        6: cv2.ROTATE_90_CLOCKWISE,
        7: cv2.ROTATE_180,
        8: cv2.ROTATE_90_COUNTERCLOCKWISE,
    }.get(orientation)
    return pixels if rotation is None else cv2.rotate(pixels, rotation)


def _load(data: bytes, pillow_format: str, max_pixels: int, raw_mode: str | None = None) -> Image.Image:
    """Open and decode the first frame. `raw_mode` replaces Pillow's name for how the samples are stored."""
    image = _open(data, pillow_format, max_pixels)
    if raw_mode and isinstance(image, PngImagePlugin.PngImageFile):
        image.tile = [tile._replace(args=raw_mode) for tile in image.tile]
    image.load()
    return image


def _open(data: bytes, pillow_format: str, max_pixels: int) -> Image.Image:
    """Read the header; no pixel is decoded yet."""
    image = Image.open(BytesIO(data), formats=(pillow_format,))
    check_size(*image.size, max_pixels)
    return image


def _gray_to_rgb(gray: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)


def _equals_key(image: Image.Image, file: PngFile, key: tuple[int, ...], max_pixels: int) -> np.ndarray:
    """(H, W) bool: where all samples of a gray or RGB picture are those of the key."""
    if file.bit_depth < 16:
        largest = 2**file.bit_depth - 1
        scaled = [sample * 255 // largest if sample <= largest else -1 for sample in key]  # as decoders widen samples
        samples = np.asarray(image.convert("L")) if len(key) == 1 else np.asarray(image.convert("RGB"))
        return _all_equal(samples, scaled)
    if len(key) == 1:
        return _all_equal(np.asarray(image), list(key))
    high = _all_equal(np.asarray(image), [sample >> 8 for sample in key])
    low_image = _load(file.pixels_only(), "PNG", max_pixels, _LOW_BYTES)
    return high & _all_equal(np.asarray(low_image), [sample & 255 for sample in key])


def _all_equal(samples: np.ndarray, key: list[int]) -> np.ndarray:
    channels = samples[..., np.newaxis] if samples.ndim == 2 else samples
    equal = channels[..., 0] == key[0]
    for channel, sample in enumerate(key[1:], start=1):
        equal = equal & (channels[..., channel] == sample)
    return equal
