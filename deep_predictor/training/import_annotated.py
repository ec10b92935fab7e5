"""What a zip says of its pictures for detectors and segmenters: boxes or masks, or nothing.

A set as `annotations.set_layout` knows it. Beside its `images` a folder `not_annotated` may hold pictures that nobody
has looked at; in a zip of pictures alone all are such. Folders say in which part a picture is.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.images.masks import encode_mask
from deep_predictor.training.annotations.masks import MASKS_FOLDER as SET_MASKS_FOLDER
from deep_predictor.training.annotations.masks import mask_colours
from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX, MAX_MASK_CLASSES
from deep_predictor.training.annotations.problems import Problem
from deep_predictor.training.annotations.set_files import SetFiles
from deep_predictor.training.annotations.set_layout import SetKind, SetLayout, entries_of_names, find_layout
from deep_predictor.training.annotations.yolo import PICTURES_FOLDER
from deep_predictor.training.dataset import SkippedFile
from deep_predictor.training.datasets.annotated import BoxFiles, MaskFiles, open_annotated
from deep_predictor.training.datasets.layout import PART_FOLDERS
from deep_predictor.training.datasets.sources import SOURCES_FILE
from deep_predictor.training.import_files import MASKS_FOLDER, NOT_ANNOTATED_FOLDER, UNDECIDED_FOLDER, origins_of
from deep_predictor.training.import_sources import Found, ImportOptions, unpacked_zip

#: What annotated sets have beside their pictures.
_SUFFIXES = (".txt", ".json", ".csv")
_KINDS: Mapping[str, Sequence[SetKind]] = {"detection": ("yolo", "coco"), "segmentation": ("masks",)}
_EXPECTED = {
    "detection": "YOLO (images, labels, names.txt) or COCO (images, annotations.json)",
    "segmentation": "masks (images, masks, and names.txt or colours.csv)",
}


class Truths:
    """What is on the pictures of an annotated set. Boxes and masks count `class_names` from 0."""

    def __init__(self, opened: BoxFiles | MaskFiles, known_names: Sequence[str], masks_folder: Path) -> None:
        """`known_names`: the data set's; those of the zip that are new come behind. Raises DatasetUnusable."""
        self._set, self._masks_folder = opened, masks_folder
        self.class_names = tuple(dict.fromkeys([*known_names, *opened.class_names]))
        if isinstance(opened, MaskFiles) and len(self.class_names) > MAX_MASK_CLASSES:
            count = len(self.class_names)
            raise DatasetUnusable(f"with its classes there would be {count}, a mask has up to {MAX_MASK_CLASSES}")
        places = {name: place for place, name in enumerate(self.class_names)}
        self._number_of = [places[name] for name in opened.class_names]
        self._colours = mask_colours(self.class_names) if isinstance(opened, MaskFiles) else None

    def of(self, place: int, size: tuple[int, int]) -> dict[str, Any]:
        """Fields of an ImportedItem; the mask is written. `size`: of the upright picture. Raises DatasetUnusable."""
        if isinstance(self._set, MaskFiles):
            try:
                return self._mask(self._set.mask(place), size)
            except ImageUnreadable as error:
                raise DatasetUnusable(error.detail) from error
        boxes = self._set.boxes(place).written()
        return {
            "boxes": [
                [self._number_of[box.class_index], box.cx, box.cy, box.w, box.h, int(box.is_crowd)] for box in boxes
            ]
        }

    def _mask(self, read: np.ndarray, size: tuple[int, int]) -> dict[str, Any]:
        height, width = read.shape
        if (width, height) != size:
            sizes = f"{width} x {height} pixels, the upright picture {size[0]} x {size[1]}"
            raise DatasetUnusable(f"its mask has {sizes}")
        assert self._colours is not None
        numbers = np.full(256, IGNORE_INDEX, np.uint8)
        numbers[: len(self._number_of)] = self._number_of
        mask: np.ndarray = numbers[read]
        name = f"{uuid.uuid4().hex}.png"
        (self._masks_folder / name).write_bytes(encode_mask(mask, self._colours))
        counts = np.bincount(mask.ravel(), minlength=256)[: len(self.class_names)].tolist()
        return {"mask": name, "class_pixels": [[number, count] for number, count in enumerate(counts) if count]}


@dataclass(frozen=True)
class AnnotatedZip:
    """`truths` None: pictures alone. `problem_count`: of all problems, of which `problems` are the first."""

    found: Sequence[Found]
    skipped: Sequence[SkippedFile]
    truths: Truths | None = None
    problems: Sequence[Problem] = ()
    problem_count: int = 0


def open_annotated_zip(options: ImportOptions, folder: Path) -> AnnotatedZip:
    """Raises DatasetUnusable."""
    paths, unpacked = unpacked_zip(options, folder, _SUFFIXES)
    others = {*unpacked.others, *(name for name in paths if PurePosixPath(name).name == SOURCES_FILE)}
    pictures = {name: path for name, path in paths.items() if name not in others}
    layout = _layout_of(options, paths, unpacked.others)
    if layout is None:
        found = [Found(name, path, "", _split_of(name)) for name, path in sorted(pictures.items())]
        return AnnotatedZip(found, unpacked.skipped)
    opened = open_annotated(options.source.stem, SetFiles(paths), layout)
    truths = Truths(opened, options.class_names, folder / MASKS_FOLDER)
    left = f"{layout.prefix}{NOT_ANNOTATED_FOLDER}/"
    not_annotated = [
        Found(name, path, "", _split_of(name.removeprefix(left)))
        for name, path in sorted(pictures.items())
        if name.startswith(left)
    ]
    outside = [
        SkippedFile(name, f"lies in no folder {PICTURES_FOLDER}")
        for name in sorted(pictures)
        if not name.startswith(left) and not _is_in_set(name.removeprefix(layout.prefix))
    ]
    skipped = [*unpacked.skipped, *opened.skipped, *outside]
    found = [*_in_set(opened, paths, layout), *not_annotated]
    return AnnotatedZip(found, skipped, truths, opened.problems, opened.problem_count)


def _layout_of(options: ImportOptions, names: Mapping[str, Path], others: Sequence[str]) -> SetLayout | None:
    """None where the zip holds pictures alone. Raises DatasetUnusable."""
    if options.format == "pictures":
        return None
    kinds = [kind for kind in _KINDS[options.task] if options.format in ("auto", kind)]
    layout = find_layout(entries_of_names(names), kinds)
    if layout is None and (others or options.format != "auto"):
        raise DatasetUnusable(
            f"it does not hold what is expected: {_EXPECTED[options.task]}; the format pictures takes pictures alone"
        )
    return layout


def _in_set(opened: BoxFiles | MaskFiles, paths: Mapping[str, Path], layout: SetLayout) -> Iterator[Found]:
    below = [PurePosixPath(item.name).parts[1:] for item in opened.items]
    has_undecided = any(levels[0] == UNDECIDED_FOLDER for levels in below)
    origins = origins_of({item.name: item.source for item in opened.items if item.source})
    for place, (item, levels) in enumerate(zip(opened.items, below, strict=True)):
        split = item.part or (_split_of("/".join(levels)) if has_undecided else "")
        name = f"{layout.prefix}{item.name}"
        yield Found(name, paths[name], "", split, origins.get(item.name, ""), place)


def _split_of(name: str) -> str:
    """By the first of its folders."""
    first, _, rest = name.partition("/")
    return PART_FOLDERS.get(first.casefold(), "") if rest else ""


def _is_in_set(name: str) -> bool:
    """Whether the reader of the set, or of one of its parts, has looked at a file; of masks too."""
    return len(PurePosixPath(name).parts) > 1 and bool(
        {PICTURES_FOLDER, SET_MASKS_FOLDER} & set(PurePosixPath(name).parts[:2])
    )
