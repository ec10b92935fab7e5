"""The files of an annotated set by their names, wherever they lie: in a folder, or out of a zip under numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from deep_predictor.errors import DatasetUnusable
from deep_predictor.images.decoding import canonical_extension
from deep_predictor.training.annotations.picture_files import MAX_FILES, name_problem, read_text
from deep_predictor.training.annotations.problems import ProblemLog
from deep_predictor.training.datasets.picture_files import is_junk


class SetFiles:
    """POSIX path below the set's folder -> where the file lies. A name never becomes a path."""

    def __init__(self, paths: Mapping[str, str | Path]) -> None:
        self._paths = paths

    @classmethod
    def of(cls, place: Path | SetFiles) -> SetFiles:
        """Those of a folder, in depth; each folder once, whatever links lead to it."""
        return place if isinstance(place, SetFiles) else cls(dict(_walk(place)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def has(self, name: str) -> bool:
        return name in self._paths

    def get(self, name: str) -> Path:
        """Raises DatasetUnusable where there is no such file."""
        if name not in self._paths:
            raise DatasetUnusable("there is no such file")
        return Path(self._paths[name])

    def text(self, name: str, max_bytes: int) -> str:
        """A file of UTF-8. Raises DatasetUnusable, which names it."""
        try:
            return read_text(self.get(name), max_bytes)
        except DatasetUnusable as error:
            raise DatasetUnusable(f"{name} cannot be read: {error.detail}") from error

    def below(self, folder: str) -> SetFiles:
        """Those of a folder, called by their names below it."""
        prefix = f"{folder}/"
        paths = {name.removeprefix(prefix): path for name, path in self._paths.items() if name.startswith(prefix)}
        return SetFiles(paths)

    def with_files(self, others: Mapping[str, str | Path]) -> SetFiles:
        """And these; where both have a name, its own."""
        return SetFiles({**others, **self._paths})

    def listed(self, folder: str, suffixes: frozenset[str] | None, problems: ProblemLog) -> list[str]:
        """Sorted names below a folder of its pictures, or of the files with a suffix (".txt") of `suffixes`.

        Other files are passed over. Raises DatasetUnusable for a folder that holds nothing, or over MAX_FILES.
        """
        found: list[str] = []
        prefix = f"{folder}/"
        is_there = False
        for full_name, path in self._paths.items():
            name = full_name.removeprefix(prefix)
            if name == full_name:
                continue
            is_there = True
            if not _is_wanted(name, suffixes):
                continue
            if (reason := name_problem(name)) or not _is_file(path):
                problems.add(full_name, "", reason or "no file")
            else:
                found.append(name)
        if not is_there:
            raise DatasetUnusable(f"{folder}: no such folder, or nothing in it")
        if len(found) > MAX_FILES:
            raise DatasetUnusable(f"{folder}: over {MAX_FILES} files")
        return sorted(found)

    def has_folder(self, folder: str) -> bool:
        return any(name.startswith(f"{folder}/") for name in self._paths)


def _walk(root: Path) -> Iterator[tuple[str, str]]:
    seen: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        status = os.stat(place)  # noqa: PTH116 - os.walk gives texts
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not is_junk(name))
        below = os.path.relpath(place, root).replace(os.sep, "/")
        prefix = "" if below == "." else f"{below}/"
        for name in sorted(files):
            if not is_junk(name):
                yield f"{prefix}{name}", os.path.join(place, name)  # noqa: PTH118


def _is_wanted(name: str, suffixes: frozenset[str] | None) -> bool:
    suffix = PurePosixPath(name).suffix.lower()
    return suffix in suffixes if suffixes is not None else canonical_extension(suffix) is not None


def _is_file(path: str | Path) -> bool:
    try:
        return Path(path).is_file()
    except OSError:
        return False
