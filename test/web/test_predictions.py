"""One prediction under /api/v1: reading it, waiting for it, its picture, deleting it; and the list of predictors."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from deep_predictor.results import PredictionStatus
from deep_predictor.web.stored_image import find_image
from test import fakes
from test.app_builder import PRODUCTION_KEY
from test.fakes import picture
from test.web.conftest import PREDICTORS, MakeSite
from test.web.sites import Answer, Site, Transport, short

KEY = {"X-API-Key": PRODUCTION_KEY}


def path_of(prediction_id: str) -> str:
    return f"/api/v1/predictions/{prediction_id}"


def delete(site: Site, prediction_id: str) -> Answer:
    return site.request("DELETE", path_of(prediction_id), headers=KEY)


def test_prediction_answers_what_api_answers(site: Site) -> None:
    prediction_id = site.upload_id("ms coco")
    answer = site.final(prediction_id)
    assert site.get(path_of(prediction_id)).json == answer


@pytest.mark.parametrize(
    "prediction_id", ["x", "x" * 32, "%00", "x" * 4000, "%E2%98%83", "%ff", "a%20b", "%0d%0aX: y"], ids=short
)
def test_prediction_of_an_unknown_id_answers_404(site: Site, prediction_id: str) -> None:
    for method, path in [
        ("GET", path_of(prediction_id)),
        ("GET", path_of(prediction_id) + "/image"),
        ("DELETE", path_of(prediction_id)),
    ]:
        answer = site.request(method, path, headers=KEY)
        assert (answer.status, answer.json["code"]) == (404, "prediction_not_found")


def test_wait_answers_as_soon_as_the_prediction_is_final(site: Site) -> None:
    fakes.release_hanging.clear()
    prediction_id = site.upload_id("hangs", image=picture("hang"))
    paths = [("/api", {"prediction_id": prediction_id, "wait": "20"}), (path_of(prediction_id), {"wait": "20"})]
    started = time.monotonic()
    with ThreadPoolExecutor(2) as clients:
        waiting = [clients.submit(site.get, path, params=params) for path, params in paths]
        threading.Event().wait(0.1)
        assert not any(each.done() for each in waiting)
        fakes.release_hanging.set()
        answers = [each.result().json for each in waiting]
    assert [answer["prediction_status"] for answer in answers] == [200, 200]
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("wait", ["0", "-1", "x", "", "nan", "inf", "-inf", "1e999", "0x10", "١"])
def test_wait_that_is_no_sensible_number_does_not_fail(site: Site, wait: str) -> None:
    prediction_id = site.upload_id()
    site.final(prediction_id)
    answer = site.get("/api", params={"prediction_id": prediction_id, "wait": wait})
    assert (answer.status, answer.json["prediction_status"]) == (200, 200)


def test_wait_longer_than_the_time_answers_the_present_state(site: Site) -> None:
    prediction_id = site.upload_id("blocked")
    started = time.monotonic()
    answer = site.get("/api", params={"prediction_id": prediction_id, "wait": "0.2"})
    assert 0.2 <= time.monotonic() - started < 5
    assert answer.json["prediction_status"] == 100
    assert delete(site, prediction_id).status == 204


def test_wait_of_an_unknown_id_answers_at_once(site: Site) -> None:
    started = time.monotonic()
    assert site.get("/api", params={"prediction_id": "x" * 32, "wait": "20"}).json == {"prediction_status": 0}
    assert time.monotonic() - started < 5


def test_wait_beyond_the_threads_that_may_wait_answers_at_once(site: Site) -> None:
    prediction_id = site.upload_id("blocked")
    count = site.application.wait_slots.count_for_one
    parameters = {"prediction_id": prediction_id, "wait": "25"}
    with ThreadPoolExecutor(count) as clients:
        waiting = [clients.submit(site.get, "/api", params=parameters) for _ in range(count)]
        while _is_free(site):
            threading.Event().wait(0.005)
        started = time.monotonic()
        answer = site.get("/api", params=parameters)
        assert answer.json["prediction_status"] == 100
        assert site.get("/health/live").status == 200
        assert time.monotonic() - started < 5
        assert not any(each.done() for each in waiting)
        assert delete(site, prediction_id).status == 204
        assert [each.result().json for each in waiting] == [{"prediction_status": 0}] * count
    assert _is_free(site)


def _is_free(site: Site) -> bool:
    with site.application.wait_slots.hold("blocked") as granted:
        return granted


def test_image_is_the_picture_that_was_sent_and_can_do_nothing(site: Site) -> None:
    prediction_id = site.upload_id()
    site.final(prediction_id)
    answer = site.get(path_of(prediction_id) + "/image")
    assert (answer.status, answer.body, answer.media_type) == (200, picture(), "image/png")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    head = site.request("HEAD", path_of(prediction_id) + "/image")
    assert (head.status, head.body) == (200, b"")


def test_image_has_its_decoded_type_whatever_its_name_said(site: Site) -> None:
    prediction_id = site.upload_id(filename="picture.gif", image=picture(image_format="BMP"))
    site.final(prediction_id)
    assert site.get(path_of(prediction_id) + "/image").media_type == "image/bmp"


def test_image_that_waits_is_served_as_well(site: Site) -> None:
    prediction_id = site.upload_id("blocked")
    assert site.get(path_of(prediction_id) + "/image").body == picture()
    assert delete(site, prediction_id).status == 204
    assert site.get(path_of(prediction_id) + "/image").status == 404


def test_image_parts_and_unchanged_ones_are_answered(site: Site) -> None:
    prediction_id = site.upload_id()
    site.final(prediction_id)
    path = path_of(prediction_id) + "/image"
    whole = site.get(path)
    part = site.get(path, headers={"Range": "bytes=0-3"})
    assert (part.status, part.body) == (206, picture()[:4])
    assert site.get(path, headers={"Range": "bytes=99999-"}).status == 416
    assert site.get(path, headers={"If-None-Match": whole.headers["ETag"]}).status == 304


@pytest.mark.parametrize("model_name", ["removes", "broken"])
def test_image_that_was_not_kept_answers_404(site: Site, model_name: str) -> None:
    prediction_id = site.upload_id(model_name)
    site.final(prediction_id)
    answer = site.get(path_of(prediction_id) + "/image")
    assert (answer.status, answer.json["code"]) == (404, "prediction_not_found")


def test_image_outside_the_configured_folders_is_never_found(site: Site, tmp_path: Path) -> None:
    record = site.production.rows.get(_final_id(site))
    assert find_image(site.production, record)
    stranger = tmp_path / "secret.png"
    stranger.write_bytes(picture())
    folder = Path(str(record.image_path)).parent
    link = folder / "link.png"
    link.symlink_to(stranger)
    wrong = [stranger, link, folder / ".." / ".." / ".." / ".." / "deep_predictor.cfg", folder, "", "\x00", "x" * 9000]
    for path in wrong:
        assert find_image(site.production, replace(record, image_path=str(path))) is None
    link.unlink()


def test_delete_removes_row_and_picture(site: Site) -> None:
    prediction_id = _final_id(site)
    path = Path(str(site.production.rows.get(prediction_id).image_path))
    assert path.is_file()
    answer = delete(site, prediction_id)
    assert (answer.status, answer.body) == (204, b"")
    assert not path.exists()
    assert site.get("/api", params={"prediction_id": prediction_id}).json == {"prediction_status": 0}
    assert delete(site, prediction_id).status == 404


def test_delete_of_a_running_prediction_drops_its_result(site: Site) -> None:
    fakes.release_hanging.clear()
    prediction_id = site.upload_id("hangs", image=picture("hang"))
    assert delete(site, prediction_id).status == 204
    fakes.release_hanging.set()
    assert site.production.drain(20)
    assert site.get("/api", params={"prediction_id": prediction_id}).json == {"prediction_status": 0}
    assert site.stored() == (0, 0)


@pytest.mark.parametrize(("key", "code"), [(None, "no_credential"), ("", "no_credential"), ("wrong", "wrong_api_key")])
def test_delete_without_the_right_key_answers_401_and_keeps_it(site: Site, key: str | None, code: str) -> None:
    prediction_id = _final_id(site)
    answer = site.request("DELETE", path_of(prediction_id), headers={} if key is None else {"X-API-Key": key})
    assert (answer.status, answer.json["code"]) == (401, code)
    assert site.get(path_of(prediction_id)).json["prediction_status"] == PredictionStatus.DONE


def test_predictors_tells_programs_what_they_need(site: Site) -> None:
    predictors = site.get("/api/v1/predictors").json["predictors"]
    assert [predictor["model_name"] for predictor in predictors] == list(PREDICTORS)
    by_name = {predictor["model_name"]: predictor for predictor in predictors}
    dummy = by_name["dummy"]
    assert (dummy["state"], dummy["task"], dummy["default"], dummy["required"]) == (
        "ready",
        "classification",
        True,
        True,
    )
    assert dummy["class_names"] == ["adanaKenap", "akcaabatKofte", "bulgurPilavi"]
    assert by_name["ms coco"]["task"] == "detection"
    assert (by_name["broken"]["state"], by_name["broken"]["reason_code"]) == ("failed", "model_missing")
    assert (by_name["blocked"]["state"], by_name["blocked"]["required"]) == ("loading", False)
    assert all("input_size" in predictor for predictor in predictors)


def test_predictors_with_a_known_input_size_says_width_and_height(
    make_site: MakeSite, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_site(transport)
    backend = other.production.predictors["dummy"].backend
    monkeypatch.setattr(backend, "input_size", (320, 240))
    [predictor] = other.get("/api/v1/predictors").json["predictors"]
    assert predictor["input_size"] == {"width": 320, "height": 240}


def _final_id(site: Site) -> str:
    prediction_id = site.upload_id()
    site.final(prediction_id)
    return prediction_id
