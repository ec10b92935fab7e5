"""The one thing that is wanted of EXIF: how the picture is turned. Other tags are never read."""

from __future__ import annotations

import struct

_ORIENTATION_TAG = 0x0112
_SHORT, _LONG = 3, 4
UPRIGHT = 1


def find_orientation(tiff: bytes) -> int | None:
    """1..8 as EXIF has it, of a TIFF structure (without the `Exif` prefix); None where it says nothing sensible."""
    byte_order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if byte_order is None:
        return None
    try:
        directory = struct.unpack_from(byte_order + "I", tiff, 4)[0]
        entry_count = struct.unpack_from(byte_order + "H", tiff, directory)[0]
        for index in range(entry_count):
            position = directory + 2 + 12 * index
            tag, kind, count = struct.unpack_from(byte_order + "HHI", tiff, position)
            if tag == _ORIENTATION_TAG and kind in (_SHORT, _LONG) and count >= 1:
                value = struct.unpack_from(byte_order + ("H" if kind == _SHORT else "I"), tiff, position + 8)[0]
                return value if 1 <= value <= 8 else None
    except struct.error:  # cut short: what could not be reached does not count
        pass
    return None


def minimal_tiff(orientation: int) -> bytes:
    """A TIFF structure that holds the orientation and nothing else."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION_TAG, _SHORT, 1, orientation, 0, 0)
