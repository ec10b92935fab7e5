"""A data set as it is at one moment, for a run: what is changed or deleted later changes nothing for it.

listing.jsonl     a line of JSON an item: item_id, file (POSIX path below the folder), label, split, source
snapshot.json     dataset_id, name, version
pictures/         <item id>.<ext>
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from deep_predictor.datasets.folders import DatasetFolders, link_or_copy
from deep_predictor.db.dataset_rows import CHUNK, Dataset, DatasetItem, DatasetRows
from deep_predictor.training.job_files import write_object

LISTING_FILE = "listing.jsonl"
FACTS_FILE = "snapshot.json"


def write_snapshot(rows: DatasetRows, folders: DatasetFolders, dataset: Dataset, folder: Path) -> Path:
    """The listing in a new folder. Raises OSError; then nothing of it is left."""
    (folder / "pictures").mkdir(parents=True)
    try:
        with (folder / LISTING_FILE).open("w", encoding="utf-8") as listing:
            for item in all_items(rows, dataset.id):
                file = f"pictures/{item.id}{PurePosixPath(item.file_name).suffix}"
                with suppress(FileNotFoundError):  # deleted a moment ago
                    link_or_copy(folders.picture(dataset.id, item.file_name), folder / file)
                    listing.write(_line(item, file))
        facts = {"dataset_id": dataset.id, "name": dataset.name, "version": dataset.version}
        write_object(folder / FACTS_FILE, facts)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder / LISTING_FILE


def all_items(rows: DatasetRows, dataset_id: int) -> Iterator[DatasetItem]:
    """By their ids, some at a time: a data set need not fit into memory."""
    last_id = 0
    while items := rows.items_after(dataset_id, last_id, CHUNK):
        yield from items
        last_id = items[-1].id


def _line(item: DatasetItem, file: str) -> str:
    entry = {"item_id": item.id, "file": file, "label": item.label, "split": item.split, "source": item.source}
    return json.dumps(entry, ensure_ascii=False) + "\n"
