"""Data sets for tests of the studio's pages, made straight in the server's library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from PIL import Image
from playwright.sync_api import expect

from deep_predictor.datasets.annotations import ItemBox
from deep_predictor.datasets.folders import MASKS, new_file_name
from deep_predictor.db.dataset_records import DatasetItem, NewItem
from test.web.browser_fixtures import HOSTILE_NAME, STEP_MILLISECONDS
from test.web.management.training_sites import drawn
from test.web.studio.site import Studio

# Imports and the doctor are processes of their own: where many tests run at once, each takes its time.
expect.set_options(timeout=STEP_MILLISECONDS)
_NUMBERS = count(1)
LARGE = 50_000
#: A class and the edges of its box in pixels: left, top, right, bottom.
Edges = tuple[str, float, float, float, float]


def new_set(studio: Studio, labels: dict[str, int] | None = None, name: str = "") -> int:
    """A data set of so many different small pictures of each label; its number."""
    datasets = studio.management.datasets
    dataset = datasets.create(name or f"set {next(_NUMBERS)}")
    for label, pictures in (labels or {}).items():
        for number in range(pictures):
            datasets.add_item(dataset.id, drawn(next(_NUMBERS), 40), label, original_name=f"{label} {number}.png")
    return dataset.id


def box_set(studio: Studio, pictures: int, class_names: Sequence[str] = ("cat", "dog"), side: int = 100) -> int:
    """A data set of boxes, of so many square pictures that nobody has looked at."""
    datasets = studio.management.datasets
    dataset = datasets.create(f"boxes {next(_NUMBERS)}", task="detection", class_names=class_names)
    for number in range(pictures):
        datasets.add_item(dataset.id, drawn(next(_NUMBERS), side), "", original_name=f"picture {number}.png")
    return dataset.id


def mask_set(studio: Studio) -> int:
    """A data set of masks: a picture whose left half is a leaf, and one without a mask."""
    datasets = studio.management.datasets
    dataset = datasets.create(f"masks {next(_NUMBERS)}", task="segmentation", class_names=("background", "leaf"))
    name = new_file_name("png").replace("pictures/", MASKS)
    path = datasets._folders.mask(dataset.id, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = Image.new("P", (40, 40), 0)
    mask.putpalette([0, 0, 0, 255, 0, 0])
    mask.paste(1, (0, 0, 20, 40))
    mask.save(path)
    file_name = datasets._folders.write_picture(dataset.id, drawn(next(_NUMBERS), 40), "png")
    bare = NewItem("", "", file_name, "leaf.png", source="", sha256="0" * 64, width=40, height=40, size=500)
    datasets._rows.add_items(dataset.id, [replace(bare, mask_file=name, class_pixels={0: 800, 1: 800})])
    datasets.add_item(dataset.id, drawn(next(_NUMBERS), 40), "", original_name="bare.png")
    return dataset.id


def boxes_in(studio: Studio, dataset_id: int) -> list[list[Edges] | None]:
    """Of each picture its class names and edges in pixels: class, left, top, right, bottom; None: not looked at."""
    found: list[list[Edges] | None] = []
    for item in items_in(studio, dataset_id):
        boxes = studio.management.datasets.annotations.boxes_of(item)
        found.append(None if boxes is None else [_edges(box, item.width, item.height) for box in boxes])
    return found


def items_in(studio: Studio, dataset_id: int) -> list[DatasetItem]:
    return studio.management.datasets._rows.items_after(dataset_id, 0, 1000)


def _edges(box: ItemBox, width: int, height: int) -> Edges:
    corners = (box.cx - box.w / 2) * width, (box.cy - box.h / 2) * height
    far = (box.cx + box.w / 2) * width, (box.cy + box.h / 2) * height
    left, top, right, bottom = (round(value, 6) for value in (*corners, *far))
    return box.class_name, left, top, right, bottom


def hostile_set(studio: Studio) -> int:
    """Its name, a label and the name of a file are HTML that would change the page's title."""
    datasets = studio.management.datasets
    dataset = datasets.create(f"{HOSTILE_NAME} {next(_NUMBERS)}")
    datasets.add_item(dataset.id, drawn(next(_NUMBERS), 40), HOSTILE_NAME, original_name=f"{HOSTILE_NAME}.png")
    return dataset.id


def large_set(studio: Studio) -> int:
    """Of 50,000 items, which all show one picture."""
    datasets = studio.management.datasets
    dataset = datasets.create(f"large {next(_NUMBERS)}")
    name = datasets._folders.write_picture(dataset.id, drawn(1, 160), "png")
    values = {"file_name": name, "source": "", "sha256": "0" * 64, "width": 160, "height": 160, "size": 500}
    splits = ("train", "train", "val", "")
    for start in range(0, LARGE, 5000):
        items = [
            NewItem(label=f"label {n % 10}", split=splits[n % 4], original_name=f"{n}.png", **values)  # type: ignore[arg-type]
            for n in range(start, start + 5000)
        ]
        datasets._rows.add_items(dataset.id, items)
    return dataset.id


def labels_of(studio: Studio, dataset_id: int) -> dict[str, int]:
    """Label -> items."""
    counts: dict[str, int] = {}
    for (label, _), items in studio.management.datasets._rows.counts(dataset_id).items():
        counts[label] = counts.get(label, 0) + items
    return counts
