"""COCO JSON of boxes: one file with `categories`, `images` and `annotations`; the pictures lie in a folder.

Source of the format: "Data format", 1 Object Detection, https://cocodataset.org. Of an annotation, `id`, `image_id`,
`category_id`, `bbox` (x, y, w, h in pixels, from the corner) and `iscrowd` are read; outlines are passed over.
Class indices count the categories in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.annotations.coco_content import KINDS, CocoContent, CocoImage
from deep_predictor.training.annotations.coco_rows import CocoColumns, is_repeated, positions_in
from deep_predictor.training.annotations.json_elements import read_elements
from deep_predictor.training.annotations.picture_boxes import BoxSet, PictureBoxes, fit_boxes
from deep_predictor.training.annotations.picture_files import picture_size
from deep_predictor.training.annotations.problems import ProblemLog
from deep_predictor.training.annotations.set_files import SetFiles

MAX_FILE_BYTES = 4 * 1024**3


def read_coco(file: Path, pictures: Path | SetFiles, problems: ProblemLog, shown_file: str = "") -> BoxSet:
    """Read the file now, and each picture's size when it is asked for.

    `pictures`: their folder, or the files of it. `shown_file`: what the file is called, where that is not its name.

    Raises DatasetUnusable where the file cannot be read, is no JSON object, or has no usable category.
    """
    name = shown_file or file.name
    content = CocoContent(name, problems)
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise DatasetUnusable(f"{name}: it has over {MAX_FILE_BYTES} bytes")
        for element in read_elements(file, KINDS.keys()):
            content.take(element)
    except OSError as error:
        raise DatasetUnusable(f"{name}: {error.strerror}") from error
    except DatasetUnusable as error:
        if not content.categories or not content.images:
            raise DatasetUnusable(f"{name}: {error.detail}") from error
        problems.add(name, "", error.detail)
    if not content.categories:
        told = f" ({problems.first[0]})" if problems.count else ""
        raise DatasetUnusable(f"{name}: it names no category that can be used{told}")
    category_ids = sorted(content.categories)
    class_names = tuple(content.categories[number] for number in category_ids)
    return BoxSet(class_names, _Reading(name, SetFiles.of(pictures), content, problems).pictures(category_ids))


class _Reading:
    """Puts annotations to their pictures."""

    def __init__(self, file: str, files: SetFiles, content: CocoContent, problems: ProblemLog) -> None:
        self._file, self._files, self._content, self._problems = file, files, content, problems

    def pictures(self, category_ids: list[int]) -> Iterator[PictureBoxes]:
        rows = self._usable(self._content.rows.columns(), category_ids)
        image_positions = positions_in(list(self._content.images), rows.image_ids)
        order = np.argsort(image_positions, kind="stable")
        rows = rows.at(order)
        ends = np.searchsorted(image_positions[order], np.arange(len(self._content.images)), side="right")
        start = 0
        for image, end in zip(self._content.images.values(), ends.tolist(), strict=True):
            picture = self._picture(image, rows.at(slice(start, end)), category_ids)
            start = end
            if picture is not None:
                yield picture

    def _usable(self, rows: CocoColumns, category_ids: list[int]) -> CocoColumns:
        """Annotations with an id of their own, whose category and image are there."""
        repeated = is_repeated(rows.annotation_ids)
        no_category = positions_in(category_ids, rows.category_ids) < 0
        no_image = positions_in(list(self._content.images), rows.image_ids) < 0
        is_told = no_image & (positions_in(list(self._content.broken_images), rows.image_ids) >= 0)
        for row in np.flatnonzero((repeated | no_category | no_image) & ~is_told):
            if repeated[row]:
                reason = "its id stands there twice"
            elif no_image[row]:
                reason = f"there is no image {rows.image_ids[row]}"
            else:
                reason = f"there is no category {rows.category_ids[row]}"
            self._problems.add(self._file, f"annotation {rows.annotation_ids[row]}", f"left out: {reason}")
        return rows.at(~(repeated | no_category | no_image))

    def _picture(self, image: CocoImage, rows: CocoColumns, category_ids: list[int]) -> PictureBoxes | None:
        place = f"image {image.image_id}"
        try:
            width, height = picture_size(self._files.get(image.name))
        except (DatasetUnusable, ImageUnreadable) as error:
            reason = error.detail if isinstance(error, DatasetUnusable) else error
            self._problems.add(self._file, place, f"{image.name} is left out: {reason}")
            return None
        said = image.width or width, image.height or height
        if said != (width, height):
            sizes = f"{said[0]} x {said[1]} pixels are said, the upright picture has {width} x {height}"
            self._problems.add(self._file, place, f"{image.name} is left out: {sizes}")
            return None
        corners, sizes_px = rows.boxes[:, :2], rows.boxes[:, 2:]
        scale = np.array([width, height, width, height], np.float64)
        with np.errstate(over="ignore"):  # what overflows is told as not finite
            boxes_norm = np.concatenate([corners + sizes_px / 2, sizes_px], axis=1) / scale
        fitted = fit_boxes(boxes_norm, width, height)
        for number, reason in zip(rows.annotation_ids.tolist(), fitted.problems, strict=True):
            if reason:
                self._problems.add(self._file, f"annotation {number}", reason)
        kept = rows.at(fitted.kept)
        classes = positions_in(category_ids, kept.category_ids).astype(np.int32)
        return PictureBoxes(image.name, width, height, fitted.boxes_norm, classes, kept.is_crowd)
