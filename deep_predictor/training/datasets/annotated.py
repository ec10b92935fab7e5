"""YOLO, COCO and mask sets, in folders and zips, with or without parts (see docs/training/annotations.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.annotations.box_table import BoxTable
from deep_predictor.training.annotations.coco import read_coco
from deep_predictor.training.annotations.mask_files import MaskReader
from deep_predictor.training.annotations.masks import MASKS_FOLDER, pair_masks, read_mask_classes
from deep_predictor.training.annotations.picture_boxes import BoxSet, PictureBoxes
from deep_predictor.training.annotations.problems import ProblemLog
from deep_predictor.training.annotations.set_files import SetFiles
from deep_predictor.training.annotations.set_layout import (
    COCO_FILE,
    SetKind,
    SetLayout,
    entries_of_folder,
    entries_of_names,
    find_layout,
    parts_by_folder,
)
from deep_predictor.training.annotations.yolo import PICTURES_FOLDER, read_yolo
from deep_predictor.training.dataset import BoxDataset, Dataset, Item, MaskDataset, Part, SkippedFile
from deep_predictor.training.datasets.format import DatasetFormat
from deep_predictor.training.datasets.picture_files import PictureFiles, source_of
from deep_predictor.training.datasets.sources import SOURCES_FILE, read_sources

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

_EXPECTED: dict[SetKind, str] = {
    "yolo": "the folders images and labels, and a names.txt",
    "coco": f"the folder images, and {COCO_FILE}",
    "masks": "the folders images and masks, and a names.txt or colours.csv",
}


class _AnnotatedFormat(DatasetFormat):
    kind: ClassVar[SetKind]

    @classmethod
    def open(cls, options: DatasetOptions, cache_folder: Path) -> Dataset:
        assert options.path
        path = options.path
        if path.is_file():
            from deep_predictor.training.datasets.zip_file import unpacked_zip

            files = SetFiles(unpacked_zip(options, cache_folder).paths)
            layout, name = find_layout(entries_of_names(files), (cls.kind,)), path.stem
        else:
            layout, name = find_layout(entries_of_folder(path), (cls.kind,)), path.resolve().name
            files = SetFiles.of(path)
        if layout is None:
            raise DatasetUnusable(f"{path} does not hold what is expected: {_EXPECTED[cls.kind]}")
        return open_annotated(name, files, layout)

    @classmethod
    def fits(cls, path: Path) -> bool:
        return path.is_dir() and find_layout(entries_of_folder(path), (cls.kind,)) is not None


class YoloFormat(_AnnotatedFormat):
    kind = "yolo"


class CocoFormat(_AnnotatedFormat):
    kind = "coco"


class MasksFormat(_AnnotatedFormat):
    kind = "masks"


def open_annotated(name: str, files: SetFiles, layout: SetLayout) -> BoxFiles | MaskFiles:
    """Raises DatasetUnusable."""
    return MaskFiles(name, files, layout) if layout.kind == "masks" else BoxFiles(name, files, layout)


class _AnnotatedFiles(PictureFiles):
    """Names of items are paths below the set's folder."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._log = ProblemLog()

    def _sets(self, files: SetFiles, layout: SetLayout) -> Iterator[tuple[str, Part | None, SetFiles, ProblemLog]]:
        """Parts as of the layout; what is wrong with one is put down with its folder. Raises DatasetUnusable."""
        for folder, part, own in layout.sets(files):
            log = ProblemLog()
            try:
                yield folder, part, own, log
            finally:
                self._log.take(log, folder)

    def _place(self, found: Sequence[tuple[str, str, Part | None]], files: SetFiles, layout: SetLayout) -> list[int]:
        """(part's folder, name below `images`, part) of pictures -> items; which of them have one, by their places."""
        by_folder = parts_by_folder(name for _, name, _ in found) if list(layout.folders) == [""] else {}
        sources_file = layout.prefix + SOURCES_FILE
        sources = read_sources(files.get(sources_file)) if files.has(sources_file) else {}
        items, paths, kept, skipped = [], [], [], []
        for place, (folder, name, part) in enumerate(found):
            full_name = str(PurePosixPath(folder, PICTURES_FOLDER, name))
            given = by_folder.get(name.split("/", 1)[0]) if by_folder else part
            if by_folder and given is None:
                skipped.append(SkippedFile(full_name, f"lies outside of {', '.join(sorted(by_folder))}"))
                continue
            items.append(Item(full_name, part=given, source=source_of(full_name, sources)))
            paths.append(str(files.get(layout.prefix + full_name)))
            kept.append(place)
        self.items, self._paths, self.skipped = tuple(items), tuple(paths), tuple(skipped)
        self.problems, self.problem_count = tuple(self._log.first), self._log.count
        return kept


class BoxFiles(_AnnotatedFiles, BoxDataset):
    """A YOLO or COCO set. Boxes lie in memory; classes of parts are matched by their names."""

    def __init__(self, name: str, files: SetFiles, layout: SetLayout) -> None:
        super().__init__(name)
        self._table = BoxTable()
        found: list[tuple[str, str, Part | None]] = []
        numbers: dict[str, int] = {}
        for folder, part, own, log in self._sets(files, layout):
            box_set = _read_boxes(layout.kind, own, log, folder)
            indices = [numbers.setdefault(class_name, len(numbers)) for class_name in box_set.class_names]
            for picture in box_set.pictures:
                self._table.append(replace(picture, classes=np.array(indices, np.int32)[picture.classes]))
                found.append((folder, picture.name, part))
        self.class_names = tuple(numbers)
        self._rows = self._place(found, files, layout)

    def boxes(self, index: int) -> PictureBoxes:
        return self._table.picture(self._rows[index], self.items[index].name)


class MaskFiles(_AnnotatedFiles, MaskDataset):
    """Masks are read when they are asked for: what is wrong inside of one is known only then."""

    def __init__(self, name: str, files: SetFiles, layout: SetLayout) -> None:
        super().__init__(name)
        found: list[tuple[str, str, Part | None]] = []
        masks: list[tuple[str, str, MaskReader]] = []
        self.class_names = ()
        for folder, part, own, log in self._sets(files, layout):
            try:
                class_names, reader = read_mask_classes(own)
                pairs = pair_masks(own, log)
            except DatasetUnusable as error:
                raise _of_folder(folder, error) from error
            if self.class_names and class_names != self.class_names:
                raise DatasetUnusable(f"{folder} names other classes than {next(iter(layout.folders))}")
            self.class_names = class_names
            for picture, mask in pairs:
                found.append((folder, picture, part))
                mask_name = f"{MASKS_FOLDER}/{mask}"
                masks.append((str(PurePosixPath(folder, mask_name)), str(own.get(mask_name)), reader))
        self._masks = [masks[place] for place in self._place(found, files, layout)]

    def mask(self, index: int) -> np.ndarray:
        name, path, reader = self._masks[index]
        try:
            return reader.read(Path(path))
        except ImageUnreadable as error:
            raise ImageUnreadable(f"{name}: {error.detail}") from error


def _read_boxes(kind: SetKind, files: SetFiles, log: ProblemLog, folder: str) -> BoxSet:
    try:
        if kind == "yolo":
            return read_yolo(files, log)
        return read_coco(files.get(COCO_FILE), files.below(PICTURES_FOLDER), log, COCO_FILE)
    except DatasetUnusable as error:
        raise _of_folder(folder, error) from error


def _of_folder(folder: str, error: DatasetUnusable) -> DatasetUnusable:
    return DatasetUnusable(f"{folder}/{error.detail}") if folder else error
