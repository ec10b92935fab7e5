"""What can be asked of and done to the rows of models and publications."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deep_predictor.db.model_rows import ModelRows, ModelState, NewModel
from deep_predictor.db.setup import engine_for
from deep_predictor.errors import DatabaseBusy, NotFound, StateConflict
from test.db.databases import connected
from test.db.test_concurrency import at_once, locked


@contextmanager
def model_rows(folder: Path, busy_timeout_seconds: float = 10.0) -> Iterator[ModelRows]:
    with connected(folder, busy_timeout_seconds) as app:
        yield ModelRows(engine_for(app, "production"))


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[ModelRows]:
    with model_rows(tmp_path) as rows:
        yield rows


def add(rows: ModelRows, name: str = "fruit", ready: bool = True, **more: int) -> int:
    model = rows.add(NewModel(name, f"folder of {name}", "trained", **more))
    if ready:
        rows.set_ready(model.id, ["apple", "日本"], {"test": {"accuracy": 0.5}})
    return model.id


def test_add_counts_the_versions_of_each_name(rows: ModelRows) -> None:
    ids = [add(rows, name) for name in ("a", "b", "a", "a")]
    assert [rows.get(model_id).version for model_id in ids] == [1, 1, 2, 3]


def test_add_at_once_gives_every_version_once(rows: ModelRows) -> None:
    at_once(8, lambda _: add(rows))
    _, models = rows.page(50, 0)
    assert sorted(model.version for model in models) == list(range(1, 9))


def test_model_is_checking_until_it_is_decided(rows: ModelRows) -> None:
    ready, refused = add(rows, ready=False), add(rows, ready=False)
    assert [model.id for model in rows.checking()] == [ready, refused]
    rows.set_ready(ready, ["apple", "日本"], {"test": {"accuracy": 0.5}})
    rows.set_refused(refused, "model_unsafe: a Lambda")
    model = rows.get(ready)
    assert (model.state, list(model.class_names), model.metrics) == (
        ModelState.READY,
        ["apple", "日本"],
        {"test": {"accuracy": 0.5}},
    )
    assert (rows.get(refused).state, rows.get(refused).reason) == (ModelState.REFUSED, "model_unsafe: a Lambda")
    assert rows.checking() == []


def test_unknown_model_is_an_error(rows: ModelRows) -> None:
    assert rows.find(7) is None
    with pytest.raises(NotFound, match="no model 7"):
        rows.get(7)
    with pytest.raises(NotFound):
        rows.delete(7)


def test_page_gives_the_newest_first_and_counts_what_was_asked_for(rows: ModelRows) -> None:
    first, second, third = add(rows, dataset_id=1), add(rows, "b"), add(rows, dataset_id=1)
    assert [model.id for model in rows.page(2, 0)[1]] == [third, second]
    assert [model.id for model in rows.page(2, 2)[1]] == [first]
    assert rows.page(1, 0, name="fruit")[0] == 2
    assert [model.id for model in rows.page(9, 0, dataset_id=1)[1]] == [third, first]


def test_newest_of_a_data_set_is_a_ready_one(rows: ModelRows) -> None:
    ready = add(rows, dataset_id=3)
    add(rows, dataset_id=3, ready=False)
    add(rows, dataset_id=4)
    newest = rows.find_newest(3)
    assert newest
    assert newest.id == ready
    assert rows.find_newest(5) is None


def test_job_belongs_to_one_model_the_last_that_was_given_it(rows: ModelRows) -> None:
    first, second = add(rows, job_id=9), add(rows)
    rows.set_job(second, 9)
    found = rows.find_by_job(9)
    assert found
    assert found.id == second
    assert rows.get(first).job_id is None


def test_newest_publication_of_a_name_is_what_is_served(rows: ModelRows) -> None:
    a, b = add(rows, "a"), add(rows, "b")
    rows.publish("production", "x", a, 1)
    rows.publish("test", "x", a, 1)
    rows.publish("production", "x", b, 2)
    rows.publish("production", "y", a, None)
    rows.publish("production", "y", None, None)
    served = [(one.environment, one.predictor_name, one.model_id, one.published_by) for one in rows.publications()]
    assert served == [("test", "x", a, 1), ("production", "x", b, 2)]
    assert [one.model_id for one in rows.history("production", "x")] == [a, b]
    assert [one.model_id for one in rows.history("production", "x", 1)] == [b]


def test_published_model_cannot_be_deleted_another_goes_with_its_history(rows: ModelRows) -> None:
    a, b = add(rows), add(rows)
    rows.publish("production", "x", a, None)
    rows.publish("production", "x", b, None)
    with pytest.raises(StateConflict, match="published as x") as raised:
        rows.delete(b)
    assert raised.value.code == "model_published"
    assert rows.find(b)
    rows.delete(a)
    assert rows.find(a) is None
    assert [one.model_id for one in rows.history("production", "x")] == [b]


def test_locked_database_is_busy(tmp_path: Path) -> None:
    with model_rows(tmp_path, 0.05) as rows:
        model_id = add(rows)
        with locked(tmp_path / "production.db"), pytest.raises(DatabaseBusy):
            rows.publish("production", "x", model_id, None)
        assert rows.publications() == []
