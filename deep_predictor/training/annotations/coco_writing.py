"""Boxes as COCO JSON. Ids count from 1: categories in the order of the class names, images as they come."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import IO

from deep_predictor.training.annotations.picture_boxes import BoxSet, PictureBoxes

#: One less than a float has: so 10.2 is not written as 10.200000000000001.
_DIGITS = 15


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
    categories = [
        {"id": number, "name": name, "supercategory": ""} for number, name in enumerate(box_set.class_names, 1)
    ]
    file.write(f'{{"categories": {json.dumps(categories, ensure_ascii=False)},\n"images": [')
    count = annotation_count = 0
    # Images stand before annotations, and both come together: the latter wait on the disk.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as annotations:
        for picture in box_set.pictures:
            count += 1
            image = {"id": count, "file_name": picture.name, "width": picture.width, "height": picture.height}
            file.write(f"{',' if count > 1 else ''}\n{json.dumps(image, ensure_ascii=False)}")
            annotation_count = _write_annotations(annotations, picture, count, annotation_count)
        file.write('],\n"annotations": [')
        annotations.seek(0)
        shutil.copyfileobj(annotations, file)
    file.write("]}\n")
    return count


def _write_annotations(file: IO[str], picture: PictureBoxes, image_id: int, written: int) -> int:
    """How many stand in the file now."""
    corners = picture.corners()
    sizes = corners[:, 2:] - corners[:, :2]
    rows = zip(
        corners[:, :2].tolist(), sizes.tolist(), picture.classes.tolist(), picture.is_crowd.tolist(), strict=True
    )
    for (x, y), (w, h), class_index, is_crowd in rows:
        written += 1
        annotation = {
            "id": written,
            "image_id": image_id,
            "category_id": class_index + 1,
            "bbox": [_written(number) for number in (x, y, w, h)],
            "area": _written(w * h),
            "iscrowd": int(is_crowd),
            "segmentation": [],
        }
        file.write(f"{',' if written > 1 else ''}\n{json.dumps(annotation)}")
    return written


def _written(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
