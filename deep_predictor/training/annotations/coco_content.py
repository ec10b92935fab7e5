"""What the elements of a COCO file say, each checked by itself."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.annotations.class_names import MAX_CLASSES
from deep_predictor.training.annotations.coco_rows import MAX_ROWS, CocoAnnotation, CocoRows
from deep_predictor.training.annotations.json_elements import MAX_ELEMENT_BYTES, Element
from deep_predictor.training.annotations.picture_files import MAX_FILES, name_problem
from deep_predictor.training.annotations.problems import ProblemLog, shown
from deep_predictor.training.import_files import label_problem

#: Key of the file -> what one of its elements is called.
KINDS = {"categories": "category", "images": "image", "annotations": "annotation"}
_LARGEST_ID = 2**63 - 1
_LARGEST_SIDE = 10**6


@dataclass(frozen=True)
class CocoImage:
    """`width`, `height`: what the file says, None where it says nothing."""

    image_id: int
    name: str
    width: int | None
    height: int | None


class CocoContent:
    """What a file holds, as it is read; what is broken goes to the log."""

    def __init__(self, file: str, problems: ProblemLog) -> None:
        self._file, self._problems = file, problems
        self._names: set[str] = set()
        self._image_names: set[str] = set()
        #: Category id -> name.
        self.categories: dict[int, str] = {}
        #: Image id -> what is said of it, in the order of the file.
        self.images: dict[int, CocoImage] = {}
        #: Images that are left out: what is said of their annotations is no news.
        self.broken_images: set[int] = set()
        self.rows = CocoRows()

    def take(self, element: Element) -> None:
        place = f"{element.key}[{element.index}]"
        try:
            fields = _fields(element.text)
            number = _whole(fields, "id")
            place = f"{KINDS[element.key]} {number}"
            if element.key == "categories":
                self._take_category(number, fields)
            elif element.key == "images":
                self._take_image(number, fields)
            else:
                self._take_annotation(number, fields)
        except DatasetUnusable as error:
            self._problems.add(self._file, place, f"left out: {error.detail}")

    def _take_category(self, number: int, fields: dict[str, Any]) -> None:
        name = fields.get("name")
        if not isinstance(name, str) or (problem := label_problem(name)):
            raise DatasetUnusable("it has no name" if not isinstance(name, str) else problem)
        if number in self.categories or name in self._names:
            raise DatasetUnusable(f"its id or its name, {shown(name)}, stands there twice")
        if len(self.categories) == MAX_CLASSES:
            raise DatasetUnusable(f"over {MAX_CLASSES} categories")
        self.categories[number] = name
        self._names.add(name)

    def _take_image(self, number: int, fields: dict[str, Any]) -> None:
        if number in self.images:
            raise DatasetUnusable("its id stands there twice")
        if len(self.images) + len(self.broken_images) >= MAX_FILES:
            raise DatasetUnusable(f"over {MAX_FILES} images")
        self.broken_images.add(number)
        name = fields.get("file_name")
        if problem := name_problem(name):
            raise DatasetUnusable(f"file_name {shown(name)}: {problem}")
        assert isinstance(name, str)
        if name in self._image_names:
            raise DatasetUnusable(f"file_name {shown(name)} stands there twice")
        image = CocoImage(number, name, _side(fields, "width"), _side(fields, "height"))
        self._image_names.add(name)
        self.broken_images.discard(number)
        self.images[number] = image

    def _take_annotation(self, number: int, fields: dict[str, Any]) -> None:
        if len(self.rows) == MAX_ROWS:
            raise DatasetUnusable(f"over {MAX_ROWS} annotations")
        if "bbox" not in fields:
            raise DatasetUnusable("it has no bbox")
        crowd = fields.get("iscrowd", 0)
        if not isinstance(crowd, int) or crowd not in (0, 1):
            raise DatasetUnusable(f"iscrowd must be 0 or 1 (got {shown(crowd)})")
        box = _box(fields["bbox"])
        image_id, category_id = _whole(fields, "image_id"), _whole(fields, "category_id")
        self.rows.append(CocoAnnotation(number, image_id, category_id, box, bool(crowd)))


def _fields(text: bytes | None) -> dict[str, Any]:
    """Raises DatasetUnusable."""
    if text is None:
        raise DatasetUnusable(f"it has over {MAX_ELEMENT_BYTES} bytes")
    try:
        fields = json.loads(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DatasetUnusable("it is not UTF-8") from error
    except RecursionError as error:
        raise DatasetUnusable("its brackets are nested too deep") from error
    except ValueError as error:
        raise DatasetUnusable(f"it is not JSON: {shown(str(error))}") from error
    if not isinstance(fields, dict):
        raise DatasetUnusable(f"it must be an object (got {shown(fields)})")
    return fields


def _whole(fields: dict[str, Any], key: str) -> int:
    """Raises DatasetUnusable."""
    value = fields.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_ID:
        raise DatasetUnusable(f"{key} must be a whole number from 0 on (got {shown(value)})")
    return value


def _side(fields: dict[str, Any], key: str) -> int | None:
    """Raises DatasetUnusable."""
    value = fields.get(key)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 1 <= value <= _LARGEST_SIDE or value != int(value):
        raise DatasetUnusable(f"{key} must be a whole number from 1 on (got {shown(value)})")
    return int(value)


def _box(value: object) -> tuple[float, float, float, float]:
    """Raises DatasetUnusable."""
    if not isinstance(value, list) or len(value) != 4:
        raise DatasetUnusable(f"bbox must be four numbers x, y, w, h (got {shown(value)})")
    if any(not isinstance(number, int | float) or isinstance(number, bool) for number in value):
        raise DatasetUnusable(f"bbox must be four numbers x, y, w, h (got {shown(value)})")
    try:
        x, y, w, h = (float(number) for number in value)
    except OverflowError as error:
        raise DatasetUnusable("a number of the bbox is not finite") from error
    if not all(map(math.isfinite, (x, y, w, h))):
        raise DatasetUnusable("a number of the bbox is not finite")
    return x, y, w, h
