"""Decodes one HEIC picture in a process of its own: run by `heic.py` as a script, bytes in, pixels out.

HEVC decoders are large, in C++, and a file of some kilobytes can keep one busy for hours; a process can be limited and
ended. Input: the file on standard input. Output: width and height (two little-endian uint32), then RGB bytes.
Arguments: the greatest number of pixels, and of CPU seconds. Imports nothing of the project, to start fast.
"""

from __future__ import annotations

import struct
import sys
from io import BytesIO

import pillow_heif
from PIL import Image

MAX_MEMORY_BYTES = 4 * 1024**3


def main(max_pixels: int, cpu_seconds: int) -> None:
    _limit(cpu_seconds)
    pillow_heif.options.THUMBNAILS = False
    pillow_heif.options.DEPTH_IMAGES = False
    pillow_heif.options.AUX_IMAGES = False
    heif = pillow_heif.open_heif(BytesIO(sys.stdin.buffer.read()), convert_hdr_to_8bit=True)
    primary = next(image for image in heif if image.info["primary"])
    width, height = primary.size
    if width < 1 or height < 1 or width * height > max_pixels:
        sys.exit(f"{width} x {height} pixels, at most {max_pixels} are read")
    picture = _on_white(primary.to_pillow())
    sys.stdout.buffer.write(struct.pack("<II", *picture.size) + picture.tobytes())


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):
        high_bytes = picture.tobytes()[1::2] if picture.mode != "I;16B" else picture.tobytes()[::2]
        picture = Image.frombytes("L", picture.size, high_bytes)
    if picture.mode in ("RGBa", "La"):
        picture = picture.convert({"RGBa": "RGBA", "La": "LA"}[picture.mode])
    if picture.mode in ("RGBA", "LA"):
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture.convert("RGB"), mask=picture.getchannel("A"))
        return white
    return picture.convert("RGB")


def _limit(cpu_seconds: int) -> None:
    """Where the system has such limits; elsewhere the parent's time-out is what ends a decode."""
    try:
        import resource
    except ImportError:
        return
    for kind, wanted in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, allowed = resource.getrlimit(kind)  # the server may run under stricter limits, which cannot be raised
        limit = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
        resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
