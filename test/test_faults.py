"""Every status code, reached by an injected fault; whatever goes wrong, a prediction ends in exactly one of them."""

from __future__ import annotations

import io
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from deep_predictor.environment import Application
from deep_predictor.errors import BackendNotReady, DatabaseBusy
from test import fakes
from test.app_builder import DUMMY, PRODUCTION_KEY, build_app, fault_predictor, write_config
from test.fakes import picture, register_fault_backend
from test.server_process import new_id
from test.web.sites import TRANSPORTS, InProcess, OverSocket, Site

WAIT_SECONDS = 20.0
PREDICTORS: dict[str, dict[str, Any]] = {
    "fault": fault_predictor(timeout_seconds=30),
    "remove": fault_predictor(predicted_image_action="remove"),
    "leave": fault_predictor(predicted_image_action="leave"),
    "impatient": fault_predictor(timeout_seconds=0.2),
    "not ready": fault_predictor(load_fault="not ready"),
    "raises at load": fault_predictor(load_fault="raise"),
    "loading": fault_predictor(load_fault="block", required=0),
    "typo": fault_predictor(tiemout_seconds=3),
    "old tensorflow": {"predictor_backend": "dummy", "options": {**DUMMY["options"], "tensorflow_version": 3}},
    "no such backend": {"predictor_backend": "caffe", "options": {}},
    "small queue": fault_predictor(load_fault="block", queue_size=2),
}


@pytest.fixture(scope="module", params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, transport: str) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[Flask]:
    register_fault_backend()
    fakes.release_loading.clear()
    fakes.release_hanging.clear()
    app = build_app(write_config(folder, PREDICTORS), wait=False)
    yield app
    fakes.release_loading.set()
    fakes.release_hanging.set()
    app.extensions["deep_predictor"].close()


@pytest.fixture
def application(app: Flask) -> Application:
    application: Application = app.extensions["deep_predictor"]
    return application


@pytest.fixture(scope="module")
def client(app: Flask, folder: Path, transport: str) -> Iterator[Site]:
    http = InProcess(app) if transport == "in process" else OverSocket(app)
    yield Site(app, folder, http)
    http.close()


def in_process(app: Flask, folder: Path) -> Site:
    return Site(app, folder, InProcess(app))


def upload(client: Site, model_name: str, image: bytes, prediction_id: str | None = None) -> tuple[int, str]:
    prediction_id = prediction_id or new_id()
    return client.upload({"model_name": model_name, "prediction_id": prediction_id}, image=image).status, prediction_id


def final_answer(client: Site, prediction_id: str) -> dict[str, Any]:
    return client.final(prediction_id)


@pytest.mark.parametrize(
    ("model_name", "fault", "status", "reason_code"),
    [
        ("fault", "none", 200, None),
        ("fault", "raise", 500, "model_raised"),
        ("fault", "system exit", 500, "model_raised"),
        ("impatient", "hang", 500, "timed_out"),
        ("fault", "not finite", 520, "result_invalid"),
        ("fault", "invalid result", 520, "result_invalid"),
        ("fault", "not json", 520, "result_invalid"),
        ("not ready", "none", 550, "model_missing"),
        ("raises at load", "none", 550, "load_failed"),
        ("typo", "none", 550, "config"),
        ("old tensorflow", "none", 560, "tensorflow_version"),
        ("no such backend", "none", 570, "unknown_backend"),
    ],
)
def test_fault_ends_with_its_status_and_no_file_left(
    client: Site, folder: Path, model_name: str, fault: str, status: int, reason_code: str | None
) -> None:
    code, prediction_id = upload(client, model_name, picture(fault))
    assert code == 201
    answer = final_answer(client, prediction_id)
    assert answer["prediction_status"] == status
    assert answer.get("reason_code") == reason_code
    assert isinstance(answer["predictions"], list if status == 200 else str)
    assert isinstance(answer["prediction_time"], int)
    assert not list((folder / "production" / "temp").glob("*.png"))


def test_image_broken_while_it_waits_ends_510(client: Site, application: Application) -> None:
    code, prediction_id = upload(client, "loading", picture())
    job = application.production.jobs.find(prediction_id)
    assert code == 201
    assert job
    assert job.image_path
    job.image_path.write_bytes(b"not a picture any more")
    job.pixels = None
    assert client.get(f"/api?prediction_id={prediction_id}").json["prediction_status"] == 100
    fakes.release_loading.set()
    assert final_answer(client, prediction_id)["prediction_status"] == 510


def test_image_that_cannot_be_moved_ends_530(client: Site, folder: Path) -> None:
    main_folder = folder / "production" / "predictions" / "fault"
    main_folder.mkdir(parents=True, exist_ok=True)
    blocker = main_folder / "fine"
    if blocker.exists():
        for path in blocker.iterdir():
            path.unlink()
        blocker.rmdir()
    blocker.write_text("a file where the class folder should be", encoding="utf-8")
    try:
        _, prediction_id = upload(client, "fault", picture())
        answer = final_answer(client, prediction_id)
    finally:
        blocker.unlink()
    assert answer["prediction_status"] == 530
    assert answer["predictions"] == ""
    assert not list((folder / "production" / "temp").glob("*.png"))


@pytest.mark.parametrize(("model_name", "kept"), [("remove", False), ("leave", True)])
def test_image_action_other_than_save_removes_or_leaves(
    client: Site, folder: Path, application: Application, model_name: str, kept: bool
) -> None:
    _, prediction_id = upload(client, model_name, picture())
    assert final_answer(client, prediction_id)["prediction_status"] == 200
    record = application.production.rows.get(prediction_id)
    left = list((folder / "production" / "temp").glob("[!.]*"))
    assert bool(record.image_path) == kept
    assert len(left) == int(kept)
    for path in left:
        path.unlink()


def test_stuck_workers_are_replaced_twice_then_the_predictor_fails(tmp_path: Path) -> None:
    register_fault_backend()
    fakes.release_hanging.clear()
    app = build_app(write_config(tmp_path, {"impatient": fault_predictor(timeout_seconds=0.2)}))
    try:
        client = in_process(app, tmp_path)
        ids = [upload(client, "impatient", picture("hang"))[1] for _ in range(3)]
        assert [final_answer(client, prediction_id)["prediction_status"] for prediction_id in ids] == [500] * 3
        _, after = upload(client, "impatient", picture())
        assert final_answer(client, after)["prediction_status"] == 550
        assert client.get("/health/ready").status == 503
    finally:
        fakes.release_hanging.set()
        app.extensions["deep_predictor"].close()


def test_late_result_of_a_timed_out_prediction_is_dropped(tmp_path: Path) -> None:
    register_fault_backend()
    fakes.release_hanging.clear()
    app = build_app(write_config(tmp_path, {"impatient": fault_predictor(timeout_seconds=0.2)}))
    try:
        client = in_process(app, tmp_path)
        _, prediction_id = upload(client, "impatient", picture("hang"))
        assert final_answer(client, prediction_id)["prediction_status"] == 500
        fakes.release_hanging.set()
        _, after = upload(client, "impatient", picture())
        assert final_answer(client, after)["prediction_status"] == 200
        assert final_answer(client, prediction_id)["prediction_status"] == 500
    finally:
        app.extensions["deep_predictor"].close()
    assert len(list((tmp_path / "production" / "predictions" / "impatient").rglob("*.png"))) == 1


def test_locked_database_delays_a_final_status_but_does_not_lose_it(tmp_path: Path) -> None:
    register_fault_backend()
    app = build_app(write_config(tmp_path, {"fault": fault_predictor(sleep_seconds=0.3)}))
    try:
        client = in_process(app, tmp_path)
        _, prediction_id = upload(client, "fault", picture())
        with sqlite3.connect(tmp_path / "production" / "predictions.db", isolation_level=None) as locker:
            locker.execute("BEGIN IMMEDIATE")
            threading.Event().wait(1.0)
            assert client.get(f"/api?prediction_id={prediction_id}").json["prediction_status"] == 100
            locker.execute("COMMIT")
        locker.close()
        assert final_answer(client, prediction_id)["prediction_status"] == 200
    finally:
        app.extensions["deep_predictor"].close()


def test_two_uploads_with_one_id_at_once_exactly_one_is_accepted(client: Site, folder: Path) -> None:
    for _ in range(10):
        prediction_id = new_id()
        barrier = threading.Barrier(4)

        def one(_: int, prediction_id: str = prediction_id, barrier: threading.Barrier = barrier) -> int:
            barrier.wait(WAIT_SECONDS)
            return upload(client, "fault", picture(), prediction_id)[0]

        with ThreadPoolExecutor(4) as clients:
            codes = sorted(clients.map(one, range(4)))
        assert codes == [201, 500, 500, 500]
        assert final_answer(client, prediction_id)["prediction_status"] == 200
    assert not list((folder / "production" / "temp").glob("*.png"))


def test_full_queue_answers_503_and_leaves_neither_row_nor_file(tmp_path: Path) -> None:
    register_fault_backend()
    fakes.release_loading.clear()
    predictors = {"small": fault_predictor(load_fault="block", queue_size=2)}
    app = build_app(write_config(tmp_path, predictors), wait=False)
    try:
        client = in_process(app, tmp_path)
        assert [upload(client, "small", picture())[0] for _ in range(2)] == [201, 201]
        refused = new_id()
        response = client.upload({"model_name": "small", "prediction_id": refused})
        assert response.status == 503
        assert int(response.headers["Retry-After"]) >= 1
        assert "The server is busy, please try again" in response.text
        assert client.get(f"/api?prediction_id={refused}").json == {"prediction_status": 0}
        assert len(list((tmp_path / "production" / "temp").glob("*.png"))) == 2
        fakes.release_loading.set()
        assert app.extensions["deep_predictor"].production.drain(WAIT_SECONDS)
    finally:
        fakes.release_loading.set()
        app.extensions["deep_predictor"].close()


def test_stuck_prediction_that_is_deleted_does_not_block_its_predictor(tmp_path: Path) -> None:
    register_fault_backend()
    fakes.release_hanging.clear()
    app = build_app(write_config(tmp_path, {"impatient": fault_predictor(timeout_seconds=0.5)}))
    try:
        client = in_process(app, tmp_path)
        _, stuck = upload(client, "impatient", picture("hang"))
        for _ in range(100):
            if "hang" in fakes.FaultBackend.runs[-1:]:
                break
            threading.Event().wait(0.01)
        deleted = client.request("DELETE", f"/api/v1/predictions/{stuck}", headers={"X-API-Key": PRODUCTION_KEY})
        assert deleted.status == 204
        _, after = upload(client, "impatient", picture())
        assert final_answer(client, after)["prediction_status"] == 200
        assert client.get(f"/api?prediction_id={stuck}").json == {"prediction_status": 0}
    finally:
        fakes.release_hanging.set()
        app.extensions["deep_predictor"].close()


def test_broken_database_ends_the_job_and_leaves_its_worker_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_fault_backend()
    app = build_app(write_config(tmp_path, {"fault": fault_predictor()}))
    try:
        client = in_process(app, tmp_path)
        rows = app.extensions["deep_predictor"].production.rows

        def malformed(prediction_id: str) -> int:
            raise sqlite3.DatabaseError("database disk image is malformed")

        with monkeypatch.context() as broken:
            broken.setattr(rows, "mark_started", malformed)
            _, prediction_id = upload(client, "fault", picture())
            assert final_answer(client, prediction_id)["prediction_status"] == 500
        _, after = upload(client, "fault", picture())
        assert final_answer(client, after)["prediction_status"] == 200
    finally:
        app.extensions["deep_predictor"].close()


def test_pictures_of_a_predictor_that_failed_later_are_still_served(tmp_path: Path) -> None:
    register_fault_backend()
    app = build_app(write_config(tmp_path, {"fault": fault_predictor()}))
    try:
        client = in_process(app, tmp_path)
        _, prediction_id = upload(client, "fault", picture())
        assert final_answer(client, prediction_id)["prediction_status"] == 200
        predictor = app.extensions["deep_predictor"].production.predictors["fault"]
        predictor.fail(BackendNotReady("stuck", code="stuck"))
        image = client.get(f"/api/v1/predictions/{prediction_id}/image")
        assert (image.status, image.body) == (200, picture())
    finally:
        app.extensions["deep_predictor"].close()


def test_not_confident_and_stripped_pictures_lie_where_they_should(tmp_path: Path) -> None:
    """The class folder, its odd name made safe, and metadata taken out on the way."""
    register_fault_backend()
    predictor = fault_predictor(class_name="../../日本 <b>", strip_metadata=1)
    app = build_app(write_config(tmp_path, {"fault": predictor}))
    try:
        client = in_process(app, tmp_path)
        tagged = io.BytesIO()
        exif = Image.Exif()
        exif[0x010E] = "a secret place"
        Image.open(io.BytesIO(picture())).save(tagged, "PNG", exif=exif)
        assert b"a secret place" in tagged.getvalue()
        _, prediction_id = upload(client, "fault", tagged.getvalue())
        answer = final_answer(client, prediction_id)
        assert answer["predictions"][0]["class_name"] == "../../日本 <b>"
    finally:
        app.extensions["deep_predictor"].close()
    (stored,) = (tmp_path / "production" / "predictions" / "fault").rglob("*.png")
    assert stored.parent.parent == tmp_path / "production" / "predictions" / "fault"
    assert "日本" in stored.parent.name
    assert b"a secret place" not in stored.read_bytes()


@pytest.mark.parametrize("action", ["save", "remove"])
@pytest.mark.parametrize("fault", ["none", "raise"])
@pytest.mark.parametrize("error", [DatabaseBusy("locked"), sqlite3.DatabaseError("malformed")], ids=["busy", "broken"])
def test_final_status_that_cannot_be_stored_is_made_again_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, fault: str, error: Exception
) -> None:
    register_fault_backend()
    config = write_config(tmp_path, {"fault": fault_predictor(predicted_image_action=action)})
    app = build_app(config)
    application: Application = app.extensions["deep_predictor"]
    tried = threading.Event()

    def refuse(*_: object) -> bool:
        tried.set()
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(application.production.rows, "finish", refuse)
        _, prediction_id = upload(in_process(app, tmp_path), "fault", picture(fault))
        assert tried.wait(WAIT_SECONDS)
        application.close()
    again = build_app(config)
    try:
        status = 200 if fault == "none" else 500
        assert final_answer(in_process(again, tmp_path), prediction_id)["prediction_status"] == status
    finally:
        again.extensions["deep_predictor"].close()
    kept = list((tmp_path / "production").rglob("*.png*"))
    assert len(kept) == int(action == "save" and fault == "none")
