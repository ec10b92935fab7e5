"""Where an import's pictures come from: the members of a zip, or the class folders of a predictor."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from deep_predictor.backends.base import Task
from deep_predictor.config.strict import StrictModel
from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import SkippedFile
from deep_predictor.training.datasets.layout import lay_out
from deep_predictor.training.datasets.picture_files import HEAD_BYTES, is_junk, is_wanted, why_unwanted
from deep_predictor.training.datasets.sources import SOURCES_FILE, read_sources
from deep_predictor.training.datasets.unpacking import Unpacked, ZipLimits, unpack
from deep_predictor.training.import_files import origins_of

#: In the run's folder, while a zip is looked through.
UNPACKED_FOLDER = "unpacked"
_MAX_FILES = 500_000
_MAX_RATIO = 100.0
_MAX_BYTES = 50 * 1024**3
#: Of the disk, for everybody else.
_BYTES_KEPT_FREE = 1024**3


class ImportOptions(StrictModel):
    """What the server asks for. Paths are its own, never a client's."""

    source: Path
    #: class_folders: one level of folders, as a predictor sorts its pictures.
    form: Literal["zip", "class_folders"]
    #: Of every picture; None: a folder a label.
    label: str | None = None
    #: Folder -> label, where they differ.
    labels: dict[str, str] = Field(default_factory=dict)
    #: What the data set's items have: a label, boxes or a mask.
    task: Task = "classification"
    #: Of boxes or masks, as they are by now; others of the zip come behind them.
    class_names: tuple[str, ...] = ()
    #: How a zip says boxes or masks; auto: by what is in it, pictures: not at all.
    format: Literal["auto", "pictures", "yolo", "coco", "masks"] = "auto"
    #: Folders that are passed over.
    leave_out: tuple[str, ...] = ()
    supported_extensions: tuple[str, ...]
    max_pixels: int
    max_bytes: int
    #: For the server.
    dataset_id: int
    dataset_created_at: float
    key: str = ""


@dataclass(frozen=True)
class Found:
    """A file that may be a picture. `name` is unique in its import."""

    name: str
    path: Path
    label: str
    split: str = ""
    source: str = ""
    #: Its place in an annotated set; None outside of one.
    place: int | None = None


def unpacked_zip(
    options: ImportOptions, folder: Path, suffixes: Collection[str] = ()
) -> tuple[dict[str, Path], Unpacked]:
    """Name in the zip -> where the file lies. `suffixes`: of files that are no pictures. Raises DatasetUnusable."""
    unpacked_folder = folder / UNPACKED_FOLDER
    free = shutil.disk_usage(folder).free
    limits = ZipLimits(_MAX_FILES, max(0, min(_MAX_BYTES, (free - _BYTES_KEPT_FREE) // 2)), _MAX_RATIO)
    unpacked = unpack(options.source, unpacked_folder, limits, suffixes)
    return {str(name): unpacked_folder / str(number) for number, (name, _) in enumerate(unpacked.files)}, unpacked


def found_in_zip(options: ImportOptions, folder: Path) -> tuple[list[Found], list[SkippedFile]]:
    """Raises DatasetUnusable."""
    paths, unpacked = unpacked_zip(options, folder)
    pictures = [name for name in paths if PurePosixPath(name).name != SOURCES_FILE]
    if options.label is not None:
        return [Found(name, paths[name], options.label) for name in sorted(pictures)], unpacked.skipped
    layout = lay_out(pictures)
    sources_path = paths.get(layout.prefix + SOURCES_FILE)
    origins = origins_of(read_sources(sources_path)) if sources_path else {}
    found = [
        Found(name, paths[name], place.class_name, place.part or "", origins.get(place.name, ""))
        for name, place in layout.places.items()
    ]
    return found, [*unpacked.skipped, *layout.skipped]


def found_in_folders(options: ImportOptions) -> tuple[list[Found], list[SkippedFile]]:
    """Files of one level of folders; links are passed over. Raises DatasetUnusable."""
    found, skipped = [], []
    for folder in _entries(options.source):
        if not folder.is_dir(follow_symlinks=False) or folder.name in options.leave_out or is_junk(folder.name):
            continue
        for entry in _entries(Path(folder.path)):
            name = f"{folder.name}/{entry.name}"
            if not entry.is_file(follow_symlinks=False) or is_junk(entry.name):
                continue
            if is_wanted(name, _head(Path(entry.path))):
                label = options.labels.get(folder.name, folder.name) if options.task == "classification" else ""
                found.append(Found(name, Path(entry.path), label))
            else:
                skipped.append(SkippedFile(name, why_unwanted(name)))
    return found, skipped


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DatasetUnusable(f"{folder.name} cannot be read: {error.strerror}") from error
    return (entry for entry in entries if entry.name.isprintable())


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""
