"""What kind of annotated set lies in a folder or zip, and which of its folders are parts. Works on names alone.

set/annotations.json  set/images/                        COCO
set/names.txt         set/images/  set/labels/           YOLO
set/names.txt         set/images/  set/masks/            masks; colours.csv for names.txt
set/train/…  set/val/…  set/test/…                       parts, each a set; names.txt may stand at the top

Folders that hold nothing but the set count for nothing.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from deep_predictor.training.annotations.masks import COLOURS_FILE, MASKS_FOLDER
from deep_predictor.training.annotations.set_files import SetFiles
from deep_predictor.training.annotations.yolo import LABELS_FOLDER, NAMES_FILE, PICTURES_FOLDER
from deep_predictor.training.dataset import Part
from deep_predictor.training.datasets.layout import PART_FOLDERS
from deep_predictor.training.datasets.picture_files import is_junk

SetKind = Literal["yolo", "coco", "masks"]
COCO_FILE = "annotations.json"
_KINDS: tuple[SetKind, ...] = get_args(SetKind)
#: Folders around a set.
_MAX_DEPTH = 8
#: Folder, "" for the outermost -> what is in it, and whether that is a folder.
Entries = Callable[[str], Mapping[str, bool]]


@dataclass(frozen=True)
class SetLayout:
    """`prefix`: of the names of all its files, "" or `set/`. `folders`: folder -> part; "": a set without parts."""

    kind: SetKind
    prefix: str
    folders: Mapping[str, Part | None]

    def sets(self, files: SetFiles) -> Iterator[tuple[str, Part | None, SetFiles]]:
        """(folder, part, its files) of each part; names and colours at the top count for those without their own."""
        whole = files.below(self.prefix.rstrip("/")) if self.prefix else files
        top = {name: whole.get(name) for name in (NAMES_FILE, COLOURS_FILE) if whole.has(name)}
        for folder, part in self.folders.items():
            own = whole.below(folder) if folder else whole
            has_own = own.has(NAMES_FILE) or own.has(COLOURS_FILE)
            yield folder, part, own if has_own else own.with_files(top)


def find_layout(entries: Entries, kinds: Sequence[SetKind] = _KINDS) -> SetLayout | None:
    """None where no set of these kinds is there, or the parts are of more than one kind."""
    prefix = ""
    for _ in range(_MAX_DEPTH):
        there = entries(prefix.rstrip("/"))
        if kind := _kind(there, kinds):
            return SetLayout(kind, prefix, {"": None})
        found = {
            folder: _kind(entries(f"{prefix}{folder}"), kinds)
            for folder, is_folder in sorted(there.items())
            if is_folder and folder.casefold() in PART_FOLDERS
        }
        if found:
            parts = {folder: PART_FOLDERS[folder.casefold()] for folder, kind in found.items() if kind}
            of_parts = {kind for kind in found.values() if kind}
            return SetLayout(of_parts.pop(), prefix, parts) if len(of_parts) == 1 else None
        folders = [name for name, is_folder in there.items() if is_folder]
        if len(folders) != 1:
            return None
        prefix += f"{folders[0]}/"
    return None


def parts_by_folder(names: Iterable[str]) -> dict[str, Part]:
    """First folder -> part, of pictures below `images/`; empty unless all of these folders are called like parts."""
    tops = {name.split("/", 1)[0] for name in names if "/" in name}
    parts = {top: PART_FOLDERS[top.casefold()] for top in tops if top.casefold() in PART_FOLDERS}
    return parts if len(parts) == len(tops) else {}


def entries_of_names(names: Iterable[str]) -> Entries:
    """Of the files of a zip."""
    tree: dict[str, dict[str, bool]] = defaultdict(dict)
    for name in names:
        levels = name.split("/")[: _MAX_DEPTH + 2]
        for depth, level in enumerate(levels):
            tree["/".join(levels[:depth])][level] = "/".join(levels[: depth + 1]) != name
    return lambda folder: tree.get(folder, {})


def entries_of_folder(root: Path) -> Entries:
    """Of a folder on disk; what cannot be opened is empty."""

    def entries(folder: str) -> Mapping[str, bool]:
        try:
            with os.scandir(str(root / folder)) as found:
                return {entry.name: entry.is_dir() for entry in found if not is_junk(entry.name)}
        except OSError:
            return {}

    return entries


def _kind(there: Mapping[str, bool], kinds: Sequence[SetKind]) -> SetKind | None:
    if not there.get(PICTURES_FOLDER):
        return None
    signs: dict[SetKind, bool] = {
        "coco": there.get(COCO_FILE) is False,
        "masks": there.get(MASKS_FOLDER, False),
        "yolo": there.get(LABELS_FOLDER, False),
    }
    return next((kind for kind, is_so in signs.items() if is_so and kind in kinds), None)
