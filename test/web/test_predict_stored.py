"""POST /api/v1/predict with storing: what is kept of it, and when."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deep_predictor.db.prediction_rows import NewPrediction, PredictionRows
from deep_predictor.errors import DatabaseBusy
from deep_predictor.web import predicting
from test import fakes
from test.app_builder import PRODUCTION_KEY, fault_predictor
from test.fakes import picture
from test.web.conftest import MakeSite
from test.web.sites import Answer, Site, Transport

PATH = "/api/v1/predict"
RAW = {"X-API-Key": PRODUCTION_KEY, "Content-Type": "image/png"}


def predict(site: Site, model_name: str = "dummy", fault: str = "none") -> Answer:
    return site.post(PATH, params={"model_name": model_name}, headers=RAW, body=picture(fault))


def files_of(site: Site) -> list[Path]:
    """All pictures of production, also half written ones."""
    return [path for path in site.folder.rglob("*") if path.is_file() and ".png" in path.name]


def test_row_and_picture_are_there_when_the_answer_is(site: Site) -> None:
    before = len(files_of(site))
    answer = predict(site)
    record = site.production.rows.get(answer.json["prediction_id"])
    assert (record.status, record.attempts, record.predictor_name) == (200, 1, "dummy")
    assert record.image_path
    assert Path(record.image_path).read_bytes() == picture()
    assert len(files_of(site)) == before + 1


def test_nothing_is_stored_before_it_ends(site: Site) -> None:
    fakes.release_hanging.clear()
    before = len(files_of(site))
    with ThreadPoolExecutor(1) as client:
        waiting = client.submit(predict, site, "hangs", "hang")
        while not site.production.jobs.all():
            threading.Event().wait(0.005)
        assert (site.stored(), len(files_of(site))) == ((0, 0), before)
        fakes.release_hanging.set()
        assert waiting.result(20).json["prediction_status"] == 200


def test_failed_prediction_is_stored_with_its_status(site: Site) -> None:
    answer = predict(site, "hangs", "raise")
    assert (answer.status, answer.json["prediction_status"]) == (200, 500)
    assert site.get("/api", params={"prediction_id": answer.json["prediction_id"]}).json["prediction_status"] == 500


def test_picture_that_is_none_is_refused_and_leaves_nothing(site: Site) -> None:
    before = len(files_of(site))
    answer = site.post(PATH, headers=RAW, body=b"no picture")
    assert (answer.status, answer.json["code"]) == (415, "image_unreadable")
    assert (site.stored(), len(files_of(site)), len(site.production.jobs)) == ((0, 0), before, 0)


def test_picture_that_the_disk_refuses_is_answered_so_and_leaves_nothing(
    make_site: MakeSite, transport: Transport
) -> None:
    site = make_site(transport, production={"dummy": fault_predictor()})
    folder = site.production.predictors["dummy"].main_folder
    assert folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder", encoding="utf-8")
    answer = predict(site)
    assert (answer.status, answer.json["code"]) == (500, "image_not_stored")
    assert (site.stored(), len(files_of(site)), len(site.production.jobs)) == ((0, 0), 0, 0)


@pytest.mark.parametrize("error", [DatabaseBusy("it is locked"), ZeroDivisionError()], ids=["busy", "broken"])
def test_row_that_cannot_be_written_is_answered_so_and_leaves_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*arguments: object) -> None:
        raise error

    before = len(files_of(site))
    monkeypatch.setattr(PredictionRows, "finish", refuse)
    answer = predict(site)
    assert answer.status == (503 if isinstance(error, DatabaseBusy) else 500)
    assert (site.stored(), len(files_of(site)), len(site.production.jobs)) == ((0, 0), before, 0)


def test_answer_that_comes_too_late_is_found_under_its_id(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "PREDICT_SECONDS", 0.05)
    monkeypatch.setattr("deep_predictor.web.plain_predict.PREDICT_SECONDS", 0.05)
    fakes.release_hanging.clear()
    answer = predict(site, "hangs", "hang")
    assert (answer.status, answer.json["prediction_status"]) == (202, 100)
    prediction_id = answer.json["prediction_id"]
    assert answer.headers["Location"].endswith(prediction_id)
    record = site.production.rows.get(prediction_id)
    assert record.image_path
    assert Path(record.image_path).read_bytes() == picture("hang")
    fakes.release_hanging.set()
    assert site.final(prediction_id)["prediction_status"] == 200
    assert len(site.production.rows.unfinished()) == 0


def test_server_that_stops_tells_who_waits_and_keeps_nothing(make_site: MakeSite, transport: Transport) -> None:
    site = make_site(transport, production={"hangs": fault_predictor()})
    fakes.release_hanging.clear()
    with ThreadPoolExecutor(3) as clients:
        waiting = [clients.submit(predict, site, "hangs", "hang") for _ in range(3)]
        while len(site.production.jobs) < 3:
            threading.Event().wait(0.005)
        site.application.wake_waiters()
        fakes.release_hanging.set()
        answers = [each.result(20) for each in waiting]
    assert {answer.status for answer in answers} <= {200, 503}
    assert site.production.drain(20)
    found = {path.name for path in files_of(site)}
    kept = {answer.json["prediction_id"] for answer in answers if answer.status == 200}
    assert len(found) == len(kept)
    assert site.stored() == (0, 0)


@pytest.mark.parametrize("action", ["save", "remove", ""])
def test_picture_lies_where_an_upload_s_would(make_site: MakeSite, transport: Transport, action: str) -> None:
    options = {"predicted_image_action": action} if action else {"predicted_image_action": "keep"}
    site = make_site(transport, production={"dummy": fault_predictor(**options)})
    uploaded = site.final(site.upload_id())["prediction_id"]
    predicted = predict(site).json["prediction_id"]
    paths = [site.production.rows.get(one).image_path for one in (uploaded, predicted)]
    folders = [str(Path(path).parent) if path else None for path in paths]
    assert folders[0] == folders[1]
    assert len(files_of(site)) == (0 if action == "remove" else 2)


@pytest.mark.parametrize("name", ["x.jpg", "x.jpeg"])
def test_metadata_is_taken_out_whatever_the_extension(make_site: MakeSite, transport: Transport, name: str) -> None:
    site = make_site(transport, production={"dummy": fault_predictor(strip_metadata=True)})
    data = picture(image_format="JPEG")
    answer = site.post(PATH, headers={"X-API-Key": PRODUCTION_KEY}, form={}, files={"image": (name, data)})
    assert (answer.status, site.upload(filename=name, image=data).status) == (200, 201)
    record = site.production.rows.get(answer.json["prediction_id"])
    assert record.image_path
    assert record.image_path.endswith(name.removeprefix("x"))


def test_late_one_that_cannot_be_stored_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise DatabaseBusy("it is locked")

    monkeypatch.setattr(predicting, "PREDICT_SECONDS", 0.05)
    monkeypatch.setattr("deep_predictor.web.plain_predict.PREDICT_SECONDS", 0.05)
    before = len(files_of(site))
    fakes.release_hanging.clear()
    with monkeypatch.context() as patch:
        patch.setattr(PredictionRows, "insert", refuse)
        assert predict(site, "hangs", "hang").status == 503
    fakes.release_hanging.set()
    assert site.production.drain(20)
    assert (site.stored(), len(files_of(site)), len(site.production.jobs)) == ((0, 0), before, 0)


def test_worker_that_takes_one_while_it_is_stored_as_accepted_ends_it_in_its_row(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is inserted slowly, and the prediction ends meanwhile."""
    insert, is_inserting = PredictionRows.insert, threading.Event()

    def insert_slowly(rows: PredictionRows, new: NewPrediction) -> None:
        is_inserting.set()
        fakes.release_hanging.set()
        while not job.is_claimed:
            threading.Event().wait(0.005)
        insert(rows, new)

    monkeypatch.setattr(predicting, "PREDICT_SECONDS", 0.05)
    monkeypatch.setattr("deep_predictor.web.plain_predict.PREDICT_SECONDS", 0.05)
    monkeypatch.setattr(PredictionRows, "insert", insert_slowly)
    fakes.release_hanging.clear()
    with ThreadPoolExecutor(1) as client:
        waiting = client.submit(predict, site, "hangs", "hang")
        while not site.production.jobs.all():
            threading.Event().wait(0.005)
        (job,) = site.production.jobs.all()
        answer = waiting.result(20)
    assert is_inserting.is_set()
    assert answer.status in (200, 202)
    assert site.final(answer.json["prediction_id"])["prediction_status"] == 200
    assert len(site.production.rows.unfinished()) == 0
