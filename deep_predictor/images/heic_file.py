"""How a HEIC file is put together (ISO/IEC 14496-12 and 23008-12): its boxes and items, without decoding a pixel."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from deep_predictor.errors import ImageUnreadable

_MAX_BOXES = 50_000
_MAX_EXTENTS = 100_000
#: Boxes of the file that stay as they are; others (films, `uuid` extensions) become empty space.
_KEPT_FILE_BOXES = frozenset({b"ftyp", b"meta", b"mdat", b"free", b"skip"})
#: Items that are pictures or say how pictures are put together; any other (Exif, XMP as `mime`, `uri `) is metadata.
_PICTURE_ITEMS = frozenset({b"hvc1", b"hvt1", b"lhv1", b"grid", b"iden", b"iovl", b"tmap"})
#: Properties that tell of the owner or the moment: user description, creation and modification time.
_PERSONAL_PROPERTIES = frozenset({b"udes", b"crtt", b"mdft"})
#: Big-endian TIFF without entries, behind the offset that a HEIF file puts before it.
_EMPTY_EXIF = b"\x00\x00\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00"


@dataclass(frozen=True)
class Box:
    """A box of `kind`, from `start` to `end`, with its content from `body` on: positions in the file."""

    kind: bytes
    start: int
    body: int
    end: int


@dataclass(frozen=True)
class Item:
    """What `iinf` calls an item: its type, and the (start, end) positions of its bytes."""

    kind: bytes
    extents: tuple[tuple[int, int], ...]


class HeicFile:
    """Reads the boxes of a file at once. Raises ImageUnreadable when they are not those of a picture file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._box_count = 0
        try:
            self._file_boxes = list(self._boxes(0, len(data)))
            meta = self._one(self._file_boxes, b"meta")
            self._meta_boxes = list(self._boxes(meta.body + 4, meta.end))
            properties = self._one(self._meta_boxes, b"iprp")
            container = self._one(list(self._boxes(properties.body, properties.end)), b"ipco")
            self._properties = list(self._boxes(container.body, container.end))
        except struct.error as error:
            raise ImageUnreadable("the HEIC is cut short") from error

    @property
    def largest_pixels(self) -> int:
        """Pixels of the largest image that the file declares."""
        sizes = [box for box in self._properties if box.kind == b"ispe" and box.end - box.body >= 12]
        return max((_product(*struct.unpack_from(">II", self._data, box.body + 4)) for box in sizes), default=0)

    def without_metadata(self) -> bytes:
        """A file of the same length with its metadata overwritten: no position in it moves, and no pixel changes.

        How the picture is turned is a property (`irot`, `imir`) here and stays.
        """
        cleaned = bytearray(self._data)
        for item in self._items():
            if item.kind not in _PICTURE_ITEMS:
                _overwrite_item(cleaned, item)
        for box in self._file_boxes:
            if box.kind not in _KEPT_FILE_BOXES:
                _make_empty_space(cleaned, box)
        for box in self._properties:
            if box.kind in _PERSONAL_PROPERTIES:
                _make_empty_space(cleaned, box)
        return bytes(cleaned)

    def _boxes(self, start: int, end: int) -> Iterator[Box]:
        position = start
        while position + 8 <= end:
            self._box_count += 1
            size, kind = struct.unpack_from(">I4s", self._data, position)
            body = position + 8
            if size == 1:
                size, body = struct.unpack_from(">Q", self._data, body)[0], body + 8
            elif size == 0:
                size = end - position
            if size < body - position or position + size > end or self._box_count > _MAX_BOXES:
                raise ImageUnreadable(
                    f"the HEIC has a box {kind!r} of {size} bytes that does not fit, or too many boxes"
                )
            yield Box(kind, position, body, position + size)
            position += size

    def _one(self, boxes: list[Box], kind: bytes) -> Box:
        found = next((box for box in boxes if box.kind == kind), None)
        if found is None:
            raise ImageUnreadable(f"the HEIC has no box {kind.decode()!r}")
        return found

    def _items(self) -> list[Item]:
        try:
            kinds = self._item_kinds()
            extents = self._item_extents()
        except struct.error as error:
            raise ImageUnreadable("the HEIC's items are cut short") from error
        return [Item(kind, tuple(extents.get(item_id, ()))) for item_id, kind in kinds.items()]

    def _item_kinds(self) -> dict[int, bytes]:
        box = self._one(self._meta_boxes, b"iinf")
        entries_start = box.body + (6 if self._data[box.body] == 0 else 8)
        kinds: dict[int, bytes] = {}
        for entry in self._boxes(entries_start, box.end):
            version = self._data[entry.body]
            if entry.kind != b"infe" or version not in (2, 3):
                raise ImageUnreadable("the HEIC lists its items in a way that is not understood")
            layout = ">HH4s" if version == 2 else ">IH4s"
            item_id, _, kind = struct.unpack_from(layout, self._data, entry.body + 4)
            kinds[item_id] = kind
        return kinds

    def _item_extents(self) -> dict[int, list[tuple[int, int]]]:
        box = self._one(self._meta_boxes, b"iloc")
        reader = _FieldReader(self._data, box.body + 4)
        version = self._data[box.body]
        sizes = reader.integer(2)
        offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
        index_size = sizes & 15 if version else 0
        extents: dict[int, list[tuple[int, int]]] = {}
        for _ in range(reader.integer(4 if version == 2 else 2)):
            item_id = reader.integer(4 if version == 2 else 2)
            method = reader.integer(2) & 15 if version else 0
            reader.integer(2)  # data_reference_index
            base = reader.integer(base_size) + self._start_of(method)
            for _ in range(reader.integer(2)):
                reader.integer(index_size)
                start = base + reader.integer(offset_size)
                extents.setdefault(item_id, []).append((start, start + reader.integer(length_size)))
        return extents

    def _start_of(self, construction_method: int) -> int:
        """What the offsets of an item count from: the file, or the box `idat` inside `meta`."""
        if construction_method == 0:
            return 0
        if construction_method == 1:
            return self._one(self._meta_boxes, b"idat").body
        raise ImageUnreadable("the HEIC has items inside other items")


class _FieldReader:
    """Big-endian integers of given sizes, one after the other. Raises struct.error at the end of the file."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position, self._count = data, position, 0

    def integer(self, size: int) -> int:
        end = self._position + size
        self._count += 1
        if end > len(self._data) or self._count > _MAX_EXTENTS:
            raise struct.error("no more bytes")
        value = int.from_bytes(self._data[self._position : end], "big")
        self._position = end
        return value


def _overwrite_item(data: bytearray, item: Item) -> None:
    for start, end in item.extents:
        if start == end or end > len(data):
            raise ImageUnreadable(f"the HEIC's item {item.kind!r} has no bounds")
        blank = b"\x00" * (end - start)
        if item.kind == b"Exif" and len(item.extents) == 1 and end - start >= len(_EMPTY_EXIF):
            blank = _EMPTY_EXIF + blank[len(_EMPTY_EXIF) :]
        data[start:end] = blank


def _make_empty_space(data: bytearray, box: Box) -> None:
    data[box.start + 4 : box.start + 8] = b"free"
    data[box.body : box.end] = b"\x00" * (box.end - box.body)


def _product(width: int, height: int) -> int:
    return width * height
