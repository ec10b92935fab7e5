"""A data set as a zip, made while it is sent: neither memory nor disk ever holds all of it.

What is true of the pictures is written by a `Form`: here by folders, elsewhere as others write boxes and masks.

<label>/<item id>.<ext>    the label as a safe folder name
items.jsonl                a line of JSON a picture, with the label as it is
labels.csv                 the same for spreadsheets: a text that they would run as a formula begins with '
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from deep_predictor.datasets.annotated_forms import CocoForm, MasksForm, YoloForm
from deep_predictor.datasets.folders import DatasetFolders
from deep_predictor.datasets.snapshots import all_items
from deep_predictor.datasets.zip_form import Form, Members, ZipFacts
from deep_predictor.db.dataset_records import Dataset, DatasetItem
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.errors import RequestInvalid
from deep_predictor.images.folder_names import safe_folder_name
from deep_predictor.zip_stream import ZipStream

DownloadFormat = Literal["folders", "yolo", "coco", "masks"]
#: Task -> what it can be sent as; the first one where nobody says.
DOWNLOAD_FORMATS: Mapping[str, Sequence[DownloadFormat]] = {
    "classification": ("folders",),
    "detection": ("coco", "yolo"),
    "segmentation": ("masks",),
}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = ("file", "label", "split", "original_name", "width", "height", "sha256")


@dataclass(frozen=True)
class ZipOrder:
    form: DownloadFormat
    with_pictures: bool


def order_of(dataset: Dataset, form: DownloadFormat | None, with_pictures: bool) -> ZipOrder:
    """Raises RequestInvalid for a format that cannot say what is in the data set."""
    fitting = DOWNLOAD_FORMATS[dataset.task]
    if form is not None and form not in fitting:
        raise RequestInvalid([("format", f"must be one of {', '.join(fitting)} for this data set")])
    return ZipOrder(form or fitting[0], with_pictures)


def zip_chunks(rows: DatasetRows, folders: DatasetFolders, dataset: Dataset, order: ZipOrder) -> Iterator[bytes]:
    """Pictures are stored as they are: they are compressed already."""
    stream = ZipStream()
    has_parts = any(split for _, split in rows.counts(dataset.id))
    with ExitStack() as stack:
        form = _FORMS[order.form](ZipFacts(dataset, folders, has_parts), stack)
        for item in all_items(rows, dataset.id):
            try:
                picture = folders.picture(dataset.id, item.file_name).open("rb")
            except FileNotFoundError:  # deleted a moment ago
                continue
            with picture:
                name = form.name_of(item)
                yield from _added(stream, form.members(name, item))
                if order.with_pictures:
                    yield from stream.add(name, picture)
        yield from _added(stream, form.last_members())
    yield stream.end()


def _added(stream: ZipStream, members: Members) -> Iterator[bytes]:
    for name, file in members:
        with file:
            file.seek(0)
            yield from stream.add(name, file)


class FoldersForm(Form):
    """A folder a label, and two lists."""

    def __init__(self, facts: ZipFacts, stack: ExitStack) -> None:
        super().__init__(facts, stack)
        self._lines, self._table = self.list_file(), self.list_file()
        self._table.write(_row(_COLUMNS))

    def name_of(self, item: DatasetItem) -> str:
        return f"{safe_folder_name(item.label)}/{item.id}{PurePosixPath(item.file_name).suffix}"

    def members(self, name: str, item: DatasetItem) -> Members:
        values = {"file": name, **{column: getattr(item, column) for column in _COLUMNS[1:]}}
        self._lines.write(json.dumps(values, ensure_ascii=False).encode() + b"\n")
        self._table.write(_row(tuple(values.values())))
        return ()

    def last_members(self) -> Members:
        return [("items.jsonl", self._lines), ("labels.csv", self._table)]


def _row(values: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    cells = [f"'{value}" if str(value).startswith(_FORMULA_STARTS) else value for value in values]
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


_FORMS: Mapping[DownloadFormat, type[Form]] = {
    "folders": FoldersForm,
    "yolo": YoloForm,
    "coco": CocoForm,
    "masks": MasksForm,
}
