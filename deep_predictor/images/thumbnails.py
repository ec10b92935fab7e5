"""Small JPEGs of pictures, and the size of a picture without decoding it."""

from __future__ import annotations

import cv2
import numpy as np

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.decoding import DECODER_ERRORS, SIDEWAYS, decode_image, find_format
from deep_predictor.images.jpeg_file import JpegFile
from deep_predictor.images.png_file import PngFile

_JPEG_QUALITY = 80


def encode_thumbnail(pixels: np.ndarray, longest_side: int, enlarges: bool = False) -> bytes:
    """RGB uint8 (H, W, 3) -> a JPEG of at most so many pixels a side, or of just so many where it `enlarges`."""
    height, width = pixels.shape[:2]
    scale = longest_side / max(height, width)
    if scale < 1 or enlarges:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    bgr = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise ImageUnreadable(f"a thumbnail of {pixels.shape} cannot be written")
    return encoded.tobytes()


def measure(data: bytes, supported_extensions: tuple[str, ...], max_pixels: int) -> tuple[str, int, int]:
    """(extension, width, height) of the upright picture. JPEG and PNG are not decoded: for files of our own making.

    Raises ImageUnreadable.
    """
    extension = find_format(data)
    if extension not in ("jpg", "png"):
        decoded = decode_image(data, supported_extensions, max_pixels)
        return decoded.extension, decoded.width, decoded.height
    try:
        file = JpegFile.read(data) if extension == "jpg" else PngFile.read(data)
        size = (file.width, file.height)
        width, height = size[::-1] if file.orientation in SIDEWAYS else size
    except DECODER_ERRORS as error:
        raise ImageUnreadable(f"{extension}: {type(error).__name__}: {error}") from error
    return extension, width, height
