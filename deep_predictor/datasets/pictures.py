"""Which pictures a data set takes, checked by decoding them; and their thumbnails."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass

from deep_predictor.errors import TooLarge
from deep_predictor.images.decoding import EXTENSION_FORMATS, decode_image
from deep_predictor.images.thumbnails import encode_thumbnail

#: Pixels of a thumbnail's longer side.
THUMBNAIL_SIDE = 160


@dataclass(frozen=True)
class PictureRules:
    """As for uploads: formats by their extensions, and the most pixels and bytes of a picture."""

    supported_extensions: tuple[str, ...]
    max_pixels: int
    max_bytes: int


@dataclass(frozen=True)
class CheckedPicture:
    """What a picture is by its content; sizes in pixels, upright."""

    extension: str
    width: int
    height: int
    sha256: str


class PictureReader:
    """Decodes as many pictures at a time as there are cores: each takes a hundred megabytes at worst."""

    def __init__(self, rules: PictureRules) -> None:
        self.rules = rules
        self._places = threading.BoundedSemaphore(os.cpu_count() or 1)

    def check(self, data: bytes) -> CheckedPicture:
        """Raises ImageUnreadable, TooLarge."""
        if len(data) > self.rules.max_bytes:
            raise TooLarge(self.rules.max_bytes)
        with self._places:
            decoded = decode_image(data, self.rules.supported_extensions, self.rules.max_pixels)
        return CheckedPicture(decoded.extension, decoded.width, decoded.height, hashlib.sha256(data).hexdigest())

    def thumbnail(self, data: bytes) -> bytes:
        """A JPEG. The picture was checked when it came. Raises ImageUnreadable."""
        side = THUMBNAIL_SIDE
        with self._places:
            decoded = decode_image(data, EXTENSION_FORMATS, self.rules.max_pixels, (side, side))
            return encode_thumbnail(decoded.pixels, side)
