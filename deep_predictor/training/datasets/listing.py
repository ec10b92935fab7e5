"""A listing: a line of JSON a picture, with its file, label, split and source; the server's data sets come as one.

    {"item_id": 7, "file": "pictures/7.jpg", "label": "cat", "split": "train", "source": ""}

`file` is a path below the listing's folder; `split` is train, val, test or empty (the training's split decides);
pictures of equal `source` were made from one original.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Dataset, Item
from deep_predictor.training.datasets.format import DatasetFormat
from deep_predictor.training.datasets.picture_files import FilesDataset
from deep_predictor.training.job_files import read_object

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

_SUFFIX = ".jsonl"
#: Beside the listing; its `name` is the data set's.
_FACTS_FILE = "snapshot.json"


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    file: str
    label: str
    split: Literal["", "train", "val", "test"] = ""
    source: str = ""
    item_id: int | None = None


class ListingFormat(DatasetFormat):
    @staticmethod
    def open(options: DatasetOptions, cache_folder: Path) -> Dataset:
        assert options.path
        return _ListedDataset(options.path)

    @staticmethod
    def fits(path: Path) -> bool:
        return path.is_file() and path.suffix.lower() == _SUFFIX


class _ListedDataset(FilesDataset):
    def __init__(self, listing: Path) -> None:
        """Raises DatasetUnusable, OSError."""
        folder = listing.parent
        lines = _read(listing)
        name = read_object(folder / _FACTS_FILE).get("name")
        self.name = name if isinstance(name, str) and name else listing.stem
        self.class_names = tuple(sorted({line.label for line in lines.values()}))
        label_of = {class_name: label for label, class_name in enumerate(self.class_names)}
        self.items = tuple(
            Item(file, label_of[line.label], line.split or None, line.source, line.item_id)
            for file, line in lines.items()
        )
        self._paths = tuple(str(folder / file) for file in lines)


def _read(listing: Path) -> dict[str, _Line]:
    """File -> its line, in the order of the lines."""
    lines: dict[str, _Line] = {}
    with listing.open("rb") as opened:
        for number, text in enumerate(opened, 1):
            try:
                line = _Line.model_validate(json.loads(text))
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                message = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
                raise DatasetUnusable(f"{listing.name}, line {number}: {message}") from error
            except (ValueError, RecursionError) as error:
                raise DatasetUnusable(f"{listing.name}, line {number} is not JSON") from error
            path = PurePosixPath(line.file)
            if path.is_absolute() or ".." in path.parts or "\0" in line.file or not path.parts:
                raise DatasetUnusable(f"{listing.name}, line {number}: {line.file!r} leads out of the listing's folder")
            if line.file in lines:
                raise DatasetUnusable(f"{listing.name}, line {number}: {line.file!r} stands there twice")
            lines[line.file] = line
    return lines
