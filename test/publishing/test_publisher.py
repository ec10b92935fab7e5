"""Publishing, rolling back, unpublishing: with requests all the while, and with a server that stops in between."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.errors import DatabaseBusy, NameTaken, NotFound, StateConflict, UnknownPredictor
from deep_predictor.publishing import publisher as publisher_module
from test import fakes
from test.app_builder import PRODUCTION_KEY
from test.fakes import picture
from test.publishing.models import WAIT_SECONDS, Server, serving


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("publishing")) as server:
        yield server


@pytest.fixture
def server(one_server: Server) -> Iterator[Server]:
    """Nothing is published when a test begins."""
    with blocking():
        yield one_server
    for one in one_server.library.publisher.published():
        one_server.library.publisher.unpublish(one.environment, one.predictor_name, None)
    assert one_server.is_clear()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """For tests that stop it, and start it again."""
    with serving(tmp_path) as server, blocking():
        yield server


@contextmanager
def blocking() -> Iterator[None]:
    """Inside the block what hangs hangs, and what blocks blocks, until a test lets it go."""
    fakes.release_loading.clear()
    fakes.release_hanging.clear()
    try:
        yield
    finally:
        fakes.release_loading.set()
        fakes.release_hanging.set()


def served(server: Server) -> list[tuple[str, str]]:
    """(environment, predictor) of all that is published."""
    return [(one.environment, one.predictor_name) for one in server.library.publisher.published()]


def test_published_model_answers_is_listed_and_keeps_its_pictures_by_name(server: Server) -> None:
    model = server.add_model("apple")
    server.publish(model)
    assert server.answer() == "apple"
    assert [entry.name for entry in server.production.entries] == ["cfg's", "fruit"]
    pictures = server.folder / "library" / "pictures" / "production" / "fruit" / "apple"
    assert len(list(pictures.iterdir())) == 1
    server.publish(server.add_model("pear"))
    assert server.answer() == "pear"
    assert sorted(path.name for path in pictures.parent.iterdir()) == ["apple", "pear"]
    assert server.is_clear()


def test_test_environment_has_its_own_names(server: Server) -> None:
    server.publish(server.add_model(), environment="test")
    assert "fruit" in server.application.test.predictors
    with pytest.raises(UnknownPredictor):
        server.upload()


def test_rollback_goes_back_step_by_step(server: Server) -> None:
    publisher = server.library.publisher
    for class_name in ("one", "two", "three"):
        server.publish(server.add_model(class_name))
    answers = [server.answer()]
    for _ in range(2):
        publisher.roll_back("production", "fruit", None)
        answers.append(server.answer())
    assert answers == ["three", "two", "one"]
    with pytest.raises(StateConflict) as raised:
        publisher.roll_back("production", "fruit", None)
    assert raised.value.code == "nothing_before"
    assert server.answer() == "one"


def test_rollback_leaves_out_a_model_that_was_deleted(server: Server) -> None:
    first, second = server.add_model("one"), server.add_model("two")
    for model in (first, second, server.add_model("three")):
        server.publish(model)
    server.library.delete(second.id)
    server.library.publisher.roll_back("production", "fruit", None)
    assert server.answer() == "one"


def test_unpublished_name_is_unknown_what_waited_ends_and_it_can_be_published_again(server: Server) -> None:
    model = server.add_model("apple")
    server.publish(model)
    waiting = [server.upload(fault="hang"), server.upload()]
    server.library.publisher.unpublish("production", "fruit", None)
    with pytest.raises(UnknownPredictor):
        server.upload()
    with pytest.raises(NotFound):
        server.library.publisher.unpublish("production", "fruit", None)
    with pytest.raises(NotFound):
        server.library.publisher.roll_back("production", "fruit", None)
    fakes.release_hanging.set()
    assert all(job.wait(WAIT_SECONDS) for job in waiting)
    assert server.is_clear()
    server.publish(model)
    assert server.answer() == "apple"


@pytest.mark.parametrize(
    ("options", "code"), [({"load_fault": "not ready"}, "model_missing"), ({"load_fault": "raise"}, "load_failed")]
)
def test_model_that_cannot_become_ready_changes_nothing(server: Server, options: dict[str, Any], code: str) -> None:
    server.publish(server.add_model("apple"))
    with pytest.raises(StateConflict) as raised:
        server.publish(server.add_model("broken", **options))
    assert raised.value.code == code
    assert str(server.folder) not in str(raised.value)
    assert server.answer() == "apple"
    assert served(server) == [("production", "fruit")]
    assert server.is_clear()


def test_model_folder_that_is_gone_changes_nothing(server: Server) -> None:
    model = server.add_model("apple")
    (server.library.folders.of(model) / "predictor.cfg").unlink()
    with pytest.raises(StateConflict) as raised:
        server.publish(model)
    assert raised.value.code == "config"
    assert served(server) == []


def test_load_that_takes_too_long_changes_nothing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "PUBLISH_SECONDS", 0.05)
    with pytest.raises(StateConflict) as raised:
        server.publish(server.add_model("slow", load_fault="block"))
    assert raised.value.code == "load_timed_out"
    assert served(server) == []
    fakes.release_loading.set()
    assert server.is_clear()


def test_publish_while_another_one_takes_its_time_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "PATIENCE_SECONDS", 0.05)
    model = server.add_model()
    with server.library.publisher.held(), pytest.raises(StateConflict) as raised:
        server.publish(model)
    assert raised.value.code == "publishing"


def test_names_of_the_cfg_are_its_own(server: Server) -> None:
    with pytest.raises(NameTaken):
        server.publish(server.add_model(), "cfg's")
    with pytest.raises(NotFound):
        server.library.publisher.unpublish("production", "cfg's", None)
    assert server.answer("cfg's") == "fine"


def test_unknown_environment_model_and_name_are_errors(server: Server) -> None:
    publisher = server.library.publisher
    with pytest.raises(NotFound, match="environment"):
        publisher.publish(server.add_model().id, "staging", "fruit", None)
    with pytest.raises(NotFound, match="model 99"):
        publisher.publish(99, "production", "fruit", None)
    for name in ("nobody", "\0"):
        with pytest.raises(NotFound, match="publication"):
            publisher.find("production", name)


def test_model_that_is_not_ready_is_not_published(server: Server) -> None:
    model = server.add_model()
    server.library._rows.set_refused(model.id, "for a test")
    with pytest.raises(StateConflict) as raised:
        server.publish(model)
    assert raised.value.code == "model_not_ready"


def test_database_that_refuses_the_row_changes_nothing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.publish(server.add_model("apple"))
    model = server.add_model("pear")

    def refuse(*arguments: object) -> None:
        raise DatabaseBusy("a test")

    monkeypatch.setattr(server.library._rows, "publish", refuse)
    with pytest.raises(DatabaseBusy):
        server.publish(model)
    with pytest.raises(DatabaseBusy):
        server.library.publisher.unpublish("production", "fruit", None)
    assert server.answer() == "apple"
    assert server.is_clear()


def test_next_start_serves_what_the_rows_say_and_takes_up_what_waits(own_server: Server) -> None:
    server = own_server
    server.publish(server.add_model("apple"))
    server.publish(server.add_model("other"), "gone")
    server.library.publisher.unpublish("production", "gone", None)
    server.upload(fault="hang")
    waiting = server.upload()
    newer = server.add_model("pear")
    server.library._rows.publish("production", "fruit", newer.id, None)  # and the server ends before the swap
    server.stop()
    fakes.release_hanging.set()
    server.start()
    assert [entry.name for entry in server.production.entries] == ["cfg's", "fruit"]
    assert server.answer() == "pear"
    assert server.production.drain(WAIT_SECONDS)
    record = server.production.rows.get(waiting.prediction_id)
    assert (record.status, record.items[0]["class_name"]) == (200, "pear")


def test_next_start_lists_a_broken_model_as_failed(own_server: Server) -> None:
    server = own_server
    model = server.add_model("apple")
    server.publish(model)
    server.stop()
    (server.library.folders.of(model) / "predictor.cfg").unlink()
    server.start()
    predictor = server.production.predictors["fruit"]
    assert (predictor.state, predictor.reason_code) == ("failed", "config")
    (publication,) = server.library.publisher.published()
    assert server.library.publisher.state_of(publication) == "failed"
    server.publish(server.add_model("pear"))
    assert server.answer() == "pear"


def test_name_that_the_cfg_has_later_is_the_cfgs(own_server: Server) -> None:
    server = own_server
    server.publish(server.add_model("apple"))
    server.library._rows.publish("production", "cfg's", server.add_model("thief").id, None)
    server.stop()
    server.start()
    assert server.answer("cfg's") == "fine"
    publication = server.library.publisher.find("production", "cfg's")
    assert server.library.publisher.state_of(publication) is None
    server.library.publisher.unpublish("production", "cfg's", None)
    assert server.answer("cfg's") == "fine"


def test_publication_whose_model_is_gone_is_not_served(own_server: Server) -> None:
    server = own_server
    server.library._rows.publish("production", "lost", 99, None)
    server.stop()
    server.start()
    assert "lost" not in server.production.predictors


def test_stop_while_a_model_loads_refuses_the_publishing(own_server: Server) -> None:
    server = own_server
    model = server.add_model("slow", load_fault="block")
    refused: list[str] = []

    def publish() -> None:
        try:
            server.publish(model)
        except StateConflict as error:
            refused.append(error.code)

    thread = threading.Thread(target=publish)
    thread.start()
    server.application.close(0.1)
    thread.join(WAIT_SECONDS)
    fakes.release_loading.set()
    assert refused == ["stopping"]
    server.start()
    assert "fruit" not in server.production.predictors


@pytest.mark.slow
def test_thousand_requests_during_twenty_publishes_and_rollbacks_all_succeed(server: Server) -> None:
    """Stored ones and passing ones, raw ones and forms, so that both ways through the web room are gone."""
    apple, pear = (server.add_model(name, queue_size=1000) for name in ("apple", "pear"))
    server.publish(apple)
    answers: list[tuple[int, int, str]] = []
    errors: list[BaseException] = []
    asked = threading.Semaphore(0)

    def ask(number: int) -> None:
        client = server.app.test_client()
        try:
            for turn in range(50):
                asked.release()
                response = client.post("/api/v1/predict", **request_of(number + turn))
                answer = response.get_json()
                answers.append((response.status_code, answer["prediction_status"], answer["results"]))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        for _ in range(48):  # so that the swaps fall among the requests
            assert asked.acquire(timeout=WAIT_SECONDS)
        server.publish(pear)
        server.library.publisher.roll_back("production", "fruit", None)
    for thread in threads:
        thread.join(60)
    assert not errors
    assert len(answers) == 1000
    assert set(answers) == {(200, 200, "apple"), (200, 200, "pear")}
    assert server.is_clear()
    assert len(server.production.jobs) == 0
    assert server.production.rows.unfinished() == []


def request_of(number: int) -> dict[str, Any]:
    """Every kind of request in turn."""
    fields = {"model_name": "fruit", "store": str(number % 3 // 2)}
    headers = {"X-API-Key": PRODUCTION_KEY}
    if number % 2:
        return {"query_string": fields, "data": picture(), "content_type": "image/png", "headers": headers}
    return {"data": {**fields, "image": (io.BytesIO(picture()), "a.png")}, "headers": headers}


def test_record_of_a_model_is_what_was_published(server: Server) -> None:
    model = server.add_model()
    publication = server.library.publisher.publish(model.id, "production", "fruit", 5)
    assert replace(publication, id=0, published_at=0.0) == replace(
        server.library.publisher.find("production", "fruit"), id=0, published_at=0.0
    )
    assert (publication.model_id, publication.published_by) == (model.id, 5)
