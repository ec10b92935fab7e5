"""What the folders of a set mean: classes, parts, and one top folder around them. Works on names alone."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Part, SkippedFile

#: Folder name, in any case -> part.
PART_FOLDERS: dict[str, Part] = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
#: Characters; no folder has a longer name.
LONGEST_COMPOSED = 1000


@dataclass(frozen=True)
class Place:
    """Where one picture belongs. `name` is its POSIX path below the folder that holds the classes or parts."""

    name: str
    class_name: str
    part: Part | None


@dataclass(frozen=True)
class Layout:
    """`places` has the file each picture was given by, in the order of their names; `prefix` is what all names lost."""

    prefix: str
    places: dict[str, Place]
    skipped: tuple[SkippedFile, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(sorted({place.class_name for place in self.places.values()}))


def lay_out(names: Sequence[str]) -> Layout:
    """Read classes and parts off the POSIX paths of pictures below the set's folder.

    Folders around all of them count for nothing. `train/`, `val/` and `test/` (see PART_FOLDERS) that hold folders of
    classes are parts; the first folder below is the class, deeper ones belong to it. Raises DatasetUnusable for classes
    whose names differ by case alone.
    """
    prefix = _common_prefix(names)
    rest = {name: name.removeprefix(prefix).split("/") for name in sorted(names) if name.startswith(prefix)}
    # A picture beside the one top folder is in no class.
    skipped = [SkippedFile(name, "lies in no class folder") for name in sorted(names) if name not in rest]
    parts = _part_folders(list(rest.values()))
    places = {}
    for name, levels in rest.items():
        part = parts.get(levels[0])
        classes = levels[1:] if part else levels
        if parts and part is None:
            skipped.append(SkippedFile(name, f"lies outside of {', '.join(sorted(parts))}"))
        elif len(classes) < 2:
            skipped.append(SkippedFile(name, "lies in no class folder"))
        else:
            places[name] = Place("/".join(levels), _composed(classes[0]), part)
    layout = Layout(prefix, places, tuple(skipped))
    _check_cases(layout.class_names)
    return layout


def _composed(class_name: str) -> str:
    """Two ways to write one name are one. To order many accents takes seconds: what only a zip can hold stays."""
    return unicodedata.normalize("NFC", class_name) if len(class_name) <= LONGEST_COMPOSED else class_name


def _common_prefix(names: Sequence[str]) -> str:
    """The folders that hold all classes: `set/` for set/cat/1.jpg and set/dog/2.jpg. Pictures beside them do not count.

    A folder that means a part is no such folder, unless it holds parts.
    """
    paths = [name.split("/") for name in names]
    prefix: list[str] = []
    while True:
        depth = len(prefix)
        tops = {levels[depth] for levels in paths if len(levels) > depth + 1}
        seconds = {levels[depth + 1] for levels in paths if len(levels) > depth + 2}
        if len(tops) != 1 or not seconds or (_all_parts(tops) and not _all_parts(seconds)):
            return "".join(f"{folder}/" for folder in prefix)
        prefix += tops


def _all_parts(folders: set[str]) -> bool:
    return all(folder.casefold() in PART_FOLDERS for folder in folders)


def _part_folders(paths: list[list[str]]) -> dict[str, Part]:
    """Top folder -> part, for sets that are split by their folders; empty for the others.

    `train` that holds pictures itself is a class (of vehicles, say); so is one beside folders of other names, unless it
    holds classes.
    """
    depths: dict[str, int] = defaultdict(lambda: 1_000_000)
    for levels in paths:
        if len(levels) > 1:
            depths[levels[0]] = min(depths[levels[0]], len(levels))
    parts = {
        top: PART_FOLDERS[top.casefold()]
        for top, depth in depths.items()
        if depth >= 3 and top.casefold() in PART_FOLDERS
    }
    is_split = "train" in parts.values() or len(parts) == len(depths)
    return parts if is_split else {}


def _check_cases(class_names: Sequence[str]) -> None:
    first: dict[str, str] = {}
    for name in class_names:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            raise DatasetUnusable(f"the classes {other!r} and {name!r} differ by case alone: give them one name")
