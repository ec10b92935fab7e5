"""What an import's run folder holds: pictures, a line for each, and what was left out. Imports nothing heavy.

pictures/       the pictures, under names of our own; the server moves them into the data set
masks/          of pictures for segmenters: indexed PNGs, whose numbers count the names in classes.json
classes.json    {"class_names"}: what boxes and masks count, from 0
items.jsonl     a line of JSON a picture: the fields of ImportedItem
problems.jsonl  {"name", "reason"} of each file that was left out, and of what is wrong inside of one that is not;
                the first MAX_PROBLEMS of them
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ITEMS_FILE = "items.jsonl"
PROBLEMS_FILE = "problems.jsonl"
PICTURES_FOLDER = "pictures"
MASKS_FOLDER = "masks"
CLASSES_FILE = "classes.json"
#: Folders of annotated sets as the server writes and reads them: pictures that nobody has looked at, and, below
#: `images`, those without a part beside those with one.
NOT_ANNOTATED_FOLDER = "not_annotated"
UNDECIDED_FOLDER = "undecided"
#: As many are written down; how many there are is counted.
MAX_PROBLEMS = 1000
LONGEST_LABEL = 200
LONGEST_NAME = 300
#: Classes that pixels of a byte can say: 255 means "ignored", and one number is kept for colours that no class has.
MAX_MASK_CLASSES = 254


@dataclass(frozen=True)
class ImportedItem:
    """One picture that was accepted. `key`: unique in its import. `file`: its name in PICTURES_FOLDER."""

    key: str
    file: str
    label: str
    split: str
    original_name: str
    source: str
    sha256: str
    #: Of the upright picture, in pixels.
    width: int
    height: int
    #: Bytes.
    size: int
    #: class, cx, cy, w, h in shares, whether it is a crowd; None: nobody has looked, or they are no items of boxes.
    boxes: Sequence[Sequence[float]] | None = None
    #: Its name in MASKS_FOLDER, "" where there is none.
    mask: str = ""
    #: Of the mask: class and pixels.
    class_pixels: Sequence[Sequence[int]] = ()


def read_imported(run_folder: Path) -> Iterator[ImportedItem]:
    """Raises OSError, ValueError, TypeError for a file that no import wrote."""
    with (run_folder / ITEMS_FILE).open(encoding="utf-8") as file:
        for line in file:
            yield ImportedItem(**json.loads(line))


def read_imported_classes(run_folder: Path) -> list[str]:
    """Raises OSError, ValueError, KeyError for a file that no import wrote."""
    names: list[str] = json.loads((run_folder / CLASSES_FILE).read_bytes())["class_names"]
    return names


@dataclass(frozen=True)
class ImportProblem:
    """A file that was left out, or of which a line was, and why."""

    name: str
    reason: str


def read_problems(run_folder: Path) -> list[ImportProblem]:
    """What is written down by now, up to a line half written; nothing where no import wrote."""
    problems = []
    with suppress(OSError, ValueError, TypeError), (run_folder / PROBLEMS_FILE).open(encoding="utf-8") as file:
        for line in file:
            problems.append(ImportProblem(**json.loads(line)))
    return problems


def label_problem(label: str) -> str:
    """Why a text is no label, "" where it is one: any language, one line."""
    if not label or label != label.strip():
        return "a label must be a line of text without white space around it"
    if len(label) > LONGEST_LABEL:
        return f"a label may have {LONGEST_LABEL} characters"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in label):
        return "a label must not hold control characters"
    return ""


def shown_name(name: str) -> str:
    """What a file was called, for people: its end, without what no database or terminal should hold."""
    return "".join(character if character.isprintable() else "�" for character in name)[-LONGEST_NAME:]


def origins_of(sources: Mapping[str, str]) -> dict[str, str]:
    """Name -> its original, over any number of steps, of each picture that was made from one or was made something of.

    `sources`: name -> what it was made from.
    """
    found: dict[str, str] = {}
    for start in (*sources, *sources.values()):
        name, path = start, dict[str, None]()
        while name not in found and name in sources and name not in path:
            path[name] = None
            name = sources[name]
        origin = found.get(name, name)
        found.update(dict.fromkeys((*path, name), origin))
    return found
