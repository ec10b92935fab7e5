"""What a finished training wrote of its test pictures, with those pictures as they stand in their data set now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deep_predictor.datasets.library import DatasetLibrary
from deep_predictor.db.dataset_records import Chosen, DatasetItem
from deep_predictor.db.training_job_rows import TrainingJob
from deep_predictor.errors import NotFound, StateConflict
from deep_predictor.training.job_files import EVALUATION_FILE, read_object

#: Of evaluation.json, what is no figure.
_PICTURES = "pictures"


@dataclass(frozen=True)
class Wanted:
    """Pictures of one cell of the confusion matrix, of a row, a column, or all; None chooses nothing out.

    Of detectors: pictures on which a class is, or was found. Of segmenters nothing tells the classes.
    """

    label: str | None = None
    predicted: str | None = None
    only_mistakes: bool = False

    def holds(self, picture: dict[str, Any]) -> bool:
        labels, predicted = _classes_of(picture)
        return (
            (self.label is None or self.label in labels)
            and (self.predicted is None or self.predicted in predicted)
            and not (self.only_mistakes and _badness(picture) <= 0)
        )


@dataclass(frozen=True)
class TestedPicture:
    """`said`: what the file says of it, by its task; truths are those it was tested by.

    `item`: it as it is now; None where it is gone, or never was an item.
    """

    #: pytest is not to look for tests in it.
    __test__ = False

    name: str
    said: Mapping[str, Any]
    item: DatasetItem | None


def has_evaluation(job: TrainingJob) -> bool:
    return (Path(job.run_folder) / EVALUATION_FILE).is_file()


def evaluation_of(job: TrainingJob) -> dict[str, Any]:
    """All of the file but its pictures. Raises StateConflict where there is none (yet)."""
    return {name: value for name, value in _read(job).items() if name != _PICTURES}


def tested_pictures(
    job: TrainingJob, datasets: DatasetLibrary, wanted: Wanted, limit: int, offset: int
) -> tuple[int, Sequence[TestedPicture]]:
    """How many there are, and some of them. Raises StateConflict where none were tested.

    Of classifiers the most confident first, of detectors and segmenters those with the worst answers.
    """
    meant = [picture for picture in _read(job)[_PICTURES] if wanted.holds(picture)]
    meant.sort(key=lambda picture: -picture.get("confidence", _badness(picture)))
    shown = meant[offset : offset + limit]
    items = _items_now(job, datasets, [picture["item_id"] for picture in shown if picture["item_id"] is not None])
    return len(meant), [
        TestedPicture(
            picture["name"],
            {name: value for name, value in picture.items() if name not in ("name", "item_id")},
            items.get(picture["item_id"]),
        )
        for picture in shown
    ]


def _classes_of(picture: dict[str, Any]) -> tuple[Collection[str], Collection[str]]:
    """Those that are on a picture, and those that were found."""
    if "label" in picture:
        return [picture["label"]], [picture["predicted"]]
    true, found = ([box["class_name"] for box in picture.get(name, ())] for name in ("true_boxes", "found_boxes"))
    return true, found


def _badness(picture: dict[str, Any]) -> float:
    """0 where all is right."""
    if "iou" in picture:
        return 1.0 - float(picture["iou"])
    if "label" in picture:
        return float(picture["label"] != picture["predicted"])
    return float(picture["false_count"] + picture["missed_count"])


def _items_now(job: TrainingJob, datasets: DatasetLibrary, ids: Collection[int]) -> dict[int, DatasetItem]:
    """Those that are still there. What was added after the training is not what it saw, though it has the number."""
    if not ids or job.dataset_id is None:
        return {}
    try:
        items, _ = datasets.items(job.dataset_id, Chosen(ids=list(ids)), len(ids), 0)
    except NotFound:
        return {}
    return {item.id: item for item in items if item.added_at <= job.created_at}


def _read(job: TrainingJob) -> dict[str, Any]:
    found = read_object(Path(job.run_folder) / EVALUATION_FILE)
    if _PICTURES not in found:
        raise StateConflict("no_evaluation", f"training {job.id} has not looked at its test pictures")
    return found
