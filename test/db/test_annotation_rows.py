"""Boxes, masks and classes of items in the database, and what an older database gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deep_predictor.db.annotation_rows import AnnotationRows, ClassCount
from deep_predictor.db.dataset_records import Chosen
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.db.item_statements import CHUNK
from deep_predictor.db.setup import engine_for
from deep_predictor.db.stored_boxes import SetClass, StoredBox
from deep_predictor.errors import NotFound, StateConflict
from test.db.databases import connected, write_old_file
from test.db.test_concurrency import at_once
from test.db.test_dataset_rows import new_item

DOG = StoredBox(1, 1 / 3, 0.5, 0.1, 2 / 7, True)
CAT = StoredBox(0, 0.25, 0.25, 0.5, 0.5)


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[DatasetRows]:
    with connected(tmp_path, busy_timeout_seconds=5) as app:
        yield DatasetRows(engine_for(app, "production"))


def test_boxes_keep_all_their_digits(rows: DatasetRows) -> None:
    dataset = rows.insert("boxes", None, "detection", ["cat", "dog"])
    assert dataset.classes == (SetClass(0, "cat"), SetClass(1, "dog"))
    added = rows.add_item(dataset.id, new_item(1, label="", boxes=[DOG, CAT]))
    assert added.boxes == (DOG, CAT)
    assert rows.get_item(dataset.id, added.id) == added
    bare = rows.add_item(dataset.id, new_item(2, label=""))
    assert (bare.boxes, bare.is_annotated) == (None, False)


def test_items_taken_in_twice_are_counted_once(rows: DatasetRows) -> None:
    dataset, annotations = rows.insert("boxes", None, "detection", ["cat", "dog"]), AnnotationRows(rows)
    items = [new_item(n, label="", boxes=[DOG] * (n % 2), import_key=f"job:1:{n}") for n in range(CHUNK + 5)]
    for _ in range(2):
        rows.add_items(dataset.id, items)
    half = (CHUNK + 5) // 2
    assert annotations.class_counts(dataset.id) == {1: ClassCount(half, half)}
    chosen = Chosen(class_number=1)
    assert annotations.count(dataset.id, chosen) == half
    assert annotations.put_no_boxes(dataset.id, Chosen(annotated=True), True) == CHUNK + 5
    assert annotations.count(dataset.id, chosen) == 0


def test_boxes_put_at_once_leave_the_counts_of_one_of_them(rows: DatasetRows) -> None:
    dataset, annotations = rows.insert("boxes", None, "detection", ["cat", "dog"]), AnnotationRows(rows)
    item = rows.add_item(dataset.id, new_item(1, label=""))
    at_once(8, lambda n: annotations.put_boxes(dataset.id, item.id, [DOG] * (n + 1)))
    boxes = rows.get_item(dataset.id, item.id).boxes
    assert boxes is not None
    assert annotations.class_counts(dataset.id) == {1: ClassCount(1, len(boxes))}
    assert rows.get(dataset.id).version == dataset.version + 9


def test_classes_that_are_used_stay_and_those_of_masks_keep_their_places(rows: DatasetRows) -> None:
    dataset, annotations = rows.insert("masks", None, "segmentation", ["sky", "sea", "sun"]), AnnotationRows(rows)
    sky, sea, sun = dataset.classes
    assert annotations.change_classes(dataset.id, lambda now: (now[2], now[0], now[1])).class_names == (
        "sun",
        "sky",
        "sea",
    )
    annotations.change_classes(dataset.id, lambda now: (sky, sea, sun))
    mask = new_item(1, label="", mask_file=f"masks/aa/{'a' * 32}.png", class_pixels={1: 48})
    item = rows.add_item(dataset.id, mask)
    assert annotations.class_counts(dataset.id) == {1: ClassCount(1, 48)}
    with pytest.raises(StateConflict, match="none may move"):
        annotations.change_classes(dataset.id, lambda now: (sea, sky, sun))
    with pytest.raises(StateConflict, match="'sea'"):
        annotations.change_classes(dataset.id, lambda now: (sky,))
    assert annotations.change_classes(dataset.id, lambda now: (sky, sea)).class_names == ("sky", "sea")
    assert rows.delete_items(dataset.id, Chosen([item.id])) == [item.file_name, item.mask_file]
    assert annotations.class_counts(dataset.id) == {}
    for missing in (lambda: annotations.put_boxes(dataset.id, item.id, []), lambda: annotations.put_boxes(99, 1, [])):
        with pytest.raises(NotFound):
            missing()


def test_items_of_an_older_database_have_labels(tmp_path: Path) -> None:
    with connected(tmp_path) as app:
        rows = DatasetRows(engine_for(app, "production"))
        dataset = rows.insert("older", None)
        item = rows.add_item(dataset.id, new_item(1))
    write_old_file(
        tmp_path / "production.db",
        "DROP TABLE dataset_item_classes",
        (),
        "DROP INDEX ix_dataset_items_annotated",
        *(f"ALTER TABLE dataset_items DROP COLUMN {name}" for name in ("is_annotated", "mask_file", "boxes")),
        *(f"ALTER TABLE datasets DROP COLUMN {name}" for name in ("classes", "task")),
        "UPDATE alembic_version SET version_num = '0005'",
    )
    with connected(tmp_path) as app:
        rows = DatasetRows(engine_for(app, "production"))
        found = rows.get(dataset.id)
        assert (found.name, found.task, found.classes) == ("older", "classification", ())
        assert rows.get_item(dataset.id, item.id) == item
        assert item.is_annotated
