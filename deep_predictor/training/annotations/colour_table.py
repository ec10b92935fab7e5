"""The colours of masks: a file of lines `name,r,g,b`, whose order is that of the classes.

    background,0,0,0
    road,128,64,128
    ,224,224,192          a line without a name: these pixels do not count

A first line `name,r,g,b` is a heading.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

import numpy as np

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.annotations.class_names import check_class_names
from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX, MAX_MASK_CLASSES
from deep_predictor.training.annotations.problems import shown
from deep_predictor.training.annotations.set_files import SetFiles

_MAX_BYTES = 1024**2
_MAX_LINES = 2000
_NUMBER = re.compile(r"[0-9]{1,3}", re.ASCII)
_HEADING = ["name", "r", "g", "b"]


@dataclass(frozen=True, eq=False)
class ColourTable:
    """`colours`: uint8 (N, 3) RGB, all different; `indices`: uint8 (N,), the class of each, or IGNORE_INDEX."""

    class_names: tuple[str, ...]
    colours: np.ndarray
    indices: np.ndarray


def read_colour_table(files: SetFiles, file: str) -> ColourTable:
    """Raises DatasetUnusable, naming the line: a wrong table would shift all classes."""
    text = files.text(file, _MAX_BYTES)
    names: list[str] = []
    indices: list[int] = []
    colours: dict[tuple[int, ...], None] = {}
    for number, line in enumerate(text.splitlines()[: _MAX_LINES + 1], 1):
        fields = [field.strip() for field in next(csv.reader([line]), [])]
        if not any(fields) or (number == 1 and [field.lower() for field in fields] == _HEADING):
            continue
        colour = _colour(fields, f"{file}, line {number}")
        if colour in colours or number > _MAX_LINES:
            reason = f"over {_MAX_LINES} lines" if number > _MAX_LINES else f"the colour {colour} stands there twice"
            raise DatasetUnusable(f"{file}, line {number}: {reason}")
        colours[colour] = None
        indices.append(len(names) if fields[0] else IGNORE_INDEX)
        names += [fields[0]] if fields[0] else []
    check_class_names(names, file)
    if len(names) > MAX_MASK_CLASSES:
        raise DatasetUnusable(f"{file}: names {len(names)} classes, a mask has up to {MAX_MASK_CLASSES}")
    return ColourTable(tuple(names), np.array(list(colours), np.uint8), np.array(indices, np.uint8))


def _colour(fields: list[str], place: str) -> tuple[int, ...]:
    if len(fields) != 4:
        raise DatasetUnusable(f"{place}: name,r,g,b make a colour (got {len(fields)} fields)")
    wrong = [field for field in fields[1:] if not _NUMBER.fullmatch(field) or int(field) > 255]
    if wrong:
        raise DatasetUnusable(f"{place}: {shown(wrong[0])} is no number of 0..255")
    return tuple(int(field) for field in fields[1:])
