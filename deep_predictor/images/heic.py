"""HEIC pictures, decoded by libheif in a child process (see `heic_child.py` for why)."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

from deep_predictor.errors import ImageUnreadable

_CHILD = Path(__file__).with_name("heic_child.py")
#: Brands of HEVC pictures (ISO/IEC 23008-12). AVIF shares the container and has other brands.
_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
#: Brands that say nothing of the codec.
_GENERIC_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})
_MAX_BRANDS = 64

#: CPU seconds that a child may use: two, and one for every ten megapixels that its header declares and ours allow.
_CPU_SECONDS = 2
_PIXELS_PER_CPU_SECOND = 10_000_000
#: Its wall-clock time: a busy machine has less than one core for it.
_WALL_SECONDS_PER_CPU_SECOND = 4


def is_heic(data: bytes) -> bool:
    """Whether a file names HEVC among its brands."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), 16 + 4 * _MAX_BRANDS)
    brands = {data[8:12], *(data[position : position + 4] for position in range(16, end, 4))}
    if b"avif" in brands or b"avis" in brands:
        return bool(brands & _BRANDS)
    return bool(brands & (_BRANDS | _GENERIC_BRANDS))


def decode_heic(data: bytes, declared_pixels: int, max_pixels: int) -> np.ndarray:
    """RGB uint8 (H, W, 3), turned as the file says. `declared_pixels`: of its largest image, it gives the time allowed.

    Raises ImageUnreadable.
    """
    cpu_seconds = _CPU_SECONDS + min(declared_pixels, max_pixels) // _PIXELS_PER_CPU_SECOND
    command = [sys.executable, "-I", str(_CHILD), str(max_pixels), str(cpu_seconds)]
    timeout_seconds = cpu_seconds * _WALL_SECONDS_PER_CPU_SECOND
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=timeout_seconds, check=False)
    except subprocess.TimeoutExpired:
        raise ImageUnreadable(f"decoding the HEIC took more than {timeout_seconds} seconds") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ImageUnreadable(f"HEIC decoder: {said[-1] if said else f'ended with {done.returncode}'}")
    width, height = struct.unpack_from("<II", done.stdout)
    return np.frombuffer(done.stdout, np.uint8, offset=8).reshape(height, width, 3)
