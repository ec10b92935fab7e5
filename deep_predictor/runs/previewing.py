"""What operations of augmentation make of some pictures of a data set, drawn in a process of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from deep_predictor.datasets.library import DatasetLibrary
from deep_predictor.db.dataset_records import Chosen, DatasetItem
from deep_predictor.errors import ContentRefused, NotFound, RequestInvalid, StateConflict
from deep_predictor.runs import settings
from deep_predictor.runs.children import TIMED_OUT, Children, Finished
from deep_predictor.runs.workplace import Workplace

logger = logging.getLogger(__name__)

LONGEST_SECONDS = 60.0
#: Pictures of the data set, and what is drawn of each.
PICTURES, DRAWS = 4, 3
#: Where problems stand in the request, and in that of a training.
_WHERE, _WHERE_OF_SETTINGS = "operations", "settings.augmentation"


@dataclass(frozen=True)
class PreviewedPicture:
    """PNGs as base64."""

    original: str
    drawn: Sequence[str]


def check_operations(operations: Sequence[Mapping[str, Any]]) -> None:
    """As for a training. Raises RequestInvalid."""
    try:
        settings.check_settings({"augmentation": list(operations)})
    except RequestInvalid as error:
        raise RequestInvalid([(_told(where), what) for where, what in error.problems]) from None


def preview(
    children: Children,
    datasets: DatasetLibrary,
    workplace: Workplace,
    dataset_id: int,
    operations: Sequence[Mapping[str, Any]],
    seed: int,
) -> Sequence[PreviewedPicture]:
    """`operations` are checked. Equal seeds give equal pictures.

    Raises RequestInvalid, NotFound, StateConflict for an empty data set, ContentRefused, TooManyWaiting, OSError.
    """
    shelves = dict.fromkeys(settings.shelves_of({"augmentation": list(operations)}))
    for shelf_id in dict.fromkeys(shelf_id for _, shelf_id in shelves):
        workplace.write_shelf(datasets, shelf_id)
    folders = {shelf: workplace.shelf(shelf[1]) for shelf in shelves}
    order = {
        "pictures": _some_pictures(datasets, dataset_id, seed),
        "class_names": datasets.get(dataset_id).class_names,
        "operations": [settings.with_folders(entry, folders) for entry in operations],
        "draws": DRAWS,
        "seed": seed,
    }
    workplace.check_cfg.write_text(json.dumps(order), encoding="utf-8")
    finished = children.run(["augment-preview", str(workplace.check_cfg)], LONGEST_SECONDS)
    if finished.status == TIMED_OUT:
        raise ContentRefused("preview_failed", f"nothing was drawn within {LONGEST_SECONDS:g} seconds")
    return _pictures_in(finished)


def _pictures_in(finished: Finished) -> Sequence[PreviewedPicture]:
    try:
        found = json.loads(finished.printed) if finished.status in (0, 2) else {}
        problems = [(f"{_WHERE}.{problem['key']}", problem["message"]) for problem in found.get("problems", ())]
        pictures = [PreviewedPicture(**picture) for picture in found["pictures"]] if not problems else []
    except (ValueError, KeyError, TypeError, AttributeError):
        logger.error("a preview failed (status %d): %s", finished.status, finished.complained[-2000:])
        raise ContentRefused("preview_failed", "nothing could be drawn with these operations") from None
    if problems:
        raise RequestInvalid(problems)
    return pictures


def _some_pictures(datasets: DatasetLibrary, dataset_id: int, seed: int) -> list[dict[str, Any]]:
    """With what is true of them; of those alone where that is known."""
    dataset, known = datasets.get(dataset_id), Chosen(annotated=True)
    count = datasets.annotations.count(dataset)
    if not count:
        raise StateConflict("dataset_empty", f"the data set {dataset.name!r} has no items that say what is on them")
    found = []
    places = Random(seed).sample(range(count), min(PICTURES, count))  # noqa: S311  no secret comes of it
    for place in sorted(places):
        items, _ = datasets.items(dataset_id, known, 1, place)
        for item in items:  # none: somebody is just deleting them
            try:
                found.append({"file": str(datasets.picture(item).resolve()), **_truth_of(datasets, item)})
            except NotFound:
                continue
    return found


def _truth_of(datasets: DatasetLibrary, item: DatasetItem) -> dict[str, Any]:
    """Raises NotFound for a mask that is gone."""
    if item.mask_file:
        return {"mask": str(datasets.annotations.mask(item).resolve())}
    boxes = datasets.annotations.boxes_of(item)
    return {"class_name": item.label} if boxes is None else {"boxes": [vars(box) for box in boxes]}


def _told(where: str) -> str:
    if where == "settings":  # nested too deeply
        return _WHERE
    return where.replace(_WHERE_OF_SETTINGS, _WHERE, 1)
