"""How a GIF file is put together (GIF89a): its blocks, without decoding a pixel."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from deep_predictor.errors import ImageUnreadable

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_GRAPHIC_CONTROL, _APPLICATION = 0xF9, 0xFF
_TABLE_FLAG, _TRANSPARENCY_FLAG = 0x80, 0x01
_INTRODUCER = re.compile(rb"[\x21\x2c\x3b]")
_SCREEN_HEADER_BYTES = 13
#: Applications whose block says how often an animation runs; any other may hold anything (XMP among it).
_LOOPS = (b"\x0bNETSCAPE2.0", b"\x0bANIMEXTS1.0")
#: A sub-block holds up to 255 bytes, and only one in a hostile file; blocks and sub-blocks are counted together.
MAX_BLOCKS = 500_000


@dataclass(frozen=True)
class GifFrame:
    """One image. `control` is the graphic control extension before it (with its introducer), or empty.

    `coded` is what follows the colour table: the code size and the sub-blocks.
    """

    left: int
    top: int
    width: int
    height: int
    flags: int
    color_table: bytes
    coded: bytes
    control: bytes

    @property
    def descriptor(self) -> bytes:
        return struct.pack("<BHHHHB", _IMAGE, self.left, self.top, self.width, self.height, self.flags)

    @property
    def transparent_index(self) -> int | None:
        has_one = len(self.control) >= 8 and self.control[3] & _TRANSPARENCY_FLAG
        return self.control[6] if has_one else None


@dataclass(frozen=True)
class GifFile:
    """The screen (its header with the global colour table), the frames in order, and the loop extension or empty."""

    screen: bytes
    loop: bytes
    frames: tuple[GifFrame, ...]

    @classmethod
    def read(cls, data: bytes, first_frame_only: bool = True) -> GifFile:
        """Raises ImageUnreadable when the first frame is not there whole. A later one that is cut short is left out."""
        if len(data) < _SCREEN_HEADER_BYTES:
            raise ImageUnreadable("the GIF is cut short")
        position = _SCREEN_HEADER_BYTES + _table_bytes(data[10])
        reader = _Reader(data, position)
        while (not reader.frames or not first_frame_only) and reader.read_block():
            pass
        if not reader.frames:
            raise ImageUnreadable("the GIF holds no whole frame")
        return cls(data[:position], reader.loop, tuple(reader.frames))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height): the screen, grown where the first frame reaches over it."""
        width, height = struct.unpack_from("<HH", self.screen, 6)
        first = self.frames[0]
        return max(width, first.left + first.width), max(height, first.top + first.height)

    def first_frame_only(self) -> bytes:
        """A GIF that shows the first frame alone, without a screen around it."""
        first = self.frames[0]
        index = first.transparent_index
        control = (
            b""
            if index is None
            else struct.pack("<BBBBHBB", _EXTENSION, _GRAPHIC_CONTROL, 4, _TRANSPARENCY_FLAG, 0, index, 0)
        )
        screen = self.screen[:6] + struct.pack("<HH", first.width, first.height) + self.screen[10:]
        descriptor = struct.pack("<BHHHHB", _IMAGE, 0, 0, first.width, first.height, first.flags)
        return screen + control + descriptor + first.color_table + first.coded + bytes([_TRAILER])

    def without_metadata(self) -> bytes:
        """Frames, their timing, and the loop: comments, texts and other applications' blocks are left out."""
        frames = [frame.control + frame.descriptor + frame.color_table + frame.coded for frame in self.frames]
        return b"".join([self.screen, self.loop, *frames, bytes([_TRAILER])])


class _Reader:
    """Goes through a file block by block and keeps what counts."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data, self.position = data, position
        self.control = self.loop = b""
        self.frames: list[GifFrame] = []
        self._blocks = 0

    def read_block(self) -> bool:
        """Read one block; False at the trailer, at the end of the file, and where a block is cut short."""
        found = _INTRODUCER.search(self.data, self.position)  # bytes between blocks are passed over, as everybody does
        if found is None:
            return False
        self._count_block()
        start = self.position = found.start()
        introducer = found[0][0]
        if introducer == _EXTENSION and start + 2 < len(self.data):
            return self._read_extension(start)
        if introducer == _IMAGE and start + 10 < len(self.data):
            return self._read_frame(start)
        return False

    def _read_extension(self, start: int) -> bool:
        label = self.data[start + 1]
        end = self._end_of_sub_blocks(start + 2)
        if end is None:
            return False
        block = self.data[start:end]
        if label == _GRAPHIC_CONTROL:
            self.control = block[:2] + b"\x04" + block[3:7] + b"\x00" if len(block) >= 8 and block[2] >= 4 else b""
        elif label == _APPLICATION and block[2:14] in _LOOPS:
            self.loop = block[:18] + b"\x00" if len(block) >= 19 and block[14] == 3 else b""
        self.position = end
        return True

    def _read_frame(self, start: int) -> bool:
        left, top, width, height, flags = struct.unpack_from("<HHHHB", self.data, start + 1)
        table_start = start + 10
        table_end = table_start + _table_bytes(flags)
        end = self._end_of_sub_blocks(table_end + 1)
        if end is None:
            return False
        color_table, coded = self.data[table_start:table_end], self.data[table_end:end]
        self.frames.append(GifFrame(left, top, width, height, flags, color_table, coded, self.control))
        self.control = b""
        self.position = end
        return True

    def _end_of_sub_blocks(self, position: int) -> int | None:
        """The position after the empty block that ends a run of them; None when the file ends before it."""
        data = self.data
        try:
            while length := data[position]:
                position += length + 1
                self._count_block()
        except IndexError:
            return None
        return position + 1

    def _count_block(self) -> None:
        self._blocks += 1
        if self._blocks > MAX_BLOCKS:
            raise ImageUnreadable(f"the GIF has more than {MAX_BLOCKS} blocks")


def _table_bytes(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & _TABLE_FLAG else 0
