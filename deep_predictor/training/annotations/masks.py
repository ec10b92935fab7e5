"""Pictures and masks: a folder `images/`, and for each picture a PNG in `masks/`, with a class for each pixel.

set/names.txt                 a class name a line, the first of index 0; or
set/colours.csv               names with their colours, see `colour_table`
set/images/a/1.jpg
set/masks/a/1.png
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.images.masks import encode_mask
from deep_predictor.images.palette import class_colours
from deep_predictor.training.annotations.class_names import read_class_names, write_class_names
from deep_predictor.training.annotations.colour_table import read_colour_table
from deep_predictor.training.annotations.mask_files import MaskReader
from deep_predictor.training.annotations.picture_files import picture_size
from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX, MAX_MASK_CLASSES, MaskSet, PictureMask
from deep_predictor.training.annotations.problems import ProblemLog, shown
from deep_predictor.training.annotations.set_files import SetFiles

NAMES_FILE = "names.txt"
COLOURS_FILE = "colours.csv"
PICTURES_FOLDER = "images"
MASKS_FOLDER = "masks"
_PNG = frozenset({".png"})
#: What PASCAL VOC draws pixels in that do not count.
_IGNORE_COLOUR = (224, 224, 192)


def read_masks(place: Path | SetFiles, problems: ProblemLog) -> MaskSet:
    """`place`: the set's folder, or its files. Raises DatasetUnusable."""
    files = SetFiles.of(place)
    class_names, reader = read_mask_classes(files)
    return MaskSet(class_names, _read(files, pair_masks(files, problems), reader, problems))


def read_mask_classes(files: SetFiles) -> tuple[tuple[str, ...], MaskReader]:
    """Where colours.csv is there, it counts, and names.txt does not. Raises DatasetUnusable."""
    if files.has(COLOURS_FILE):
        table = read_colour_table(files, COLOURS_FILE)
        return table.class_names, MaskReader(len(table.class_names), table)
    class_names = read_class_names(files, NAMES_FILE)
    if len(class_names) > MAX_MASK_CLASSES:
        raise DatasetUnusable(f"{NAMES_FILE}: {len(class_names)} classes, a mask has up to {MAX_MASK_CLASSES}")
    return class_names, MaskReader(len(class_names))


def pair_masks(files: SetFiles, problems: ProblemLog) -> list[tuple[str, str]]:
    """(picture, mask) below their folders; neither is opened. Raises DatasetUnusable."""
    pictures = files.listed(PICTURES_FOLDER, None, problems)
    masks = files.listed(MASKS_FOLDER, _PNG, problems)
    # Extensions may be written in any case: the names without them are what belongs together.
    mask_of = {PurePosixPath(name).with_suffix(""): name for name in masks}
    owner: dict[PurePosixPath, str] = {}
    pairs = []
    for name in pictures:
        stem = PurePosixPath(name).with_suffix("")
        if owner.setdefault(stem, name) != name:
            problems.add(f"{PICTURES_FOLDER}/{name}", "", f"left out: it would share its mask with {owner[stem]}")
        elif stem not in mask_of:
            problems.add(f"{PICTURES_FOLDER}/{name}", "", f"left out: there is no {MASKS_FOLDER}/{mask_name(name)}")
        else:
            pairs.append((name, mask_of[stem]))
    for stem, name in mask_of.items():
        if stem not in owner:
            problems.add(f"{MASKS_FOLDER}/{name}", "", "there is no picture of this name")
    return pairs


def write_masks(folder: Path, mask_set: MaskSet, problems: ProblemLog) -> int:
    """Write names and indexed PNGs into a folder; how many. The pictures are not touched.

    Pictures whose names differ by the extension alone are told. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_class_names(folder / NAMES_FILE, mask_set.class_names)
    colours = mask_colours(mask_set.class_names)
    written: set[str] = set()
    for one in mask_set.masks:
        name = mask_name(one.name)
        if name in written:
            problems.add(f"{MASKS_FOLDER}/{name}", "", f"not written again for {shown(one.name)}")
            continue
        written.add(name)
        path = folder / MASKS_FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_mask(one.mask, colours))
    return len(written)


def mask_colours(class_names: Sequence[str]) -> np.ndarray:
    """RGB uint8 (256, 3): the palette of a mask, whose first class is the background."""
    colours = class_colours(class_names, background_index=0)
    colours[IGNORE_INDEX] = _IGNORE_COLOUR
    return colours


def mask_name(picture_name: str) -> str:
    """`a/1.jpg` -> `a/1.png`."""
    return str(PurePosixPath(picture_name).with_suffix(".png"))


def _read(
    files: SetFiles, pairs: list[tuple[str, str]], reader: MaskReader, problems: ProblemLog
) -> Iterator[PictureMask]:
    for name, mask_file in pairs:
        if (found := _read_one(files, name, mask_file, reader, problems)) is not None:
            yield found


def _read_one(
    files: SetFiles, name: str, mask_file: str, reader: MaskReader, problems: ProblemLog
) -> PictureMask | None:
    try:
        width, height = picture_size(files.get(f"{PICTURES_FOLDER}/{name}"))
    except ImageUnreadable as error:
        problems.add(f"{PICTURES_FOLDER}/{name}", "", f"left out: {error}")
        return None
    try:
        mask = reader.read(files.get(f"{MASKS_FOLDER}/{mask_file}"))
    except ImageUnreadable as error:
        problems.add(f"{MASKS_FOLDER}/{mask_file}", "", f"its picture is left out: {error}")
        return None
    if mask.shape != (height, width):
        sizes = f"the mask has {mask.shape[1]} x {mask.shape[0]} pixels, the upright picture {width} x {height}"
        problems.add(f"{MASKS_FOLDER}/{mask_file}", "", f"its picture is left out: {sizes}")
        return None
    return PictureMask(name, mask)
