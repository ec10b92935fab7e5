"""The data sets that the server keeps: rows in the database, pictures in a folder a set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from deep_predictor.backends.base import Task
from deep_predictor.config.management_options import LibraryOptions
from deep_predictor.datasets.annotations import Annotations, ItemBox, check_class_names
from deep_predictor.datasets.doctor_reports import DoctorReports
from deep_predictor.datasets.folder_intake import FolderIntake
from deep_predictor.datasets.folders import MASKS, DatasetFolders, write_whole
from deep_predictor.datasets.imports import Imports
from deep_predictor.datasets.pictures import PictureReader, PictureRules
from deep_predictor.datasets.snapshots import write_snapshot
from deep_predictor.datasets.zipping import DownloadFormat, order_of, zip_chunks
from deep_predictor.db.dataset_records import Chosen, Dataset, DatasetItem, NewItem
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.errors import ImageNotStored, NotFound, RequestInvalid, StateConflict
from deep_predictor.training.import_files import label_problem, shown_name
from deep_predictor.training.jobs import TrainingJobs

Split = Literal["", "train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


class DatasetLibrary:
    """Usable from any thread. Every method may raise DatabaseBusy."""

    def __init__(
        self, rows: DatasetRows, options: LibraryOptions, root: Path, jobs: TrainingJobs, rules: PictureRules
    ) -> None:
        self._rows, self._jobs = rows, jobs
        self._folders = DatasetFolders(root / options.datasets_folder)
        self._reader = PictureReader(rules)
        #: Data set -> (its version, items by label and split): counting 50,000 takes a moment.
        self._counts: dict[int, tuple[int, Mapping[tuple[str, str], int]]] = {}
        self.annotations = Annotations(rows, self._folders)
        self.imports = Imports(rows, self._folders, rules, jobs, self.annotations)
        self.doctor = DoctorReports(rows, self._folders, jobs)

    def create(
        self,
        name: str,
        created_by: int | None = None,
        *,
        task: Task = "classification",
        class_names: Sequence[str] = (),
    ) -> Dataset:
        """`class_names`: of boxes or masks. Raises NameTaken, RequestInvalid, StateConflict."""
        _check_line("name", name)
        check_class_names(task, class_names)
        return self._rows.insert(name, created_by, task, class_names)

    def get(self, dataset_id: int) -> Dataset:
        """Raises NotFound."""
        return self._rows.get(dataset_id)

    def find_by_name(self, name: str) -> Dataset | None:
        return None if label_problem(name) else self._rows.find_by_name(name)

    def page(self, limit: int, offset: int) -> tuple[list[Dataset], int]:
        """Some of the data sets, oldest first, and how many there are."""
        return self._rows.page(limit, offset)

    def rename(self, dataset_id: int, name: str) -> Dataset:
        """Raises NotFound, NameTaken, RequestInvalid."""
        _check_line("name", name)
        return self._rows.rename(dataset_id, name)

    def delete(self, dataset_id: int) -> None:
        """With all its pictures; what a job is just doing with it ends. Raises NotFound."""
        self._rows.delete(dataset_id)
        self._counts.pop(dataset_id, None)
        self.imports.cancel_all(dataset_id)
        self.doctor.cancel_all(dataset_id)
        self._folders.remove(dataset_id)

    def counts(self, dataset: Dataset) -> Mapping[tuple[str, str], int]:
        """(label, split) -> items."""
        version, counts = self._counts.get(dataset.id, (0, {}))
        if version != dataset.version:
            counts = self._rows.counts(dataset.id)
            self._counts[dataset.id] = (dataset.version, counts)
        return counts

    def annotated_counts(self, dataset_id: int) -> Mapping[tuple[str, str], int]:
        """As `counts`, of the items that a training could learn from. Raises NotFound."""
        dataset = self._rows.get(dataset_id)
        if dataset.task == "classification":
            return self.counts(dataset)
        return self._rows.counts(dataset_id, Chosen(annotated=True))

    def add_item(
        self,
        dataset_id: int,
        data: bytes,
        label: str,
        split: Split = "",
        original_name: str = "",
        *,
        source: str = "",
        boxes: Sequence[ItemBox] | None = None,
    ) -> DatasetItem:
        """Take a picture in, after decoding it. `source`: what those have in common that were made from one original.

        `label`: "" where boxes or a mask say what is on it. Raises NotFound for the data set, RequestInvalid for the
        label, split or boxes, StateConflict, ImageUnreadable, TooLarge, ImageNotStored.
        """
        dataset = self._rows.get(dataset_id)
        _check_label(dataset, label)
        _check_split(split)
        if boxes is not None and dataset.task != "detection":
            raise StateConflict("wrong_task", f"the items of the data set {dataset.name!r} have no boxes")
        stored = self.annotations.stored(dataset, boxes)
        found = self._reader.check(data)
        try:
            file_name = self._folders.write_picture(dataset_id, data, found.extension)
        except OSError as error:
            raise ImageNotStored(f"data set {dataset_id}: {error.strerror or error}") from error
        new = NewItem(
            label=label,
            split=split,
            file_name=file_name,
            original_name=shown_name(original_name),
            source=source,
            sha256=found.sha256,
            width=found.width,
            height=found.height,
            size=len(data),
            boxes=stored,
        )
        try:
            return self._rows.add_item(dataset_id, new)
        except BaseException:
            self._folders.remove_files(dataset_id, [file_name])
            raise

    def get_item(self, dataset_id: int, item_id: int) -> DatasetItem:
        """Raises NotFound."""
        return self._rows.get_item(dataset_id, item_id)

    def items(self, dataset_id: int, chosen: Chosen, limit: int, offset: int) -> tuple[list[DatasetItem], int]:
        """Some of the items, oldest first, and how many there are of this label and split. Raises NotFound."""
        self._rows.get(dataset_id)
        return self._rows.items(dataset_id, chosen, limit, offset)

    def change_items(self, dataset_id: int, chosen: Chosen, **values: str) -> int:
        """Give items a `label`, a `split` or both; how many there were.

        Raises NotFound, RequestInvalid, StateConflict for labels where there are boxes or masks.
        """
        if "label" in values:
            dataset = self._rows.get(dataset_id)
            if dataset.task != "classification":
                raise StateConflict("wrong_task", f"the items of the data set {dataset.name!r} have no labels")
            _check_line("label", values["label"])
        _check_split(values.get("split", ""))
        return self._rows.change_items(dataset_id, chosen, **values)

    def delete_items(self, dataset_id: int, chosen: Chosen) -> int:
        """How many there were. Raises NotFound for the data set."""
        names = self._rows.delete_items(dataset_id, chosen)
        self._folders.remove_files(dataset_id, names)
        return sum(not name.startswith(MASKS) for name in names)

    def picture(self, item: DatasetItem) -> Path:
        """Where it lies. Raises NotFound where the file is gone."""
        path = self._folders.picture(item.dataset_id, item.file_name)
        if not path.is_file():
            raise NotFound("picture", item.id)
        return path

    def thumbnail(self, item: DatasetItem) -> Path:
        """A small JPEG, made when it is first asked for. Raises NotFound, ImageUnreadable, ImageNotStored."""
        path = self._folders.thumbnail(item.dataset_id, item.file_name)
        if not path.is_file():
            try:
                write_whole(path, self._reader.thumbnail(self.picture(item).read_bytes()))
            except FileNotFoundError:
                raise NotFound("picture", item.id) from None
            except OSError as error:
                raise ImageNotStored(f"thumbnail of item {item.id}: {error.strerror or error}") from error
        return path

    def zip_chunks(
        self, dataset_id: int, form: DownloadFormat | None = None, with_pictures: bool = True
    ) -> Iterator[bytes]:
        """A zip of what is true of the pictures, and of them, a piece at a time; `form` None: what fits the task.

        Raises NotFound, RequestInvalid for a format of another task, both at once.
        """
        dataset = self._rows.get(dataset_id)
        return zip_chunks(self._rows, self._folders, dataset, order_of(dataset, form, with_pictures))

    def snapshot(self, dataset_id: int, folder: Path) -> Path:
        """Keep the data set as it is for a run, in a new `folder`; its listing, for the format `listing`.

        Pictures get second names, so neither relabelling nor deleting changes anything for the run. Who asked removes
        the folder. Raises NotFound, StateConflict for a data set without items, or of which nothing says what is on
        them, OSError.
        """
        dataset = self._rows.get(dataset_id)
        if not self.counts(dataset):
            raise StateConflict("dataset_empty", f"the data set {dataset.name!r} has no items")
        if not self.annotations.count(dataset):
            message = f"of no picture of the data set {dataset.name!r} it is said what is on it"
            raise StateConflict("nothing_annotated", message)
        return write_snapshot(self._rows, self._folders, dataset, folder)

    def take_in_folder(self, dataset: int | str, folder: Path, key: str) -> Dataset:
        """Take the pictures of a set that `augment` wrote into a data set: by its id, or a new one by its name.

        `key` names this intake: done twice, it takes nothing in twice, and finds the new data set again. The name gets
        a number behind it where it is taken. The folder stays as it is.

        Raises NotFound, RequestInvalid, ImageUnreadable, ImageNotStored.
        """
        if isinstance(dataset, str):
            _check_line("name", dataset)
        return FolderIntake(self._rows, self._folders, self._reader.rules).take(dataset, folder, key)


def _check_line(where: str, text: str) -> None:
    if problem := label_problem(text):
        raise RequestInvalid([(where, problem)])


def _check_label(dataset: Dataset, label: str) -> None:
    if dataset.task == "classification":
        _check_line("label", label)
    elif label:
        raise RequestInvalid([("label", "has no meaning: boxes or a mask say what is on the picture")])


def _check_split(split: str) -> None:
    if split not in SPLITS:
        raise RequestInvalid([("split", "must be train, val, test or empty")])
