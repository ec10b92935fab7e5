"""A folder of pictures: one folder a class, below `train/`, `val/` and `test/` where the set is split."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Dataset, SkippedFile
from deep_predictor.training.datasets.format import DatasetFormat
from deep_predictor.training.datasets.picture_files import HEAD_BYTES, FilesDataset, is_junk, is_wanted, why_unwanted

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

_MAX_DEPTH = 32


class FolderFormat(DatasetFormat):
    """Links are followed, each folder once."""

    @staticmethod
    def open(options: DatasetOptions, cache_folder: Path) -> Dataset:
        assert options.path
        if not options.path.is_dir():
            raise DatasetUnusable(f"{options.path} is no folder")
        paths: dict[str, str | Path] = {}
        skipped = []
        for name, path, problem in _walk(options.path):
            if problem:
                skipped.append(SkippedFile(name, problem))
            else:
                paths[name] = path
        return FilesDataset(options.path.resolve().name, paths, skipped)

    @staticmethod
    def fits(path: Path) -> bool:
        return path.is_dir()


def _walk(root: Path) -> Iterator[tuple[str, str, str]]:
    """(POSIX path below root, path, why it is left out or "") of each file but junk."""
    folders = [("", str(root))]
    seen: set[tuple[int, int]] = set()
    while folders:
        prefix, folder = folders.pop()
        status = os.stat(folder)  # noqa: PTH116 - a Path for each of a million entries takes longer than the rest
        if (status.st_dev, status.st_ino) in seen:
            yield prefix, folder, "a link to a folder that was read already"
            continue
        seen.add((status.st_dev, status.st_ino))
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            yield prefix, folder, f"cannot be opened: {error.strerror}"
            continue
        for entry in entries:
            name = f"{prefix}/{entry.name}" if prefix else entry.name
            if is_junk(entry.name):
                continue
            if not _is_text(name):
                yield name.encode("utf-8", "backslashreplace").decode(), entry.path, "its name is not UTF-8"
            elif not entry.is_dir():
                yield name, entry.path, _problem(entry, name)
            elif name.count("/") >= _MAX_DEPTH:
                yield name, entry.path, f"folders are read {_MAX_DEPTH} deep"
            else:
                folders.append((name, entry.path))


def _problem(entry: os.DirEntry[str], name: str) -> str:
    if not entry.is_file():
        return "neither a file nor a folder"
    if is_wanted(name, b""):
        return ""
    try:
        with Path(entry.path).open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return f"cannot be opened: {error.strerror}"
    return "" if is_wanted(name, head) else why_unwanted(name)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that the file system allows and UTF-8 does not
        return False
    return True
