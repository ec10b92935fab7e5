"""A listing: a line of JSON a picture, with its file, its truth, split and source; the server's data sets come as one.

    {"item_id": 7, "file": "pictures/7.jpg", "label": "cat", "split": "train", "source": ""}
    {"item_id": 7, "file": "pictures/7.jpg", "label": "", "boxes": [{"class_name": "cat", "cx": 0.5, …}], …}
    {"item_id": 7, "file": "pictures/7.jpg", "label": "", "mask": "masks/7.png", …}

`file` and `mask` are paths below the listing's folder; `split` is train, val, test or empty (the training's split
decides); pictures of equal `source` were made from one original. `snapshot.json` beside it names the data set, its
task, and the classes of boxes and masks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.annotations.box_table import BoxTable
from deep_predictor.training.annotations.mask_files import MaskReader
from deep_predictor.training.annotations.picture_boxes import PictureBoxes, fit_boxes
from deep_predictor.training.annotations.picture_files import picture_size
from deep_predictor.training.annotations.problems import ProblemLog
from deep_predictor.training.dataset import BoxDataset, Dataset, Item, MaskDataset, SkippedFile
from deep_predictor.training.datasets.format import DatasetFormat
from deep_predictor.training.datasets.picture_files import PictureFiles
from deep_predictor.training.job_files import read_object

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

#: Why a picture of boxes or masks is left out whose truth nobody has given yet.
NOT_ANNOTATED = "nobody has marked what is on it"
_SUFFIX = ".jsonl"
#: Beside the listing.
_FACTS_FILE = "snapshot.json"


class _Box(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    class_name: str
    #: Shares of the upright picture's sides.
    cx: float
    cy: float
    w: float
    h: float
    is_crowd: bool = False


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    file: str
    label: str
    split: Literal["", "train", "val", "test"] = ""
    source: str = ""
    item_id: int | None = None
    #: None: nobody has looked yet; empty: there is nothing.
    boxes: list[_Box] | None = None
    mask: str | None = None
    #: Pixels of the upright picture; absent: the file is asked.
    width: int | None = None
    height: int | None = None

    def item(self, label: int) -> Item:
        return Item(self.file, label, self.split or None, self.source, self.item_id)


class ListingFormat(DatasetFormat):
    @staticmethod
    def open(options: DatasetOptions, cache_folder: Path) -> Dataset:
        assert options.path
        facts = read_object(options.path.parent / _FACTS_FILE)
        match facts.get("task", "classification"):
            case "classification":
                return _ListedDataset(options.path, facts)
            case "detection":
                return _ListedBoxes(options.path, facts)
            case "segmentation":
                return _ListedMasks(options.path, facts)
            case task:
                raise DatasetUnusable(f"{_FACTS_FILE}: the task {task!r} is unknown")

    @staticmethod
    def fits(path: Path) -> bool:
        return path.is_file() and path.suffix.lower() == _SUFFIX


class _ListedFiles(PictureFiles):
    def __init__(self, listing: Path, facts: dict[str, Any]) -> None:
        name = facts.get("name")
        self.name = name if isinstance(name, str) and name else listing.stem
        self._folder = listing.parent

    def _take(self, items: Sequence[Item], problems: ProblemLog) -> None:
        self.items = tuple(items)
        self._paths = tuple(str(self._folder / item.name) for item in items)
        self.problems, self.problem_count = tuple(problems.first), problems.count


class _ListedDataset(_ListedFiles):
    def __init__(self, listing: Path, facts: dict[str, Any]) -> None:
        """Raises DatasetUnusable, OSError."""
        super().__init__(listing, facts)
        lines = [line for _, line in _read(listing)]
        self.class_names = tuple(sorted({line.label for line in lines}))
        label_of = {class_name: label for label, class_name in enumerate(self.class_names)}
        self._take([line.item(label_of[line.label]) for line in lines], ProblemLog())


class _ListedBoxes(_ListedFiles, BoxDataset):
    def __init__(self, listing: Path, facts: dict[str, Any]) -> None:
        """Raises DatasetUnusable, OSError."""
        super().__init__(listing, facts)
        self.class_names = _class_names(facts)
        self._table = BoxTable()
        numbers = {class_name: number for number, class_name in enumerate(self.class_names)}
        items, skipped, problems = [], [], ProblemLog()
        for number, line in _read(listing):
            if line.boxes is None:
                skipped.append(SkippedFile(line.file, NOT_ANNOTATED))
                continue
            try:
                self._table.append(_boxes(line, self._folder, numbers, _Place(listing, number, problems)))
            except ImageUnreadable as error:
                skipped.append(SkippedFile(line.file, str(error)))
                continue
            items.append(line.item(-1))
        self.skipped = tuple(skipped)
        self._take(items, problems)

    def boxes(self, index: int) -> PictureBoxes:
        return self._table.picture(index, self.items[index].name)


class _ListedMasks(_ListedFiles, MaskDataset):
    def __init__(self, listing: Path, facts: dict[str, Any]) -> None:
        """Raises DatasetUnusable, OSError."""
        super().__init__(listing, facts)
        self.class_names = _class_names(facts)
        self._reader = MaskReader(len(self.class_names))
        lines = [line for _, line in _read(listing)]
        self.skipped = tuple(SkippedFile(line.file, NOT_ANNOTATED) for line in lines if not line.mask)
        self._masks = tuple(line.mask for line in lines if line.mask)
        self._take([line.item(-1) for line in lines if line.mask], ProblemLog())

    def mask(self, index: int) -> np.ndarray:
        try:
            return self._reader.read(self._folder / self._masks[index])
        except ImageUnreadable as error:
            raise ImageUnreadable(f"{self._masks[index]}: {error.detail}") from error


class _Place:
    """A line, and where to tell what is wrong with it."""

    def __init__(self, listing: Path, number: int, problems: ProblemLog) -> None:
        self._file, self._number, self._problems = listing.name, number, problems

    def tell(self, reason: str) -> None:
        self._problems.add(self._file, f"line {self._number}", reason)


def _boxes(line: _Line, folder: Path, numbers: Mapping[str, int], place: _Place) -> PictureBoxes:
    """Raises ImageUnreadable."""
    assert line.boxes is not None
    known = [box for box in line.boxes if box.class_name in numbers]
    for box in line.boxes:
        if box.class_name not in numbers:
            place.tell(f"left out: there is no class {box.class_name!a}")
    size = (line.width, line.height) if line.width and line.height else picture_size(folder / line.file)
    fitted = fit_boxes(np.array([(box.cx, box.cy, box.w, box.h) for box in known], np.float64), *size)
    for reason in filter(None, fitted.problems):
        place.tell(reason)
    kept = [box for box, is_kept in zip(known, fitted.kept, strict=True) if is_kept]
    classes = np.array([numbers[box.class_name] for box in kept], np.int32)
    is_crowd = np.array([box.is_crowd for box in kept], bool)
    return PictureBoxes(line.file, *size, fitted.boxes_norm, classes, is_crowd)


def _class_names(facts: dict[str, Any]) -> tuple[str, ...]:
    names = facts.get("class_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DatasetUnusable(f"{_FACTS_FILE}: class_names must be a list of names")
    return tuple(names)


def _read(listing: Path) -> Iterator[tuple[int, _Line]]:
    """(number from 1, line) of each file, in their order. Raises DatasetUnusable."""
    files: set[str] = set()
    with listing.open("rb") as opened:
        for number, text in enumerate(opened, 1):
            place = f"{listing.name}, line {number}"
            try:
                line = _Line.model_validate(json.loads(text))
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                raise DatasetUnusable(f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
            except (ValueError, RecursionError) as error:
                raise DatasetUnusable(f"{place} is not JSON") from error
            for path in (line.file, line.mask or line.file):
                levels = PurePosixPath(path)
                if levels.is_absolute() or ".." in levels.parts or "\0" in path or not levels.parts:
                    raise DatasetUnusable(f"{place}: {path!r} leads out of the listing's folder")
            if line.file in files:
                raise DatasetUnusable(f"{place}: {line.file!r} stands there twice")
            files.add(line.file)
            yield number, line
