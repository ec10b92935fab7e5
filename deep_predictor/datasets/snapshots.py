"""A data set as it is at one moment, for a run: what is changed or deleted later changes nothing for it.

listing.jsonl     a line of JSON an item: item_id, file (POSIX path below the folder), label, split, source; for
                  detectors boxes (null: nobody has looked) and the upright picture's width and height, for
                  segmenters mask
snapshot.json     dataset_id, name, version, task, and class_names of boxes and masks
pictures/         <item id>.<ext>
masks/            <item id>.png
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from deep_predictor.datasets.annotations import named_boxes
from deep_predictor.datasets.folders import DatasetFolders, link_or_copy
from deep_predictor.db.dataset_records import Dataset, DatasetItem
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.db.item_statements import CHUNK
from deep_predictor.training.job_files import write_object

LISTING_FILE = "listing.jsonl"
FACTS_FILE = "snapshot.json"


def write_snapshot(rows: DatasetRows, folders: DatasetFolders, dataset: Dataset, folder: Path) -> Path:
    """The listing in a new folder. Raises OSError; then nothing of it is left."""
    (folder / "pictures").mkdir(parents=True)
    (folder / "masks").mkdir()
    try:
        with (folder / LISTING_FILE).open("w", encoding="utf-8") as listing:
            for item in all_items(rows, dataset.id):
                file = f"pictures/{item.id}{PurePosixPath(item.file_name).suffix}"
                with suppress(FileNotFoundError):  # deleted a moment ago
                    link_or_copy(folders.picture(dataset.id, item.file_name), folder / file)
                    truth = _truth(folders, dataset, item, folder)
                    listing.write(_line(item, file, truth))
        names = ("name", "version", "task", "class_names")
        write_object(
            folder / FACTS_FILE, {"dataset_id": dataset.id, **{name: getattr(dataset, name) for name in names}}
        )
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


def _truth(folders: DatasetFolders, dataset: Dataset, item: DatasetItem, folder: Path) -> dict[str, Any]:
    """What its line says beside a label. Raises FileNotFoundError for an item that was deleted a moment ago."""
    if dataset.task == "detection":
        boxes = named_boxes(dataset, item)
        written = None if boxes is None else [asdict(box) for box in boxes]
        return {"boxes": written, "width": item.width, "height": item.height}
    if item.mask_file is None:
        return {"mask": None} if dataset.task == "segmentation" else {}
    mask = f"masks/{item.id}.png"
    link_or_copy(folders.mask(dataset.id, item.mask_file), folder / mask)
    return {"mask": mask}


def _line(item: DatasetItem, file: str, truth: Mapping[str, Any]) -> str:
    entry = {"item_id": item.id, "file": file, "label": item.label, "split": item.split, "source": item.source, **truth}
    return json.dumps(entry, ensure_ascii=False) + "\n"
