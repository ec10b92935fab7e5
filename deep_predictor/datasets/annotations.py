"""What is on the pictures of a data set: boxes and masks, their classes, and how many there are of each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deep_predictor.datasets.folders import DatasetFolders, write_whole
from deep_predictor.datasets.pictures import THUMBNAIL_SIDE
from deep_predictor.db.annotation_rows import AnnotationRows, ClassCount
from deep_predictor.db.dataset_records import Chosen, Dataset, DatasetItem
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.db.stored_boxes import SetClass, StoredBox
from deep_predictor.errors import ImageNotStored, NotFound, RequestInvalid, StateConflict
from deep_predictor.images.masks import shrink_mask
from deep_predictor.training.import_files import MAX_MASK_CLASSES, label_problem

#: How far a side may lie outside of the picture, as a share of it: what sums of floats are off by.
_ROUNDING = 1e-9
_NOTHING = ClassCount(0, 0)


@dataclass(frozen=True)
class ItemBox:
    """Centre and size as shares of the upright picture. `is_crowd`: a region with many things of the class."""

    class_name: str
    cx: float
    cy: float
    w: float
    h: float
    is_crowd: bool = False


@dataclass(frozen=True)
class CountedClass:
    """`amount`: boxes, or pixels."""

    class_name: str
    item_count: int
    amount: int


@dataclass(frozen=True)
class WantedItems:
    """As `Chosen`, with the class by its name."""

    ids: Sequence[int] | None = None
    label: str | None = None
    split: str | None = None
    annotated: bool | None = None
    class_name: str | None = None
    after: int | None = None
    before: int | None = None


class Annotations:
    """Usable from any thread. Every method may raise DatabaseBusy, and NotFound for the data set."""

    def __init__(self, rows: DatasetRows, folders: DatasetFolders) -> None:
        self._datasets, self._folders = rows, folders
        self._rows = AnnotationRows(rows)

    def set_class_names(self, dataset_id: int, class_names: Sequence[str], renamed: Mapping[str, str]) -> Dataset:
        """The whole list in its new order; `renamed`: a name until now -> its new one.

        Raises RequestInvalid for names, StateConflict for a data set of labels, where a class would go that something
        is of, or move though masks know it by its place.
        """
        dataset = self._datasets.get(dataset_id)
        check_class_names(dataset.task, class_names)
        return self._rows.change_classes(dataset_id, lambda now: _renamed(now, class_names, renamed))

    def add_class_names(self, dataset_id: int, class_names: Sequence[str]) -> Dataset:
        """Those that are not there yet come last."""

        def with_new(now: tuple[SetClass, ...]) -> tuple[SetClass, ...]:
            names = [one.name for one in now]
            return _renamed(now, [*names, *(name for name in dict.fromkeys(class_names) if name not in names)], {})

        return self._rows.change_classes(dataset_id, with_new)

    def put_boxes(self, dataset_id: int, item_id: int, boxes: Sequence[ItemBox] | None) -> DatasetItem:
        """None: nobody has looked at it yet. Raises NotFound for the item, RequestInvalid, StateConflict."""
        return self._rows.put_boxes(dataset_id, item_id, self.stored(self._of_boxes(dataset_id), boxes))

    def put_no_boxes(self, dataset_id: int, chosen: Chosen, is_annotated: bool) -> int:
        """Of many: there is nothing on them, or nobody has looked; how many there were. Raises StateConflict."""
        self._of_boxes(dataset_id)
        return self._rows.put_no_boxes(dataset_id, chosen, is_annotated)

    def stored(self, dataset: Dataset, boxes: Sequence[ItemBox] | None) -> list[StoredBox] | None:
        """Raises RequestInvalid for classes that are not there, and boxes that reach out of the picture."""
        if boxes is None:
            return None
        number_of = {one.name: one.number for one in dataset.classes}
        problems = []
        for index, box in enumerate(boxes):
            if box.class_name not in number_of:
                problems.append((f"boxes.{index}.class_name", "is no class of the data set"))
            if abs(box.cx - 0.5) + box.w / 2 > 0.5 + _ROUNDING or abs(box.cy - 0.5) + box.h / 2 > 0.5 + _ROUNDING:
                problems.append((f"boxes.{index}", "reaches out of the picture"))
        if problems:
            raise RequestInvalid(problems)
        return [StoredBox(number_of[box.class_name], box.cx, box.cy, box.w, box.h, box.is_crowd) for box in boxes]

    def boxes_of(self, item: DatasetItem) -> list[ItemBox] | None:
        return self.boxes_of_all(item.dataset_id, [item])[0]

    def boxes_of_all(self, dataset_id: int, items: Sequence[DatasetItem]) -> list[list[ItemBox] | None]:
        """Of items that were read before."""
        if all(item.boxes is None for item in items):
            return [None] * len(items)
        dataset = self._datasets.get(dataset_id)
        return [named_boxes(dataset, item) for item in items]

    def chosen(self, dataset_id: int, wanted: WantedItems) -> Chosen:
        """Raises RequestInvalid for a class that is not there."""
        values = {name: value for name, value in vars(wanted).items() if name != "class_name"}
        if wanted.class_name is None:
            return Chosen(**values)
        classes = self._datasets.get(dataset_id).classes
        number = next((one.number for one in classes if one.name == wanted.class_name), None)
        if number is None:
            raise RequestInvalid([("class_name", "is no class of the data set")])
        return Chosen(**values, class_number=number)

    def count(self, dataset: Dataset) -> int:
        """Items that have a label, boxes or a mask."""
        return self._rows.count(dataset.id, Chosen(annotated=True))

    def class_counts(self, dataset: Dataset) -> list[CountedClass]:
        """In the classes' order; none where labels are the classes."""
        found = self._rows.class_counts(dataset.id) if dataset.classes else {}
        return [CountedClass(one.name, **vars(found.get(one.number, _NOTHING))) for one in dataset.classes]

    def mask(self, item: DatasetItem) -> Path:
        """Where it lies. Raises NotFound where there is none."""
        path = self._folders.mask(item.dataset_id, item.mask_file or "")
        if not path.is_file():
            raise NotFound("mask", item.id)
        return path

    def mask_thumbnail(self, item: DatasetItem) -> Path:
        """A small PNG, made when it is first asked for. Raises NotFound, ImageUnreadable, ImageNotStored."""
        path = self._folders.mask_thumbnail(item.dataset_id, item.mask_file or "")
        if not path.is_file():
            try:
                write_whole(path, shrink_mask(self.mask(item), THUMBNAIL_SIDE))
            except OSError as error:
                raise ImageNotStored(f"mask of item {item.id}: {error.strerror or error}") from error
        return path

    def _of_boxes(self, dataset_id: int) -> Dataset:
        """Raises NotFound, StateConflict for a data set of something else."""
        dataset = self._datasets.get(dataset_id)
        if dataset.task != "detection":
            raise StateConflict("wrong_task", f"the items of the data set {dataset.name!r} have no boxes")
        return dataset


def named_boxes(dataset: Dataset, item: DatasetItem) -> list[ItemBox] | None:
    """Without those whose class was removed before they were written."""
    if item.boxes is None:
        return None
    name_of = {one.number: one.name for one in dataset.classes}
    return [
        ItemBox(name_of[box.class_number], box.cx, box.cy, box.w, box.h, box.is_crowd)
        for box in item.boxes
        if box.class_number in name_of
    ]


def check_class_names(task: str, class_names: Sequence[str]) -> None:
    """Raises RequestInvalid, StateConflict for a data set whose labels are its classes."""
    if task == "classification" and class_names:
        raise StateConflict("wrong_task", "the classes of a data set of labels are what its items say")
    if task == "segmentation" and len(class_names) > MAX_MASK_CLASSES:
        raise RequestInvalid([("class_names", f"a mask has up to {MAX_MASK_CLASSES} classes")])
    problems = [
        (f"class_names.{index}", problem) for index, name in enumerate(class_names) if (problem := label_problem(name))
    ]
    if len(set(class_names)) < len(class_names):
        problems.append(("class_names", "a name stands there twice"))
    if problems:
        raise RequestInvalid(problems)


def _renamed(now: tuple[SetClass, ...], class_names: Sequence[str], renamed: Mapping[str, str]) -> tuple[SetClass, ...]:
    """Raises RequestInvalid."""
    number_of = {one.name: one.number for one in now}
    old_of = {new: old for old, new in renamed.items()}
    problems = [(f"renamed.{old}", "is no class of the data set") for old in renamed if old not in number_of]
    problems += [(f"renamed.{old}", "is not in class_names") for old, new in renamed.items() if new not in class_names]
    if len(old_of) < len(renamed):
        problems.append(("renamed", "two classes cannot get one name"))
    if problems:
        raise RequestInvalid(problems)
    free = itertools.count(max(number_of.values(), default=-1) + 1)
    classes = []
    for name in class_names:
        old = old_of.get(name, None if name in renamed else name)
        classes.append(SetClass(number_of[old] if old in number_of else next(free), name))
    return tuple(classes)
