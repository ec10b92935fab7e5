"""A zip of a folder of pictures, unpacked once into the cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.annotations.set_files import SetFiles
from deep_predictor.training.annotations.set_layout import entries_of_names, find_layout
from deep_predictor.training.dataset import Dataset, SkippedFile
from deep_predictor.training.datasets.annotated import open_annotated
from deep_predictor.training.datasets.format import DatasetFormat
from deep_predictor.training.datasets.picture_files import FilesDataset, why_unwanted
from deep_predictor.training.datasets.unpacking import Unpacked, ZipLimits, unpack

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

_INDEX_FILE = "index.json"
#: Says what an index means; an unpacked zip with another number is unpacked again.
_INDEX_FORMAT = 2
#: What annotated sets have beside their pictures.
_ANNOTATION_SUFFIXES = frozenset({".txt", ".json", ".csv"})
#: Another run may be unpacking the same zip for so long.
_LONGEST_WAIT_SECONDS = 3600


class ZipFormat(DatasetFormat):
    """`cache_folder/<SHA-256 of the zip>/` holds its pictures under numbers, and index.json with their names."""

    @staticmethod
    def open(options: DatasetOptions, cache_folder: Path) -> Dataset:
        assert options.path
        content = unpacked_zip(options, cache_folder)
        if layout := find_layout(entries_of_names(content.paths)):
            return open_annotated(options.path.stem, SetFiles(content.paths), layout)
        pictures = {name: path for name, path in content.paths.items() if name not in content.others}
        others = [SkippedFile(name, why_unwanted(name)) for name in content.others]
        return FilesDataset(options.path.stem, pictures, [*content.skipped, *others])

    @staticmethod
    def fits(path: Path) -> bool:
        return path.is_file() and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path))


@dataclass(frozen=True)
class ZipContent:
    """`paths`: name in the zip -> where it lies. `others`: names of those that are no pictures."""

    paths: Mapping[str, str]
    others: frozenset[str]
    skipped: tuple[SkippedFile, ...]


def unpacked_zip(options: DatasetOptions, cache_folder: Path) -> ZipContent:
    """Raises DatasetUnusable, OSError."""
    assert options.path
    limits = ZipLimits(options.max_files, options.max_bytes, options.max_ratio)
    folder = _unpacked_folder(options.path, cache_folder, limits)
    index = _read_index(folder)
    if index is None:
        raise DatasetUnusable(f"{folder} was changed while it was read; try again")
    paths = {name: str(folder / str(number)) for number, (name, _) in enumerate(index["files"])}
    return ZipContent(paths, frozenset(index["others"]), tuple(SkippedFile(*entry) for entry in index["skipped"]))


def _unpacked_folder(path: Path, cache_folder: Path, limits: ZipLimits) -> Path:
    """Where the zip lies unpacked, after unpacking it if that was not done yet. Raises DatasetUnusable, OSError."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = cache_folder / digest
    if _read_index(folder) is not None:
        return folder
    cache_folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(cache_folder / f".{digest}.lock", timeout=_LONGEST_WAIT_SECONDS):
            if _read_index(folder) is None:
                _unpack_beside(path, folder, limits)
    except Timeout as error:
        raise DatasetUnusable(f"another run has been unpacking {path.name} for {_LONGEST_WAIT_SECONDS} s") from error
    return folder


def _unpack_beside(path: Path, folder: Path, limits: ZipLimits) -> None:
    """Unpack into a folder beside, and rename it: whole or not there. The caller holds the lock."""
    for left in folder.parent.glob(f".{folder.name}.*.part"):  # of runs that were killed
        shutil.rmtree(left, ignore_errors=True)
    part = folder.parent / f".{folder.name}.{uuid.uuid4().hex}.part"
    try:
        part.mkdir()
        _write_index(part, unpack(path, part, limits, _ANNOTATION_SUFFIXES))
        shutil.rmtree(folder, ignore_errors=True)  # one of another format, or with files lost
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_index(folder: Path, unpacked: Unpacked) -> None:
    index = {
        "format": _INDEX_FORMAT,
        "files": unpacked.files,
        "skipped": [[file.name, file.reason] for file in unpacked.skipped],
        "others": unpacked.others,
    }
    with (folder / _INDEX_FILE).open("w", encoding="utf-8") as file:
        json.dump(index, file)
        file.flush()
        os.fsync(file.fileno())


def _read_index(folder: Path) -> dict[str, Any] | None:
    """None unless the folder is there with every file in its full length."""
    try:
        index: dict[str, Any] = json.loads((folder / _INDEX_FILE).read_bytes())
        if index["format"] != _INDEX_FORMAT:
            return None
        sizes = {entry.name: entry.stat().st_size for entry in os.scandir(folder)}
        is_whole = all(sizes.get(str(number)) == size for number, (_, size) in enumerate(index["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return index if is_whole else None
