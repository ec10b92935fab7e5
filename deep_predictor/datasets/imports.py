"""Pictures that come by the hundred: a job makes them fit in a process of its own, and the server takes them in."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from zipfile import is_zipfile

from deep_predictor.datasets.annotations import Annotations
from deep_predictor.datasets.folders import DatasetFolders, new_file_name, new_mask_name
from deep_predictor.datasets.pictures import PictureRules
from deep_predictor.db.dataset_records import Dataset, NewItem
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.db.item_statements import CHUNK
from deep_predictor.db.stored_boxes import StoredBox
from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.errors import ContentRefused, NotFound, RequestInvalid, StateConflict
from deep_predictor.training.import_files import (
    CLASSES_FILE,
    MASKS_FOLDER,
    PICTURES_FOLDER,
    ImportedItem,
    ImportProblem,
    label_problem,
    read_imported,
    read_imported_classes,
    read_problems,
)
from deep_predictor.training.jobs import TrainingJobs

#: How a zip says what is on its pictures; auto: by what is in it, pictures: not at all.
ZipFormat = Literal["auto", "folders", "pictures", "yolo", "coco", "masks"]
ZIP_FORMATS: Mapping[str, Sequence[ZipFormat]] = {
    "classification": ("folders",),
    "detection": ("yolo", "coco", "pictures"),
    "segmentation": ("masks", "pictures"),
}
KIND = "import"
SECTION = "import_options"
#: Uploads that no job waits for: a failed or cancelled one may still be resumed for so long.
_KEEP_SECONDS = 24 * 3600
#: Fields of an imported item that stay as they are.
_KEPT = ("label", "split", "original_name", "sha256", "width", "height", "size")


@dataclass(frozen=True)
class PredictorFolder:
    """Where a predictor keeps its pictures. `labels`: folder -> class; a folder that is not in it is its own label."""

    predictor_name: str
    folder: Path
    not_confident_folder: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Imports:
    """Starts jobs of kind `import`, and takes in what they made."""

    def __init__(
        self,
        rows: DatasetRows,
        folders: DatasetFolders,
        rules: PictureRules,
        jobs: TrainingJobs,
        annotations: Annotations,
    ) -> None:
        self._rows, self._folders, self._rules, self._jobs = rows, folders, rules, jobs
        self._annotations = annotations
        jobs.take_in[KIND] = self.take_in

    def incoming(self) -> Path:
        """Where an upload is written before `start_zip`. Raises OSError."""
        return self._folders.incoming()

    def start_zip(
        self, dataset_id: int, path: Path, label: str | None, created_by: int | None, form: ZipFormat = "auto"
    ) -> int:
        """Take in a zip that lies in `incoming`: all under one label, or a folder a label; or with boxes or masks.

        The job's id. `form`: how a zip says what is on the pictures; auto: by what is in it.
        From now on the file is the job's; it goes when this raises: NotFound, RequestInvalid, ContentRefused.
        """
        try:
            dataset = self._rows.get(dataset_id)
            _check_zip(dataset, label, form)
            if not is_zipfile(path):
                raise ContentRefused("not_a_zip", "the file is no zip, or cut short")
            options = {"source": str(path), "form": "zip", "label": label}
            options["format"] = "auto" if form == "folders" else form
            job_id = self._start(dataset, options, created_by)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._sweep()
        return job_id

    def start_predictor(
        self, dataset_id: int, source: PredictorFolder, with_not_confident: bool, created_by: int | None
    ) -> int:
        """Take in the pictures that a predictor has sorted into its class folders, each once. The job's id.

        Raises NotFound, StateConflict where it has none.
        """
        dataset = self._rows.get(dataset_id)
        if not source.folder.is_dir():
            raise StateConflict("no_pictures", f"the predictor {source.predictor_name!r} has kept no picture yet")
        options = {
            "source": str(source.folder),
            "form": "class_folders",
            "labels": dict(source.labels),
            "leave_out": [] if with_not_confident else [source.not_confident_folder],
            "key": f"predictor:{dataset_id}:{dataset.created_at}:{source.predictor_name}",
        }
        return self._start(dataset, options, created_by)

    def problems(self, job: TrainingJob) -> list[ImportProblem]:
        """The files that an import left out, the first of them; none of a job of another kind."""
        return read_problems(Path(job.run_folder)) if job.kind == KIND else []

    def cancel_all(self, dataset_id: int) -> None:
        """The jobs that bring something to a data set end."""
        for job in self._jobs.list(JobState.QUEUED, JobState.RUNNING):
            if job.kind == KIND and job.dataset_id == dataset_id:
                self._jobs.cancel(job.id)

    def take_in(self, job: TrainingJob) -> None:
        """Give the pictures of a job that is done their places and rows. May be done twice.

        Raises NotFound when the data set is gone, OSError.
        """
        folder, options = Path(job.run_folder), job.cfg[SECTION]
        dataset = self._rows.get(options["dataset_id"])
        if dataset.created_at != options["dataset_created_at"]:
            raise NotFound("dataset", options["dataset_id"])  # another one has its number now
        key = options.get("key") or f"job:{job.id}"
        imported, numbers = read_imported(folder), self._class_numbers(dataset, folder)
        while some := list(itertools.islice(imported, CHUNK)):
            items = [_new_item(item, f"{key}:{item.key}", numbers) for item in some]
            for one, item in zip(some, items, strict=True):
                if item.mask_file:
                    self._folders.keep_mask(dataset.id, folder / MASKS_FOLDER / one.mask, item.mask_file)
                self._folders.keep_picture(dataset.id, folder / PICTURES_FOLDER / one.file, item.file_name)
            self._rows.add_items(dataset.id, items)
        for name in (PICTURES_FOLDER, MASKS_FOLDER):
            shutil.rmtree(folder / name, ignore_errors=True)
        if options["form"] == "zip":
            Path(options["source"]).unlink(missing_ok=True)

    def _start(self, dataset: Dataset, options: dict[str, Any], created_by: int | None) -> int:
        about = {"dataset_id": dataset.id, "dataset_created_at": dataset.created_at, **asdict(self._rules)}
        about |= {"task": dataset.task, "class_names": list(dataset.class_names)}
        cfg = {SECTION: {**about, **options}}
        return self._jobs.start(cfg, KIND, dataset.name, created_by=created_by, dataset_id=dataset.id)

    def _class_numbers(self, dataset: Dataset, folder: Path) -> Sequence[int]:
        """What the numbers of the import are in the data set; what its classes were not there come last.

        Raises StateConflict where pixels of its masks would mean other classes.
        """
        if not (folder / CLASSES_FILE).is_file():
            return ()
        names = read_imported_classes(folder)
        number_of = {one.name: one.number for one in self._annotations.add_class_names(dataset.id, names).classes}
        numbers = [number_of[name] for name in names]
        if dataset.task == "segmentation" and numbers != list(range(len(names))):
            raise StateConflict(
                "classes_changed", "the classes of the data set were changed meanwhile: import it again"
            )
        return numbers

    def _sweep(self) -> None:
        """Remove uploads of jobs that have ended long ago, or that never began."""
        waiting = self._jobs.list(JobState.QUEUED, JobState.RUNNING)
        wanted = {job.cfg[SECTION]["source"] for job in waiting if job.kind == KIND}
        oldest = time.time() - _KEEP_SECONDS
        with suppress(OSError):
            for path in self._folders.incoming().iterdir():
                if str(path) not in wanted and path.stat().st_mtime < oldest:
                    path.unlink(missing_ok=True)


def _check_zip(dataset: Dataset, label: str | None, form: ZipFormat) -> None:
    """Raises RequestInvalid."""
    if label is not None and (problem := label_problem(label)):
        raise RequestInvalid([("label", problem)])
    if label is not None and dataset.task != "classification":
        raise RequestInvalid([("label", "has no meaning: boxes or a mask say what is on the pictures")])
    if form not in ("auto", *ZIP_FORMATS[dataset.task]):
        raise RequestInvalid([("format", f"must be one of {', '.join(ZIP_FORMATS[dataset.task])} in this data set")])


def _new_item(item: ImportedItem, import_key: str, numbers: Sequence[int]) -> NewItem:
    """`numbers`: of the import's classes in the data set."""
    boxes = [
        StoredBox(numbers[int(place)], cx, cy, w, h, bool(is_crowd))
        for place, cx, cy, w, h, is_crowd in item.boxes or ()
    ]
    return NewItem(
        **{name: getattr(item, name) for name in _KEPT},
        file_name=new_file_name(item.file.rpartition(".")[2], import_key),
        import_key=import_key,
        source=f"{import_key.removesuffix(item.key)}{item.source}" if item.source else "",
        boxes=None if item.boxes is None else boxes,
        mask_file=new_mask_name(import_key) if item.mask else None,
        class_pixels={numbers[number]: pixels for number, pixels in item.class_pixels},
    )
