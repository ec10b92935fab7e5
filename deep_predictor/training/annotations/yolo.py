"""YOLO text: a folder `images/`, and for each picture a file of lines `class cx cy w h` in `labels/`.

    set/names.txt                 a class name a line; the numbers in the labels count them from 0
    set/images/a/1.jpg
    set/labels/a/1.txt            absent or empty: a picture without boxes

Places and sizes are shares of the picture's width and height.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.annotations.class_names import read_class_names, write_class_names
from deep_predictor.training.annotations.picture_boxes import BoxSet, PictureBoxes, fit_boxes
from deep_predictor.training.annotations.picture_files import picture_size, read_text
from deep_predictor.training.annotations.problems import ProblemLog, shown
from deep_predictor.training.annotations.set_files import SetFiles
from deep_predictor.training.box_texts import yolo_lines

NAMES_FILE = "names.txt"
PICTURES_FOLDER = "images"
LABELS_FOLDER = "labels"
MAX_LABEL_BYTES = 4 * 1024**2
_CLASS = re.compile(r"[0-9]{1,9}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_TEXT = frozenset({".txt"})


def read_yolo(place: Path | SetFiles, problems: ProblemLog) -> BoxSet:
    """`place`: the set's folder, or its files. Raises DatasetUnusable where names or pictures are not there."""
    files = SetFiles.of(place)
    class_names = read_class_names(files, NAMES_FILE)
    pictures = files.listed(PICTURES_FOLDER, None, problems)
    return BoxSet(class_names, _read_pictures(files, pictures, len(class_names), problems))


def write_yolo(folder: Path, box_set: BoxSet, problems: ProblemLog) -> int:
    """Write names and labels into a folder; how many pictures. The pictures themselves are not touched.

    What the format cannot say is told: regions of crowds, and pictures whose names differ by the extension alone.
    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_class_names(folder / NAMES_FILE, box_set.class_names)
    written: set[str] = set()
    for picture in box_set.pictures:
        name = label_name(picture.name)
        if name in written:
            problems.add(f"{LABELS_FOLDER}/{name}", "", f"not written again for {shown(picture.name)}")
            continue
        written.add(name)
        if picture.is_crowd.any():
            problems.add(f"{LABELS_FOLDER}/{name}", "", f"{picture.is_crowd.sum()} regions of crowds are not written")
        path = folder / LABELS_FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(label_text(picture), encoding="ascii")
    return len(written)


def label_name(picture_name: str) -> str:
    """`a/1.jpg` -> `a/1.txt`."""
    return str(PurePosixPath(picture_name).with_suffix(".txt"))


def label_text(picture: PictureBoxes) -> str:
    """The lines of a picture's label file; without regions of crowds."""
    return yolo_lines(picture.written())


def _read_pictures(
    files: SetFiles, pictures: list[str], class_count: int, problems: ProblemLog
) -> Iterator[PictureBoxes]:
    labels = set(files.listed(LABELS_FOLDER, _TEXT, problems)) if files.has_folder(LABELS_FOLDER) else set()
    owner: dict[str, str] = {}
    for name in pictures:
        label = label_name(name)
        if owner.setdefault(label, name) != name:
            problems.add(f"{PICTURES_FOLDER}/{name}", "", f"left out: it would share its labels with {owner[label]}")
        elif (picture := _read_picture(files, name, label in labels, class_count, problems)) is not None:
            yield picture
    for label in sorted(labels - owner.keys()):
        problems.add(f"{LABELS_FOLDER}/{label}", "", "there is no picture of this name")


def _read_picture(
    files: SetFiles, name: str, has_labels: bool, class_count: int, problems: ProblemLog
) -> PictureBoxes | None:
    """None where the picture or its labels cannot be read: without its boxes it would teach that there is nothing."""
    try:
        width, height = picture_size(files.get(f"{PICTURES_FOLDER}/{name}"))
    except ImageUnreadable as error:
        problems.add(f"{PICTURES_FOLDER}/{name}", "", f"left out: {error}")
        return None
    file = f"{LABELS_FOLDER}/{label_name(name)}"
    try:
        text = read_text(files.get(file), MAX_LABEL_BYTES) if has_labels else ""
    except DatasetUnusable as error:
        problems.add(file, "", f"its picture is left out: {error.detail}")
        return None
    numbers, classes, boxes = _read_lines(text, file, class_count, problems)
    fitted = fit_boxes(boxes, width, height)
    for number, reason in zip(numbers, fitted.problems, strict=True):
        if reason:
            problems.add(file, f"line {number}", reason)
    kept = np.array(classes, np.int32)[fitted.kept]
    return PictureBoxes(name, width, height, fitted.boxes_norm, kept, np.zeros(len(kept), bool))


def _read_lines(
    text: str, file: str, class_count: int, problems: ProblemLog
) -> tuple[list[int], list[int], np.ndarray]:
    """Numbers of the lines that hold a box, its class, and boxes (N, 4)."""
    numbers, classes, boxes = [], [], []
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if not fields:
            continue
        if reason := _line_problem(fields, class_count):
            problems.add(file, f"line {number}", f"left out: {reason}")
            continue
        numbers.append(number)
        classes.append(int(fields[0]))
        boxes.append([float(field) for field in fields[1:]])
    return numbers, classes, np.array(boxes, np.float64).reshape(-1, 4)


def _line_problem(fields: list[str], class_count: int) -> str:
    if len(fields) != 5:
        return f"5 numbers make a box: class cx cy w h (got {len(fields)} fields)"
    if not _CLASS.fullmatch(fields[0]):
        return f"the class must be a whole number (got {shown(fields[0])})"
    if int(fields[0]) >= class_count:
        return f"there is no class {int(fields[0])}: the names end at {class_count - 1}"
    wrong = next((field for field in fields[1:] if len(field) > 40 or not _NUMBER.fullmatch(field)), None)
    return "" if wrong is None else f"{shown(wrong)} is no number"
