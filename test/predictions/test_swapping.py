"""One predictor takes the place of another: nothing that was accepted is lost, and no engine stays open for nothing."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.base import EngineLoader
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.engines.base import Engine, RunSettings
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.environment import Application, Environment
from deep_predictor.errors import DatabaseBusy, ImageUnreadable, QueueFull, UnknownPredictor
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.predictions.cancelling import delete_prediction
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.predictor import Predictor
from deep_predictor.predictions.submitting import Upload, submit_picture, submit_upload
from test import fakes
from test.app_builder import build_app, fault_predictor, write_config, write_predictor
from test.fakes import FaultBackend, picture, register_fault_backend
from test.server_process import new_id

WAIT_SECONDS = 20.0


class CountingEngine(Engine):
    """Runs nothing; every open one is known."""

    opened: list[CountingEngine] = []  # noqa: RUF012
    name = "counting"
    package, distributions = "numpy", ("numpy",)
    input_shape, output_shape = (None, 8, 8, 3), (1,)

    def __init__(self) -> None:
        self.settings = RunSettings()
        self.is_open = True
        self.opened.append(self)

    @classmethod
    def _start(cls) -> None:
        """There is nothing to start."""

    def run(self, batch: np.ndarray) -> np.ndarray:
        assert self.is_open, "a closed engine is asked"
        return batch

    def close(self) -> None:
        self.is_open = False


class Server:
    """An application, and predictors that can be put in the place of one another."""

    def __init__(self, application: Application, folder: Path) -> None:
        self.application, self.folder = application, folder

    @property
    def environment(self) -> Environment:
        return self.application.production

    def new(self, name: str = "fault", **options: Any) -> Predictor:
        path = write_predictor(self.folder, f"{name}-{new_id()}", fault_predictor(**options))
        load = lambda: load_predictor_config(path, self.folder)  # noqa: E731
        return Predictor(name, load, self.application.run_gate, self.application.stopping)

    def publish(self, predictor: Predictor) -> Predictor:
        assert self.application.registry.load_now(predictor, WAIT_SECONDS)
        earlier = self.environment.serve(predictor)
        if earlier:
            self.application.registry.retire(earlier)
        return predictor

    def unpublish(self, name: str = "fault") -> None:
        predictor = self.environment.withdraw(name)
        assert predictor
        self.application.registry.retire(predictor)

    def upload(self, fault: str = "none", store: bool = True, name: str = "fault") -> Job:
        return submit_upload(self.environment, Upload(name, new_id(), "a.png", picture(fault), store))

    def answer_of(self, job: Job) -> tuple[int, str | None]:
        assert job.wait(WAIT_SECONDS)
        assert job.outcome
        return int(job.outcome.status), job.outcome.items[0].class_name if job.outcome.items else None


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    register_fault_backend()
    app = build_app(write_config(folder, {"fault": fault_predictor(class_name="first")}))
    server = Server(app.extensions["deep_predictor"], folder)
    try:
        yield server
    finally:
        server.application.close()


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


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("swapping")) as server:
        yield server


@pytest.fixture
def server(one_server: Server) -> Iterator[Server]:
    """Serves nothing but `fault`, whose class is `first`."""
    for name in one_server.environment.predictors:
        one_server.unpublish(name)
    one_server.publish(one_server.new(class_name="first"))
    assert gone(one_server)
    with blocking():
        yield one_server
    assert gone(one_server)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch, server: Server) -> list[CountingEngine]:
    return counted_engines(monkeypatch, server)


def counted_engines(monkeypatch: pytest.MonkeyPatch, server: Server) -> list[CountingEngine]:
    """From now on the predictors of FaultBackend ask for an engine; equal ones for the same."""

    def load(self: FaultBackend, load_engine: EngineLoader) -> None:
        self.request = NetworkRequest(Path(self.options.class_name), InputSpec(8, 8))
        self.engine = load_engine(self.request)
        original(self, load_engine)

    CountingEngine.opened = []
    original = FaultBackend.load
    monkeypatch.setattr(FaultBackend, "load", load)
    monkeypatch.setattr(server.application.registry._room, "open", lambda request: CountingEngine())
    return CountingEngine.opened


def gone(server: Server) -> bool:
    return server.application.registry.wait_until_retired(WAIT_SECONDS)


def in_thread(action: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def test_new_predictor_answers_and_the_old_one_ends_what_it_accepted(server: Server) -> None:
    hanging, waiting = server.upload("hang"), server.upload()
    server.publish(server.new(class_name="second"))
    assert server.answer_of(server.upload()) == (200, "second")
    assert waiting.outcome is None
    fakes.release_hanging.set()
    assert server.answer_of(hanging) == (200, "first")
    assert server.answer_of(waiting) == (200, "first")
    assert gone(server)


def test_threads_of_a_replaced_predictor_end(server: Server) -> None:
    server.publish(server.new(workers=3))
    before = threading.active_count()
    for _ in range(3):
        server.publish(server.new(workers=3))
    assert gone(server)
    for _ in range(500):
        if threading.active_count() <= before:
            return
        threading.Event().wait(0.01)
    raise AssertionError([thread.name for thread in threading.enumerate()])


@pytest.mark.parametrize("store", [True, False])
def test_upload_that_found_the_old_predictor_too_late_takes_the_new_one(
    server: Server, store: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = server.environment.get_predictor("fault"), server.new(class_name="second")
    found = [old]
    server.publish(new)
    assert gone(server)
    original = server.environment.get_predictor
    monkeypatch.setattr(server.environment, "get_predictor", lambda name: found.pop() if found else original(name))
    assert server.answer_of(server.upload(store=store)) == (200, "second")
    assert not found


def test_upload_that_holds_a_place_is_ended_by_the_predictor_that_gave_it(server: Server) -> None:
    old = server.environment.get_predictor("fault")
    assert old.queue.reserve()
    server.publish(server.new(class_name="second"))
    assert not old.queue.reserve()
    job = Job(new_id(), old, server.environment)
    job.image_bytes = picture()
    server.environment.jobs.add(job)
    assert old in server.application.registry.at_work()
    old.queue.put(job)
    assert server.answer_of(job) == (200, "first")
    assert gone(server)


def test_unpublished_name_is_unknown_and_what_waited_for_it_ends(server: Server) -> None:
    hanging, waiting = server.upload("hang"), server.upload()
    server.unpublish()
    with pytest.raises(UnknownPredictor):
        server.upload()
    fakes.release_hanging.set()
    assert {server.answer_of(hanging), server.answer_of(waiting)} == {(200, "first")}
    assert [entry.name for entry in server.environment.entries] == []


def test_full_queue_of_a_predictor_in_place_is_still_full(server: Server) -> None:
    loading = server.new(queue_size=1, load_fault="block")
    thread = in_thread(lambda: server.application.registry.load_now(loading, WAIT_SECONDS))
    replaced = server.environment.serve(loading)
    assert replaced
    server.application.registry.retire(replaced)
    accepted = server.upload()
    with pytest.raises(QueueFull):
        server.upload()
    fakes.release_loading.set()
    thread.join(WAIT_SECONDS)
    assert server.answer_of(accepted)[0] == 200


def test_cancelled_prediction_that_cannot_be_deleted_still_ends_after_a_swap(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, waiting = server.upload("hang"), server.upload()
    may_go_on, is_deleting = threading.Event(), threading.Event()

    def delete(prediction_id: str, image_path: str | None) -> bool:
        is_deleting.set()
        assert may_go_on.wait(WAIT_SECONDS)
        raise DatabaseBusy("a test")

    monkeypatch.setattr(server.environment.rows, "delete", delete)
    raised: list[DatabaseBusy] = []

    def cancel() -> None:
        try:
            delete_prediction(server.environment, waiting.prediction_id)
        except DatabaseBusy as error:
            raised.append(error)

    thread = in_thread(cancel)
    assert is_deleting.wait(WAIT_SECONDS)
    server.publish(server.new(class_name="second"))
    fakes.release_hanging.set()
    assert server.answer_of(hanging) == (200, "first")
    assert not server.application.registry.wait_until_retired(0.05), "what was taken out may be put back"
    may_go_on.set()
    thread.join(WAIT_SECONDS)
    assert raised
    assert gone(server)
    assert server.environment.rows.get(waiting.prediction_id).status == 200


def test_stuck_worker_of_a_replaced_predictor_is_given_up_and_its_place_is_cleared(server: Server) -> None:
    server.publish(server.new(timeout_seconds=0.05, class_name="stuck"))
    stuck, waiting = server.upload("hang"), server.upload()
    server.publish(server.new(class_name="second"))
    assert server.answer_of(stuck) == (500, None)
    assert server.answer_of(waiting) == (200, "stuck")
    assert gone(server)


def test_predictor_that_cannot_be_loaded_leaves_everything_as_it_was(server: Server) -> None:
    broken = server.new(load_fault="not ready")
    assert server.application.registry.load_now(broken, WAIT_SECONDS)
    assert (broken.state, broken.reason_code) == ("failed", "model_missing")
    server.application.registry.retire(broken)
    assert gone(server)
    assert server.answer_of(server.upload()) == (200, "first")


def test_load_that_takes_too_long_is_given_up_and_goes_when_it_is_done(
    server: Server, engines: list[CountingEngine]
) -> None:
    slow = server.new(load_fault="block", class_name="slow")
    assert not server.application.registry.load_now(slow, 0.05)
    assert server.application.registry.at_work() >= {slow}
    fakes.release_loading.set()
    assert gone(server)
    assert [engine.is_open for engine in engines] == [False]
    assert server.application.registry.open_engines() == []


def test_engine_is_closed_when_the_last_who_shares_it_is_gone(server: Server, engines: list[CountingEngine]) -> None:
    server.publish(server.new("a", class_name="same"))
    server.publish(server.new("b", class_name="same"))
    assert len(engines) == 1
    server.unpublish("a")
    assert gone(server)
    assert engines[0].is_open
    assert server.answer_of(server.upload(name="b")) == (200, "same")
    server.unpublish("b")
    assert gone(server)
    assert not engines[0].is_open
    assert server.application.registry.open_engines() == []


def test_replaced_predictor_that_still_loads_is_seen_off_after_that(server: Server) -> None:
    loading = server.new(load_fault="block", class_name="late")
    replaced = server.environment.serve(loading)
    assert replaced
    server.application.registry.retire(replaced)
    thread = in_thread(lambda: server.application.registry.load_now(loading, WAIT_SECONDS))
    accepted = server.upload()
    server.publish(server.new(class_name="second"))
    assert server.answer_of(server.upload()) == (200, "second")
    fakes.release_loading.set()
    thread.join(WAIT_SECONDS)
    assert server.answer_of(accepted) == (200, "late")
    assert gone(server)


def test_stop_in_the_middle_of_everything_leaves_no_engine_open_and_rows_to_take_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as server, blocking():
        _stop_in_the_middle(server, counted_engines(monkeypatch, server), monkeypatch)


def _stop_in_the_middle(server: Server, engines: list[CountingEngine], monkeypatch: pytest.MonkeyPatch) -> None:
    server.publish(server.new(class_name="a", timeout_seconds=60, workers=1))
    server.upload("hang")
    waiting = server.upload()
    server.publish(server.new(class_name="b"))
    opening, may_open = threading.Event(), threading.Event()

    def open_slowly(request: NetworkRequest) -> CountingEngine:
        opening.set()
        assert may_open.wait(WAIT_SECONDS)
        return CountingEngine()

    monkeypatch.setattr(server.application.registry._room, "open", open_slowly)
    late = server.new(class_name="c")
    loads: list[bool] = []
    thread = in_thread(lambda: loads.append(server.application.registry.load_now(late, WAIT_SECONDS)))
    assert opening.wait(WAIT_SECONDS)
    server.application.close(0.05)
    may_open.set()
    thread.join(WAIT_SECONDS)
    assert loads == [False]
    assert gone(server)
    assert server.application.registry.wait_until_loaded(WAIT_SECONDS)
    assert len(engines) == 3
    assert not any(engine.is_open for engine in engines)
    assert late.reason_code == "stopping"
    with pytest.raises(QueueFull):
        server.upload()
    assert [row.prediction_id for row in server.environment.rows.unfinished()][-1] == waiting.prediction_id


def test_picture_for_a_predictor_at_hand_is_stored_nowhere(server: Server) -> None:
    hidden = server.new("hidden", class_name="hidden")
    assert server.application.registry.load_now(hidden, WAIT_SECONDS)
    job = submit_picture(server.environment, hidden, picture())
    assert job
    assert server.answer_of(job) == (200, "hidden")
    assert server.environment.rows.find(job.prediction_id) is None
    with pytest.raises(ImageUnreadable):
        submit_picture(server.environment, hidden, b"no picture")
    server.application.registry.retire(hidden)
    assert gone(server)
    assert submit_picture(server.environment, hidden, picture()) is None


def test_lists_hold_what_is_served_now_and_the_cfg_first(server: Server) -> None:
    server.publish(server.new("z"))
    server.publish(server.new("a"))
    server.publish(server.new("z"))
    assert [entry.name for entry in server.environment.entries] == ["fault", "z", "a"]
    assert [server.environment.is_in_cfg(name) for name in ("fault", "z")] == [True, False]


def test_nothing_of_a_replaced_predictor_stays_in_memory(server: Server) -> None:
    server.publish(server.new(class_name="heavy"))
    replaced = weakref.ref(server.environment.get_predictor("fault"))
    assert server.answer_of(server.upload()) == (200, "heavy")
    server.publish(server.new(class_name="second"))
    assert gone(server)
    for _ in range(100):  # the last to hold it is the thread that has just said so
        gc.collect()  # it and its queue know each other
        if replaced() is None:
            return
        threading.Event().wait(0.01)
    raise AssertionError(gc.get_referrers(replaced()))


def test_uploads_during_swaps_all_end_200(server: Server) -> None:
    """Twenty threads upload without a pause; some uploads fall into every moment of a swap."""
    answers: list[tuple[int, str | None]] = []
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(20):
                answers.append(server.answer_of(server.upload(store=len(answers) % 10 == 0)))
        except BaseException as error:
            errors.append(error)

    def swap() -> None:
        for number in range(8):
            server.publish(server.new(class_name=f"version {number}", queue_size=1000))

    server.publish(server.new(class_name="version 0", queue_size=1000))
    swapper, askers = in_thread(swap), [in_thread(ask) for _ in range(20)]
    for thread in askers:
        thread.join(60)
    swapper.join(60)
    assert not errors
    assert len(answers) == 400
    assert {status for status, _ in answers} == {200}
    assert gone(server)
    assert len(server.application.registry.at_work()) == 2, "one production's, one the test environment's"
