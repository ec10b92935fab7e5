"""Takes in a folder as `augment` writes one: class folders below train, val and test, and sources.json."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deep_predictor.datasets.folders import DatasetFolders, new_file_name
from deep_predictor.datasets.pictures import PictureRules
from deep_predictor.db.dataset_records import Dataset, NewItem
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.db.item_statements import CHUNK
from deep_predictor.errors import ImageNotStored, NameTaken
from deep_predictor.images.decoding import EXTENSION_FORMATS
from deep_predictor.images.folder_names import safe_folder_name
from deep_predictor.images.thumbnails import measure
from deep_predictor.training.import_files import origins_of, shown_name
from deep_predictor.training.job_files import read_object

_PARTS = ("train", "val", "test")
_SOURCES_FILE = "sources.json"
#: Says which classes the folders stand for: a class name is not always a folder's.
_FACTS_FILE = ".augmentation.json"


@dataclass(frozen=True)
class FolderIntake:
    """The pictures are files of our own making: they are measured, not decoded."""

    rows: DatasetRows
    folders: DatasetFolders
    rules: PictureRules

    def take(self, dataset: int | str, folder: Path, key: str) -> Dataset:
        """See `DatasetLibrary.take_in_folder`."""
        names = list(_picture_names(folder))
        found = self._target(dataset, f"{key}:{names[0]}" if names else key)
        sources = {name: source for name, source in read_object(folder / _SOURCES_FILE).items() if source}
        items = self._items(folder, names, key, origins_of(sources))
        try:
            while some := list(itertools.islice(items, CHUNK)):
                for name, item in some:
                    self.folders.keep_picture(found.id, folder / name, item.file_name)
                self.rows.add_items(found.id, [item for _, item in some])
        except OSError as error:
            raise ImageNotStored(f"data set {found.id}: {error.strerror or error}") from error
        return self.rows.get(found.id)

    def _target(self, dataset: int | str, first_key: str) -> Dataset:
        if isinstance(dataset, int):
            return self.rows.get(dataset)
        if begun := self.rows.find_by_import(first_key):
            return begun
        for number in itertools.count(1):
            try:
                return self.rows.insert(dataset if number == 1 else f"{dataset} {number}", None)
            except NameTaken:
                continue
        raise AssertionError("the numbers are endless")

    def _items(
        self, folder: Path, names: list[str], key: str, origins: Mapping[str, str]
    ) -> Iterator[tuple[str, NewItem]]:
        classes = read_object(folder / _FACTS_FILE).get("class_names", [])
        labels = {safe_folder_name(str(name)): str(name) for name in classes}
        for name in names:
            levels = name.split("/")
            split = levels[0] if levels[0] in _PARTS and len(levels) > 2 else ""
            class_folder = levels[1] if split else levels[0]
            data = (folder / name).read_bytes()
            extension, width, height = measure(data, tuple(EXTENSION_FORMATS), self.rules.max_pixels)
            origin = origins.get(name, "")
            yield (
                name,
                NewItem(
                    label=labels.get(class_folder, class_folder),
                    split=split,
                    file_name=new_file_name(extension, f"{key}:{name}"),
                    original_name=shown_name(levels[-1]),
                    source=f"{key}:{origin}" if origin else "",
                    sha256=hashlib.sha256(data).hexdigest(),
                    width=width,
                    height=height,
                    size=len(data),
                    import_key=f"{key}:{name}",
                ),
            )


def _picture_names(folder: Path) -> Iterator[str]:
    """POSIX paths below the folder of all pictures in class folders, in their order; links are none."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            path = Path(place) / file
            name = path.relative_to(folder).as_posix()
            is_picture = PurePosixPath(name).suffix.lower().removeprefix(".") in EXTENSION_FORMATS
            if is_picture and "/" in name and not file.startswith(".") and not path.is_symlink():
                yield name
