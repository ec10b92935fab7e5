"""Zips of boxes and masks as others read them, and as they come in again: see `training/import_annotated.py`.

names.txt  images/7.jpg  labels/7.txt         YOLO
annotations.json  images/7.jpg                COCO
names.txt  images/7.jpg  masks/7.png          masks
sources.json                                  which pictures were made from one original
not_annotated/9.jpg                           pictures that nobody has looked at yet

Where some item has a split: images/train/7.jpg, labels/train/7.txt; images/undecided/8.jpg for those without.
"""

from __future__ import annotations

import io
import json
import shutil
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import PurePosixPath

from deep_predictor.datasets.zip_form import Form, Members, ZipFacts
from deep_predictor.db.dataset_records import DatasetItem
from deep_predictor.training.box_texts import (
    WrittenBox,
    coco_annotation,
    coco_categories,
    coco_image,
    yolo_lines,
)
from deep_predictor.training.import_files import NOT_ANNOTATED_FOLDER, UNDECIDED_FOLDER


class _AnnotatedForm(Form):
    def __init__(self, facts: ZipFacts, stack: ExitStack) -> None:
        super().__init__(facts, stack)
        self._places = {one.number: place for place, one in enumerate(facts.dataset.classes)}
        self._sources = self.list_file()

    def name_of(self, item: DatasetItem) -> str:
        folder = "images" if item.is_annotated else NOT_ANNOTATED_FOLDER
        return f"{folder}/{self._below(item)}{PurePosixPath(item.file_name).suffix}"

    def members(self, name: str, item: DatasetItem) -> Members:
        if item.source:
            self._sources.write(b",\n" if self._sources.tell() else b"{\n")
            self._sources.write(f"{json.dumps(name)}: {json.dumps(item.source)}".encode())
        return self._truth(name, item) if item.is_annotated else ()

    def last_members(self) -> Members:
        if self._sources.tell():
            self._sources.write(b"\n}\n")
            yield "sources.json", self._sources
        yield from self._lists()

    def _below(self, item: DatasetItem) -> str:
        """Its name without a suffix, below the folders of pictures, labels and masks."""
        part = f"{item.split or UNDECIDED_FOLDER}/" if self.facts.has_parts else ""
        return f"{part}{item.id}"

    def _boxes(self, item: DatasetItem) -> list[WrittenBox]:
        """Without those whose class was removed before they were written."""
        return [
            WrittenBox(self._places[box.class_number], box.cx, box.cy, box.w, box.h, box.is_crowd)
            for box in item.boxes or ()
            if box.class_number in self._places
        ]

    def _names(self) -> tuple[str, io.BytesIO]:
        return "names.txt", io.BytesIO("".join(f"{name}\n" for name in self.facts.dataset.class_names).encode())

    @abstractmethod
    def _truth(self, name: str, item: DatasetItem) -> Members:
        """What stands beside the picture of an item whose truth is known."""

    @abstractmethod
    def _lists(self) -> Members:
        """What is said of all of them."""


class YoloForm(_AnnotatedForm):
    """Regions of crowds are left out: the format cannot say them."""

    def _truth(self, name: str, item: DatasetItem) -> Members:
        yield f"labels/{self._below(item)}.txt", io.BytesIO(yolo_lines(self._boxes(item)).encode())

    def _lists(self) -> Members:
        yield self._names()


class CocoForm(_AnnotatedForm):
    def __init__(self, facts: ZipFacts, stack: ExitStack) -> None:
        super().__init__(facts, stack)
        self._images, self._annotations = self.list_file(), self.list_file()
        self._image_count = self._annotation_count = 0

    def _truth(self, name: str, item: DatasetItem) -> Members:
        size = item.width, item.height
        self._image_count += 1
        image = coco_image(self._image_count, name.removeprefix("images/"), size)
        self._images.write(f"{',' if self._image_count > 1 else ''}\n{image}".encode())
        for box in self._boxes(item):
            self._annotation_count += 1
            row = coco_annotation(self._annotation_count, self._image_count, size, box)
            self._annotations.write(f"{',' if self._annotation_count > 1 else ''}\n{row}".encode())
        return ()

    def _lists(self) -> Members:
        file = self.list_file()
        file.write(f'{{"categories": {coco_categories(self.facts.dataset.class_names)},\n"images": ['.encode())
        for rows, end in ((self._images, b'],\n"annotations": ['), (self._annotations, b"]}\n")):
            rows.seek(0)
            shutil.copyfileobj(rows, file)
            file.write(end)
        yield "annotations.json", file


class MasksForm(_AnnotatedForm):
    """Numbers of pixels are the places of the names."""

    def _truth(self, name: str, item: DatasetItem) -> Iterator[tuple[str, io.BufferedReader]]:
        with suppress(FileNotFoundError):  # deleted a moment ago
            file = self.facts.folders.mask(self.facts.dataset.id, item.mask_file or "").open("rb")
            yield f"masks/{self._below(item)}.png", file

    def _lists(self) -> Members:
        yield self._names()
