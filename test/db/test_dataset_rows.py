"""What can be asked of and done to data sets and their items; a large set is found by its indices."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, text

from deep_predictor.db.dataset_records import Chosen, NewItem
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.db.item_statements import CHUNK
from deep_predictor.db.setup import engine_for
from deep_predictor.errors import DatabaseBusy, NameTaken, NotFound
from test.db.databases import connected
from test.db.test_concurrency import at_once, locked

LARGE = 50_000
LABELS = 10
LONGEST_SECONDS = 0.1


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[DatasetRows]:
    with connected(tmp_path, busy_timeout_seconds=2) as app:
        yield DatasetRows(engine_for(app, "production"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DatasetRows, int]]:
    """One data set of 50,000 items beside a small one."""
    with connected(tmp_path_factory.mktemp("large")) as app:
        rows = DatasetRows(engine_for(app, "production"))
        small, dataset = rows.insert("small", None), rows.insert("large", None)
        rows.add_items(small.id, [new_item(1)])
        splits = ("train", "train", "val", "")
        rows.add_items(
            dataset.id,
            [
                new_item(n, label=f"label {n % LABELS}", split=splits[n % len(splits)], import_key=f"job:1:{n}")
                for n in range(LARGE)
            ],
        )
        yield rows, dataset.id


def new_item(number: int, **changes: Any) -> NewItem:
    values: dict[str, Any] = {
        **{"label": "cat", "split": "", "file_name": f"pictures/{number}.png", "original_name": "猫.png"},
        **{"source": "", "sha256": f"{number:064x}", "width": 8, "height": 6, "size": 100},
    }
    return NewItem(**(values | changes))


def added(rows: DatasetRows, dataset_id: int, items: list[NewItem]) -> list[int]:
    """The ids of all items afterwards."""
    rows.add_items(dataset_id, items)
    return [item.id for item in rows.items_after(dataset_id, 0, 10_000)]


def test_dataset_is_found_by_its_id_and_name(rows: DatasetRows) -> None:
    pets = rows.insert("ペット", 7)
    assert rows.get(pets.id) == pets
    assert rows.find_by_name("ペット") == pets
    assert rows.find_by_name("pets") is None
    assert (pets.created_by, pets.version) == (7, 1)
    assert pets.created_at == pets.changed_at
    with pytest.raises(NameTaken, match="ペット"):
        rows.insert("ペット", None)
    with pytest.raises(NotFound, match="99"):
        rows.get(99)


def test_two_inserts_of_one_name_at_once_one_wins(rows: DatasetRows) -> None:
    def insert(_: int) -> bool:
        try:
            rows.insert("pets", None)
        except NameTaken:
            return False
        return True

    assert sorted(map(bool, at_once(6, insert))) == [False] * 5 + [True]


def test_rename_of_a_dataset_keeps_names_unique(rows: DatasetRows) -> None:
    one, other = rows.insert("one", None), rows.insert("other", None)
    assert rows.rename(one.id, "first").name == "first"
    with pytest.raises(NameTaken):
        rows.rename(other.id, "first")
    with pytest.raises(NotFound):
        rows.rename(99, "x")
    assert [dataset.name for dataset in rows.page(1, 1)[0]] == ["other"]
    assert rows.page(10, 0)[1] == 2


def test_items_are_listed_by_label_and_split_oldest_first(rows: DatasetRows) -> None:
    dataset = rows.insert("pets", None)
    items = [new_item(n, label=("cat", "dog")[n % 2], split=("train", "", "test")[n % 3]) for n in range(12)]
    ids = added(rows, dataset.id, items)
    assert rows.get(dataset.id).version == 2

    def listed(**chosen: Any) -> list[int]:
        found, count = rows.items(dataset.id, Chosen(**chosen), 100, 0)
        assert count == len(found)
        return [int(item.sha256, 16) for item in found]

    assert listed() == list(range(12))
    assert listed(label="dog") == [1, 3, 5, 7, 9, 11]
    assert listed(split="") == [1, 4, 7, 10]
    assert listed(label="dog", split="test") == [5, 11]
    page, count = rows.items(dataset.id, Chosen(label="dog"), 2, 3)
    assert ([item.id for item in page], count) == ([ids[7], ids[9]], 6)
    assert rows.counts(dataset.id)[("cat", "train")] == 2
    assert [item.id for item in rows.items_after(dataset.id, ids[9], 10)] == ids[10:]
    assert rows.get_item(dataset.id, ids[0]).original_name == "猫.png"


def test_item_of_another_dataset_is_not_found(rows: DatasetRows) -> None:
    one, other = rows.insert("one", None), rows.insert("other", None)
    item_id = rows.add_item(one.id, new_item(1)).id
    with pytest.raises(NotFound, match="item"):
        rows.get_item(other.id, item_id)
    assert rows.change_items(other.id, Chosen([item_id]), label="mine") == 0
    assert rows.delete_items(other.id, Chosen([item_id])) == []
    assert rows.get_item(one.id, item_id).label == "cat"


def test_items_are_changed_and_deleted_by_ids_and_by_label(rows: DatasetRows) -> None:
    dataset = rows.insert("pets", None)
    ids = added(rows, dataset.id, [new_item(n, label=f"{n % 2}") for n in range(CHUNK * 2 + 1)])
    assert rows.change_items(dataset.id, Chosen(ids), split="test") == len(ids)
    assert rows.change_items(dataset.id, Chosen(label="1"), label="../../x") == CHUNK
    assert rows.counts(dataset.id) == {("../../x", "test"): CHUNK, ("0", "test"): CHUNK + 1}
    assert rows.delete_items(dataset.id, Chosen(ids[:3])) == [f"pictures/{n}.png" for n in range(3)]
    assert len(rows.delete_items(dataset.id, Chosen(label="../../x"))) == CHUNK - 1
    assert rows.change_items(dataset.id, Chosen([]), label="x") == 0
    assert rows.get(dataset.id).version == 7


def test_item_of_one_import_key_is_there_once(rows: DatasetRows) -> None:
    dataset = rows.insert("pets", None)
    first = added(rows, dataset.id, [new_item(n, import_key=f"job:1:{n}") for n in range(3)])
    again = added(rows, dataset.id, [new_item(n, import_key=f"job:1:{n}") for n in range(5)])
    assert (len(again), again[:3]) == (5, first)
    assert rows.find_by_import("job:1:0") == rows.get(dataset.id)
    assert rows.find_by_import("job:2:0") is None


def test_deleted_dataset_takes_its_items_with_it_and_gets_none(rows: DatasetRows) -> None:
    dataset, other = rows.insert("pets", None), rows.insert("other", None)
    rows.add_items(dataset.id, [new_item(1)])
    rows.add_items(other.id, [new_item(2)])
    rows.delete(dataset.id)
    assert rows.items(dataset.id, Chosen(), 10, 0) == ([], 0)
    assert rows.items(other.id, Chosen(), 10, 0)[1] == 1
    for change in (
        lambda: rows.delete(dataset.id),
        lambda: rows.add_items(dataset.id, [new_item(3)]),
        lambda: rows.add_item(dataset.id, new_item(3)),
        lambda: rows.change_items(dataset.id, Chosen(), label="x"),
        lambda: rows.delete_items(dataset.id, Chosen()),
    ):
        with pytest.raises(NotFound, match="dataset"):
            change()


def test_number_of_a_deleted_dataset_or_item_is_never_given_again(rows: DatasetRows) -> None:
    """Jobs, models and tokens name rows by their numbers: another one must not come to be meant."""
    rows.insert("first", None)
    deleted = rows.insert("second", None)
    item = rows.add_item(deleted.id, new_item(1))
    rows.delete(deleted.id)

    later = rows.insert("third", None)

    assert later.id > deleted.id
    assert rows.add_item(later.id, new_item(2)).id > item.id


def test_many_writers_at_once_lose_nothing(rows: DatasetRows) -> None:
    dataset = rows.insert("pets", None)
    at_once(8, lambda n: rows.add_items(dataset.id, [new_item(n * 100 + k) for k in range(20)]))
    assert rows.counts(dataset.id) == {("cat", ""): 160}
    assert rows.get(dataset.id).version == 9


def test_locked_database_is_busy(tmp_path: Path) -> None:
    with connected(tmp_path, busy_timeout_seconds=0.1) as app:
        rows = DatasetRows(engine_for(app, "production"))
        with locked(tmp_path / "production.db"), pytest.raises(DatabaseBusy):
            rows.insert("pets", None)


@pytest.mark.parametrize(
    ("chosen", "index"),
    [
        (Chosen(), "ix_dataset_items_(dataset|annotated)"),
        (Chosen(annotated=False), "ix_dataset_items_annotated"),
        (Chosen(label="label 3"), "ix_dataset_items_label"),
        (Chosen(split="val"), "ix_dataset_items_split"),
        (Chosen(label="label 3", split="val"), "ix_dataset_items_(label|split)"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_page_of_a_large_dataset_is_found_by_an_index_without_sorting(
    large: tuple[DatasetRows, int], chosen: Chosen, index: str
) -> None:
    rows, dataset_id = large
    for statement in (rows.statements.page(dataset_id, chosen, 50, 4000), rows.statements.count(dataset_id, chosen)):
        plan = plan_of(rows, statement)
        assert len(plan) == 1, plan
        found = plan[0].partition(" USING ")[2].removeprefix("COVERING ").split()[1]
        assert re.fullmatch(index, found), plan
    assert "TEMP B-TREE" not in " ".join(plan_of(rows, rows.statements.page(dataset_id, chosen, 50, 4000)))


def plan_of(rows: DatasetRows, statement: Select[Any]) -> list[str]:
    with rows.engine.connect() as connection:
        compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
        return [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]


@pytest.mark.alone
@pytest.mark.parametrize("chosen", [Chosen(), Chosen(label="label 3")], ids=lambda chosen: str(chosen)[:60])
def test_last_page_of_a_large_dataset_takes_a_moment(large: tuple[DatasetRows, int], chosen: Chosen) -> None:
    rows, dataset_id = large
    count = rows.items(dataset_id, chosen, 1, 0)[1]
    took = []
    for _ in range(5):
        began = time.perf_counter()
        items, _ = rows.items(dataset_id, chosen, 50, count - 50)
        took.append(time.perf_counter() - began)
        assert len(items) == 50
    assert sorted(took)[2] < LONGEST_SECONDS, took
