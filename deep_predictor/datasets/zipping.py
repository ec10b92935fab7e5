"""A data set as a zip, made while it is sent: neither memory nor disk ever holds all of it.

<label>/<item id>.<ext>    the label as a safe folder name
items.jsonl                a line of JSON a picture, with the label as it is
labels.csv                 the same for spreadsheets: a text that they would run as a formula begins with '
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

from deep_predictor.datasets.folders import DatasetFolders
from deep_predictor.datasets.snapshots import all_items
from deep_predictor.db.dataset_rows import Dataset, DatasetItem, DatasetRows
from deep_predictor.images.folder_names import safe_folder_name
from deep_predictor.zip_stream import ZipStream

#: The lists go to disk when they get longer.
_LIST_BYTES = 1024 * 1024
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = ("file", "label", "split", "original_name", "width", "height", "sha256")


def zip_chunks(rows: DatasetRows, folders: DatasetFolders, dataset: Dataset) -> Iterator[bytes]:
    """Pictures are stored as they are: they are compressed already."""
    stream = ZipStream()
    with (
        tempfile.SpooledTemporaryFile(_LIST_BYTES) as lines,
        tempfile.SpooledTemporaryFile(_LIST_BYTES) as table,
    ):
        lists = _Lists(lines, table)
        for item in all_items(rows, dataset.id):
            name = f"{safe_folder_name(item.label)}/{item.id}{PurePosixPath(item.file_name).suffix}"
            try:
                source = folders.picture(dataset.id, item.file_name).open("rb")
            except FileNotFoundError:  # deleted a moment ago
                continue
            lists.add(name, item)
            with source:
                yield from stream.add(name, source)
        for name, file in (("items.jsonl", lines), ("labels.csv", table)):
            file.seek(0)
            yield from stream.add(name, file)
    yield stream.end()


class _Lists:
    """What stands in the zip, in two forms."""

    def __init__(self, lines: IO[bytes], table: IO[bytes]) -> None:
        self._lines, self._table = lines, table
        table.write(_row(_COLUMNS))

    def add(self, name: str, item: DatasetItem) -> None:
        values = {"file": name, **{column: getattr(item, column) for column in _COLUMNS[1:]}}
        self._lines.write(json.dumps(values, ensure_ascii=False).encode() + b"\n")
        self._table.write(_row(tuple(values.values())))


def _row(values: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    cells = [f"'{value}" if str(value).startswith(_FORMULA_STARTS) else value for value in values]
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()
