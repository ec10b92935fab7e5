"""Pictures that are files, by whatever way they came to the disk, and what else lies in a set of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.decoding import (
    EXTENSION_FORMATS,
    DecodedImage,
    canonical_extension,
    decode_image,
    find_format,
)
from deep_predictor.training.dataset import Dataset, Item, SkippedFile
from deep_predictor.training.datasets.layout import lay_out
from deep_predictor.training.datasets.sources import SOURCES_FILE, read_sources

#: Larger pictures count as unreadable: no network sees so much of one.
MAX_PIXELS = 100_000_000
MAX_PICTURE_BYTES = 512 * 1024**2
#: Enough of a file to tell its format.
HEAD_BYTES = 512
_FORMATS = frozenset(EXTENSION_FORMATS.values())
_MISPLACED = f"a {SOURCES_FILE} is read from the set's own folder alone"
_JUNK = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin"})
_ARCHIVES = frozenset({"zip", "tar", "tgz", "gz", "bz2", "xz", "7z", "rar", "zst"})


class PictureFiles(Dataset):
    """Pictures in files. They are read and decoded each time they are asked for."""

    #: Where the picture of each item lies.
    _paths: Sequence[str]

    def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
        return self.decode(self.file_bytes(index), smallest).pixels

    def read_file(self, index: int) -> tuple[bytes, str]:
        data = self.file_bytes(index)
        suffix = PurePosixPath(self.items[index].name).suffix
        return data, find_format(data) or canonical_extension(suffix) or "bin"

    def content_hash(self, index: int) -> str:
        return hashlib.sha256(self.file_bytes(index)).hexdigest()

    def file_bytes(self, index: int) -> bytes:
        """The whole file. Raises ImageUnreadable."""
        path = Path(self._paths[index])
        try:
            size = path.stat().st_size
            if size > MAX_PICTURE_BYTES:
                raise ImageUnreadable(f"it has {size} bytes, up to {MAX_PICTURE_BYTES} are read")
            return path.read_bytes()
        except OSError as error:
            raise ImageUnreadable(error.strerror or str(error)) from error

    @staticmethod
    def decode(data: bytes, smallest: tuple[int, int] | None = None) -> DecodedImage:
        """As `read`, of a file's bytes. Raises ImageUnreadable."""
        return decode_image(data, _FORMATS, MAX_PIXELS, smallest)


class FilesDataset(PictureFiles):
    """Pictures in class folders."""

    def __init__(self, name: str, paths: Mapping[str, str | Path], skipped: Sequence[SkippedFile] = ()) -> None:
        """`paths`: POSIX path below the set's folder -> where the file lies; pictures, and sources.json if any.

        Raises DatasetUnusable.
        """
        layout = lay_out([file for file in paths if PurePosixPath(file).name != SOURCES_FILE])
        sources_path = paths.get(layout.prefix + SOURCES_FILE)
        sources = read_sources(Path(sources_path)) if sources_path else {}
        self.name, self.class_names = name, layout.class_names
        label_of = {class_name: label for label, class_name in enumerate(layout.class_names)}
        self.items = tuple(
            Item(place.name, label_of[place.class_name], place.part, source_of(place.name, sources))
            for place in layout.places.values()
        )
        self._paths = tuple(str(paths[file]) for file in layout.places)
        misplaced = [file for file in paths if PurePosixPath(file).name == SOURCES_FILE]
        left_out = [*layout.skipped, *skipped]
        left_out += [SkippedFile(file, _MISPLACED) for file in misplaced if paths[file] != sources_path]
        self.skipped = tuple(SkippedFile(file.name.removeprefix(layout.prefix), file.reason) for file in left_out)


def is_junk(name: str) -> bool:
    """Whether a path is what systems leave behind beside pictures; hidden files are. Nobody wants to hear of it."""
    return any(level.startswith(".") or level.casefold() in _JUNK for level in name.split("/"))


def is_wanted(name: str, head: bytes) -> bool:
    """Whether a file is a picture by its extension or its first bytes (the set's own then says if it is broken)."""
    file = PurePosixPath(name)
    return file.name == SOURCES_FILE or canonical_extension(file.suffix) is not None or find_format(head) is not None


def why_unwanted(name: str) -> str:
    """The reason that is told of a file that `is_wanted` is not."""
    if PurePosixPath(name).suffix.lower().removeprefix(".") in _ARCHIVES:
        return "an archive inside a data set is not opened"
    return f"no picture of a format that is read ({', '.join(sorted(_FORMATS))})"


def source_of(name: str, sources: Mapping[str, str]) -> str:
    """The picture that one was made from, "" for an original."""
    source = sources.get(name, "")
    return "" if source == name else source
