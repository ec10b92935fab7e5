"""The names file of an annotated set: a class a line, the first of index 0."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deep_predictor.backends.names import MAX_NAMES_BYTES
from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.annotations.set_files import SetFiles
from deep_predictor.training.import_files import label_problem

MAX_CLASSES = 10_000


def read_class_names(files: SetFiles, name: str) -> tuple[str, ...]:
    """As serving reads names: UTF-8, empty lines do not count. Raises DatasetUnusable: a wrong list shifts classes."""
    lines = files.text(name, MAX_NAMES_BYTES).replace("\r", "\n").split("\n")
    names = tuple(line.strip() for line in lines if line.strip())
    if not names:
        raise DatasetUnusable(f"{name}: holds no name")
    check_class_names(names, name)
    return names


def check_class_names(names: Sequence[str], file: str) -> None:
    """Raises DatasetUnusable, naming the file, for names that no model could have."""
    if not 1 <= len(names) <= MAX_CLASSES:
        raise DatasetUnusable(f"{file}: names {len(names)} classes, 1 to {MAX_CLASSES} are read")
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if problem := label_problem(name):
            raise DatasetUnusable(f"{file}, class {number}: {problem}")
        if name in seen:
            raise DatasetUnusable(f"{file}, class {number}: {name!r} stands there twice")
        seen.add(name)


def write_class_names(path: Path, names: Sequence[str]) -> None:
    """Raises OSError."""
    path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
