"""Starting trainings, searches and augmented sets on data sets of the library; ending, resuming and removing them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deep_predictor.config.management_options import LibraryOptions
from deep_predictor.datasets.library import DatasetLibrary
from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.errors import NotFound, RequestInvalid, StateConflict, TrainingJobNotFound
from deep_predictor.runs import augmenting, settings
from deep_predictor.runs.augmenting import AugmentOrder
from deep_predictor.runs.checking import check_cfg
from deep_predictor.runs.children import Children
from deep_predictor.runs.cutting import Box, cut_out
from deep_predictor.runs.estimating import Estimate, Planned, estimate, train_count_of
from deep_predictor.runs.previewing import PreviewedPicture, check_operations, preview
from deep_predictor.runs.workplace import Workplace, Workplaces
from deep_predictor.training.job_run import JobSettings
from deep_predictor.training.jobs import TrainingJobs

RunKind = Literal["train", "search"]
#: Of a data set's name, in that of the augmented one.
_LONGEST_NAME = 180
#: Of the trainings that are done, so many of the newest say how fast they are.
_TIMED_RUNS = 20
#: Of `architectures`.
_LISTING_SECONDS = 60.0
#: Below the models' folder: where predictors of trained models keep what they are sent.
_PREDICTIONS_FOLDER = "predictions"


@dataclass(frozen=True)
class RunOrder:
    """A training or search to start. `settings`: the keys of `training_options`."""

    settings: Mapping[str, Any]
    #: "": the data set's. What becomes of the run is a version of the model of this name.
    name: str = ""
    priority: int = 0
    created_by: int | None = None


class Runs:
    """Usable from any thread. Methods that start something may raise DatabaseBusy, TooManyWaiting and OSError."""

    def __init__(
        self,
        jobs: TrainingJobs,
        datasets: DatasetLibrary,
        options: LibraryOptions,
        root: Path,
        job_settings: JobSettings,
    ) -> None:
        self._jobs, self._datasets = jobs, datasets
        self._allow_python = job_settings.allow_python
        self._children = Children(job_settings)
        self._workplaces = Workplaces(root / options.runs_folder)
        self._place = settings.Place(
            files=root / options.datasets_folder / settings.FILES_FOLDER,
            predictions=root / options.models_folder / _PREDICTIONS_FOLDER,
        )
        self._architectures: Sequence[Mapping[str, Any]] = ()
        self._listing = threading.Lock()
        jobs.take_in["augment"] = self._take_in_augmented

    def start(self, kind: RunKind, dataset_id: int, order: RunOrder) -> TrainingJob:
        """Queue a run on the data set as it is now.

        Raises RequestInvalid with all that is wrong with the settings, NotFound, StateConflict for a data set on whose
        pictures nothing is marked.
        """
        settings.check_settings(order.settings, self._allow_python)
        dataset = self._datasets.get(dataset_id)
        name = order.name or dataset.name
        with self._new_workplace() as workplace:
            shelves = dict.fromkeys(settings.shelves_of(order.settings))
            for shelf_id in dict.fromkeys(shelf_id for _, shelf_id in shelves):
                workplace.write_shelf(self._datasets, shelf_id)
            cfg = settings.training_cfg(
                order.settings,
                name,
                {"name": "listing", "path": str(workplace.listing)},
                {shelf: workplace.shelf(shelf[1]) for shelf in shelves},
                self._place,
            )
            self._check_training(cfg, workplace, kind, "--task", dataset.task)
            self._datasets.snapshot(dataset_id, workplace.dataset)
            job_id = self._jobs.start(cfg, kind, name, order.priority, order.created_by, dataset_id)
            return self._jobs.get(job_id)

    def start_on_file(self, format_name: str, file_name: str, order: RunOrder) -> TrainingJob:
        """Queue a training on a file that the server's owner put beside the data sets. Raises RequestInvalid."""
        settings.check_settings(order.settings, self._allow_python)
        path = settings.file_below(self._place.files, file_name)
        if path is None:
            raise RequestInvalid([("file", f"there is no {file_name!r} in the folder {settings.FILES_FOLDER!r}")])
        options = {"name": format_name, "path": str(path)}
        cfg = settings.training_cfg(order.settings, order.name, options, {}, self._place)
        with self._new_workplace() as workplace:
            self._check_training(cfg, workplace, "train")
        workplace.remove()  # the run reads none of it
        return self._jobs.get(self._jobs.start(cfg, "train", order.name, order.priority, order.created_by))

    def augment(self, dataset_id: int, order: AugmentOrder, created_by: int | None = None) -> TrainingJob:
        """Queue the making of a new data set out of one. Raises as `start`."""
        augmenting.check_order(order)
        dataset = self._datasets.get(dataset_id)
        if dataset.task != "classification":
            raise StateConflict(
                "wrong_task", "only pictures with labels are augmented ahead: a training draws the others"
            )
        with self._new_workplace() as workplace:
            for shelf in dict.fromkeys(augmenting.shelves_of(order, dataset_id).values()):
                workplace.write_shelf(self._datasets, shelf)
            cfg = augmenting.augment_cfg(order, dataset_id, workplace)
            self._check(cfg, workplace, lambda key: augmenting.told_of(order, dataset_id, key))
            self._datasets.snapshot(dataset_id, workplace.dataset)
            name = f"{dataset.name[:_LONGEST_NAME]} augmented"
            workplace.write_order({"name": name})
            job_id = self._jobs.start(cfg, "augment", name, created_by=created_by, dataset_id=dataset_id)
            return self._jobs.get(job_id)

    def cut_out(self, image: bytes, box: Box) -> bytes:
        """A PNG with transparency. Raises RequestInvalid for the box, ImageUnreadable, ContentRefused."""
        return cut_out(self._children, image, box)

    def preview(
        self, dataset_id: int, operations: Sequence[Mapping[str, Any]], seed: int
    ) -> Sequence[PreviewedPicture]:
        """What operations make of a few pictures. Raises as `start`, and ContentRefused."""
        check_operations(operations)
        with self._new_workplace() as workplace:
            try:
                return preview(self._children, self._datasets, workplace, dataset_id, operations, seed)
            finally:
                workplace.remove()

    def estimate(self, dataset_id: int, planned: Planned) -> Estimate:
        """About how long a training would take. Raises NotFound."""
        counts = self._datasets.annotated_counts(dataset_id)
        try:
            findings = self._datasets.doctor.newest(dataset_id).findings
        except StateConflict:  # it was not asked yet
            findings = {}
        _, earlier = self._jobs.page(["train"], [JobState.DONE], _TIMED_RUNS, 0)
        return estimate(planned, train_count_of(planned, counts), self.architectures(), earlier, findings)

    def architectures(self) -> Sequence[Mapping[str, Any]]:
        """What `architectures --json` says of each network that settings may name."""
        with self._listing:
            if not self._architectures:
                finished = self._children.run(["architectures", "--json"], _LISTING_SECONDS)
                self._architectures = json.loads(finished.printed)["architectures"]
            return self._architectures

    def page(
        self, kinds: Collection[str], states: Collection[JobState], limit: int, offset: int
    ) -> tuple[int, Sequence[TrainingJob]]:
        """How many jobs there are of these kinds and states (none given: all), and some of them, newest first."""
        return self._jobs.page(kinds, states, limit, offset)

    def get(self, job_id: int, *kinds: str) -> TrainingJob:
        """A job of one of these kinds, or of any. Raises TrainingJobNotFound."""
        job = self._jobs.get(job_id)
        if kinds and job.kind not in kinds:
            raise TrainingJobNotFound(job_id)
        return job

    def result_dataset_of(self, job: TrainingJob) -> int | None:
        """The data set that came of it; None where none did, or not yet."""
        if job.kind != "augment":
            return None
        try:
            found = self._workplaces.get(job.cfg).read_order().get("dataset_id")
        except NotFound:
            return None
        return found if type(found) is int else None

    def cancel(self, job_id: int, *kinds: str) -> TrainingJob:
        """Raises TrainingJobNotFound, StateConflict for one that has ended."""
        if not self._jobs.cancel(self.get(job_id, *kinds).id):
            raise StateConflict("job_has_ended", f"job {job_id} is {self._jobs.get(job_id).state}")
        return self._jobs.get(job_id)

    def resume(self, job_id: int, *kinds: str) -> TrainingJob:
        """Raises TrainingJobNotFound, TrainingJobNotResumable."""
        self._jobs.resume(self.get(job_id, *kinds).id)
        return self._jobs.get(job_id)

    def remove(self, job_id: int, *kinds: str) -> None:
        """An ended job, its run's folder and its snapshot. Raises TrainingJobNotFound, StateConflict."""
        job = self.get(job_id, *kinds)
        self._jobs.forget(job_id)
        self._workplaces.remove_of(job.cfg)

    def _check_training(self, cfg: Mapping[str, Any], workplace: Workplace, kind: RunKind, *about: str) -> None:
        options = (*about, "--search") if kind == "search" else about
        self._check(cfg, workplace, lambda key: f"settings{key.removeprefix(settings.SECTION)}", *options)

    def _check(
        self, cfg: Mapping[str, Any], workplace: Workplace, where_of: Callable[[str], str], *options: str
    ) -> None:
        check_cfg(self._children, cfg, workplace.check_cfg, where_of, *options)

    @contextmanager
    def _new_workplace(self) -> Iterator[Workplace]:
        """Gone again where the block raises."""
        workplace = self._workplaces.new()
        try:
            yield workplace
        except BaseException:
            workplace.remove()
            raise

    def _take_in_augmented(self, job: TrainingJob) -> None:
        """Raises NotFound where the job's folder is gone, ImageNotStored."""
        workplace = self._workplaces.get(job.cfg)
        order = workplace.read_order()
        dataset = self._datasets.take_in_folder(str(order["name"]), workplace.augmented, f"job:{job.id}")
        workplace.write_order({**order, "dataset_id": dataset.id})
