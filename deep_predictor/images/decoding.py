"""Bytes of an upload -> RGB pixels. By content, never by name; every broken file is an ImageUnreadable."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

from deep_predictor.errors import ImageUnreadable

Image.init()
pillow_heif.register_heif_opener()
#: The limit is ours, checked from the header; Pillow's own warning would only be noise.
Image.MAX_IMAGE_PIXELS = None

#: Extension in a cfg -> Pillow formats that it opens.
EXTENSION_FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "jpg": ("JPEG",),
    "jpeg": ("JPEG",),
    "png": ("PNG",),
    "bmp": ("BMP", "DIB"),
    "gif": ("GIF",),
    "heic": ("HEIF",),
    "heif": ("HEIF",),
    "webp": ("WEBP",),
}
_CANONICAL: Final[dict[str, str]] = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "BMP": "bmp",
    "DIB": "bmp",
    "GIF": "gif",
    "HEIF": "heic",
    "WEBP": "webp",
}
_CONTENT_TYPES: Final[dict[str, str]] = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heic",
    "webp": "image/webp",
}


@dataclass(frozen=True)
class DecodedImage:
    """`pixels`: RGB uint8 (H, W, 3), C-contiguous, upright. `extension`: what the content is, not what its name says."""

    pixels: np.ndarray
    extension: str
    width: int
    height: int


def decode_image(data: bytes, supported_extensions: Collection[str], max_pixels: int) -> DecodedImage:
    """Decode the first frame of a picture, upright, alpha laid on white. Raises ImageUnreadable for everything bad."""
    formats = sorted({name for ext in supported_extensions for name in EXTENSION_FORMATS.get(ext, ())})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(data), formats=formats) as image:
                extension = _CANONICAL[image.format or ""]
                width, height = image.size
                if width * height > max_pixels or width < 1 or height < 1:
                    raise ImageUnreadable(f"{width} x {height} pixels, at most {max_pixels} are read")
                image.seek(0)
                image.load()
                upright = ImageOps.exif_transpose(image)
                pixels = np.ascontiguousarray(_to_rgb(upright))
    except ImageUnreadable:
        raise
    except Exception as error:  # decoders raise whatever they like on broken files
        raise ImageUnreadable(f"{type(error).__name__}: {error}") from error
    return DecodedImage(pixels, extension, pixels.shape[1], pixels.shape[0])


def content_type(extension: str) -> str:
    return _CONTENT_TYPES.get(extension.lower(), "application/octet-stream")


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _from_deep_gray(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))
    return np.asarray(image.convert("RGB"))


def _from_deep_gray(image: Image.Image) -> np.ndarray:
    values = np.asarray(image).astype(np.float64)
    gray = np.clip(values / 257.0 if image.mode != "F" else values, 0, 255)
    return np.repeat(np.rint(np.nan_to_num(gray)).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)
