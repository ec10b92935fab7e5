"""Boxes as COCO JSON. Ids count from 1: categories in the order of the class names, images as they come."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import IO

from deep_predictor.training.annotations.picture_boxes import BoxSet, PictureBoxes
from deep_predictor.training.box_texts import coco_annotation, coco_categories, coco_image


def write_coco(file: Path, box_set: BoxSet) -> int:
    """Write the file, whole or not at all; how many pictures. Only one of them is in memory. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("w", encoding="utf-8") as draft:
            count = _write(draft, box_set)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return count


def _write(file: IO[str], box_set: BoxSet) -> int:
    file.write(f'{{"categories": {coco_categories(box_set.class_names)},\n"images": [')
    count = annotation_count = 0
    # Images stand before annotations, and both come together: the latter wait on the disk.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as annotations:
        for picture in box_set.pictures:
            count += 1
            image = coco_image(count, picture.name, (picture.width, picture.height))
            file.write(f"{',' if count > 1 else ''}\n{image}")
            annotation_count = _write_annotations(annotations, picture, count, annotation_count)
        file.write('],\n"annotations": [')
        annotations.seek(0)
        shutil.copyfileobj(annotations, file)
    file.write("]}\n")
    return count


def _write_annotations(file: IO[str], picture: PictureBoxes, image_id: int, written: int) -> int:
    """How many stand in the file now."""
    for box in picture.written():
        written += 1
        annotation = coco_annotation(written, image_id, (picture.width, picture.height), box)
        file.write(f"{',' if written > 1 else ''}\n{annotation}")
    return written
