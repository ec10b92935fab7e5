"""POST /api/v1/predict: three kinds of body, the key in two places, stored or not, and how long it waits."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from deep_predictor.web import predicting
from test import fakes
from test.app_builder import PRODUCTION_KEY, fault_predictor
from test.fakes import picture
from test.server_process import new_id
from test.web.conftest import MakeSite
from test.web.sites import Answer, Site, Transport, short

PATH = "/api/v1/predict"
KEY = {"X-API-Key": PRODUCTION_KEY}
BASE64 = base64.b64encode(picture()).decode()


def send_json(site: Site, fields: Any, headers: dict[str, str] = KEY) -> Answer:
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return site.post(PATH, headers={**headers, "Content-Type": "application/json"}, body=body)


def code_of(answer: Answer) -> tuple[int, str]:
    assert answer.media_type == "application/problem+json"
    return answer.status, answer.json["code"]


def test_predict_multipart_answers_the_whole_answer_and_stores_it(site: Site) -> None:
    prediction_id = new_id()
    form = {"model_name": "ms coco", "prediction_id": prediction_id, "api_key": PRODUCTION_KEY}
    answer = site.post(PATH, form=form, files={"image": ("x.png", picture())})
    assert answer.status == 200
    assert answer.json["prediction_id"] == prediction_id
    assert [item["class_name"] for item in answer.json["predictions"]] == ["person", "dog", "horse"]
    stored = site.get("/api", params={"prediction_id": prediction_id}).json
    top = {"results": "person", "confidence": stored["predictions"][0]["confidence"]}
    assert answer.json == stored | top
    assert not set(top) & set(stored)
    assert answer.headers["Location"].endswith(f"/api/v1/predictions/{prediction_id}")
    assert site.get(f"/api/v1/predictions/{prediction_id}/image").body == picture()


@pytest.mark.parametrize(
    "content_type", ["image/png", "application/octet-stream", "application/x-www-form-urlencoded", ""]
)
def test_predict_raw_body_is_decoded_by_its_content(site: Site, content_type: str) -> None:
    headers = {**KEY, "Content-Type": content_type} if content_type else KEY
    answer = site.post(PATH, params={"model_name": "ms coco"}, headers=headers, body=picture())
    assert (answer.status, answer.json["prediction_status"], answer.json["model_name"]) == (200, 200, "ms coco")
    assert len(answer.json["prediction_id"]) == 32


@pytest.mark.parametrize(
    "image", [BASE64, "data:image/png;base64," + BASE64, f" {BASE64[:40]}\r\n{BASE64[40:]} "], ids=short
)
def test_predict_json_takes_base64_and_data_uris(site: Site, image: str) -> None:
    answer = send_json(site, {"image": image, "model_name": "dummy", "prediction_id": (wanted := new_id())})
    assert (answer.status, answer.json["prediction_id"], answer.json["prediction_status"]) == (200, wanted, 200)


def test_predict_json_takes_the_key_as_a_member(site: Site) -> None:
    assert send_json(site, {"image": BASE64, "api_key": PRODUCTION_KEY}, {}).status == 200


def test_predict_without_a_model_takes_the_default_one(site: Site) -> None:
    assert site.post(PATH, headers=KEY, body=picture()).json["model_name"] == "dummy"


@pytest.mark.parametrize("filename", ["blob", "x", "x.png"])
def test_predict_multipart_of_a_blob_is_known_by_its_type(site: Site, filename: str) -> None:
    answer = site.post(PATH, headers=KEY, files={"image": (filename, picture(), "image/png")}, form={})
    assert answer.json["prediction_status"] == 200


def test_predict_of_a_failing_model_answers_200_with_its_status(site: Site) -> None:
    answer = site.post(PATH, params={"model_name": "fault"}, headers=KEY, body=picture("raise"))
    assert (answer.status, answer.json["prediction_status"], answer.json["predictions"]) == (200, 500, "")
    assert (answer.json["results"], answer.json["confidence"]) == ("", None)
    answer = site.post(PATH, params={"model_name": "broken"}, headers=KEY, body=picture())
    assert (answer.status, answer.json["prediction_status"]) == (200, 550)


@pytest.mark.parametrize("model_name", ["dummy", "fault", "broken"])
def test_predict_with_store_0_leaves_neither_row_nor_file(site: Site, model_name: str) -> None:
    files_before = set(site.folder.rglob("*.png"))
    answer = site.post(PATH, params={"model_name": model_name, "store": "0"}, headers=KEY, body=picture())
    assert answer.status == 200
    assert list(answer.json)[:5] == [
        "model_info",
        "prediction_id",
        "prediction_status",
        "prediction_time",
        "predictions",
    ]
    assert answer.json["prediction_status"] == (550 if model_name == "broken" else 200)
    assert type(answer.json["prediction_time"]) is int
    assert "Location" not in answer.headers
    assert site.get("/api", params={"prediction_id": answer.json["prediction_id"]}).json == {"prediction_status": 0}
    assert set(site.folder.rglob("*.png")) == files_before
    assert len(site.production.jobs) == 0


@pytest.mark.parametrize(
    ("store", "stored"), [(0, False), (False, False), ("0", False), (1, True), (True, True), (None, True)]
)
def test_predict_json_store_is_a_flag(site: Site, store: Any, stored: bool) -> None:
    answer = send_json(site, {"image": BASE64, "store": store} if store is not None else {"image": BASE64})
    known = site.get("/api", params={"prediction_id": answer.json["prediction_id"]}).json
    assert (known["prediction_status"] == 200) == stored


@pytest.mark.parametrize("key", [None, "wrong", PRODUCTION_KEY + "x", PRODUCTION_KEY[:-1], "é", "test-key-of-a-test"])
def test_predict_without_the_right_key_answers_401(site: Site, key: str | None) -> None:
    headers = {} if key is None else {"X-API-Key": key.encode().decode("latin-1")}
    expected = (401, "no_credential" if key is None else "wrong_api_key")
    assert code_of(site.post(PATH, headers=headers, body=picture())) == expected
    assert code_of(send_json(site, {"image": BASE64}, headers)) == expected
    if key:
        assert code_of(send_json(site, {"image": BASE64, "api_key": key}, {})) == expected
        form = {"api_key": key}
        assert code_of(site.post(PATH, form=form, files={"image": ("x.png", picture())})) == expected


def test_predict_takes_no_key_from_the_address_which_logs_keep(site: Site) -> None:
    answer = site.post(PATH, params={"api_key": PRODUCTION_KEY}, body=picture())
    assert code_of(answer) == (401, "no_credential")
    answer = site.post(PATH, params={"api_key": PRODUCTION_KEY}, form={}, files={"image": ("x.png", picture())})
    assert code_of(answer) == (401, "no_credential")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"{", (422, "invalid_body")),
        (b"\xff\xfe\x00", (422, "invalid_body")),
        (b"[" * 100_000, (422, "invalid_body")),
        ([], (422, "invalid_body")),
        ("text", (422, "invalid_body")),
        ({}, (422, "missing_field")),
        ({"image": None}, (422, "missing_field")),
        ({"image": 5}, (422, "invalid_body")),
        ({"image": ""}, (422, "empty_field")),
        ({"image": "%%%"}, (422, "invalid_body")),
        ({"image": "é"}, (422, "invalid_body")),
        ({"image": "data:image/png," + BASE64}, (422, "invalid_body")),
        ({"image": "data:image/png;base64"}, (422, "invalid_body")),
        ({"image": "data:;base64,"}, (415, "image_unreadable")),
        ({"image": "data:image/tiff;base64," + BASE64}, (415, "unsupported_extension")),
        ({"image": "data:image/../x;base64," + BASE64}, (415, "unsupported_extension")),
        ({"image": BASE64, "filename": "x.exe"}, (415, "unsupported_extension")),
        ({"image": BASE64, "model_name": 5}, (422, "invalid_body")),
        ({"image": BASE64, "model_name": "\ud800"}, (422, "unknown_predictor")),
        ({"image": BASE64, "prediction_id": ["x"]}, (422, "invalid_body")),
        ({"image": BASE64, "prediction_id": "x"}, (422, "invalid_prediction_id")),
        ({"image": BASE64, "api_key": {}}, (422, "invalid_body")),
        ({"image": BASE64, "store": "maybe"}, (422, "invalid_body")),
        ({"image": base64.b64encode(b"no picture").decode()}, (415, "image_unreadable")),
    ],
    ids=short,
)
def test_predict_of_a_bad_json_body_answers_its_code(site: Site, fields: Any, expected: tuple[int, str]) -> None:
    assert code_of(send_json(site, fields)) == expected
    assert site.stored() == (0, 0)


def test_predict_of_other_bad_bodies_answers_its_code(site: Site) -> None:
    def code_of_file(field: str, *file: Any) -> tuple[int, str]:
        return code_of(site.post(PATH, headers=KEY, form={}, files={field: file}))

    assert code_of(site.post(PATH, headers=KEY, body=b"")) == (422, "empty_field")
    assert code_of_file("picture", "x.png", picture()) == (422, "missing_field")
    assert code_of_file("image", "", picture()) == (422, "empty_field")
    assert code_of_file("image", "x.png", b"") == (422, "empty_field")
    tiff = site.post(PATH, headers={**KEY, "Content-Type": "image/tiff"}, body=picture())
    assert code_of(tiff) == (415, "unsupported_extension")
    used = site.upload_id()
    again = site.post(PATH, params={"prediction_id": used}, headers=KEY, body=picture())
    assert code_of(again) == (409, "prediction_id_used")
    site.final(used)


def test_predict_too_large_answers_413_in_every_kind_of_body(make_site: MakeSite, transport: Transport) -> None:
    small = make_site(transport, {"flask_options.max_content_length": "1024*64"})
    noise = picture() + bytes(1024 * 64)
    assert code_of(small.post(PATH, headers=KEY, body=noise)) == (413, "too_large")
    assert code_of(small.post(PATH, headers=KEY, form={}, files={"image": ("x.png", noise)})) == (413, "too_large")
    assert code_of(send_json(small, {"image": base64.b64encode(noise).decode()})) == (413, "too_large")
    assert code_of(send_json(small, {"image": BASE64, "other": "x" * 200_000})) == (413, "too_large")
    almost = picture() + bytes(1024 * 64 - len(picture()))
    assert send_json(small, {"image": base64.b64encode(almost).decode()}).status == 200


def test_predict_that_takes_too_long_answers_202_and_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "PREDICT_SECONDS", 0.05)
    fakes.release_hanging.clear()
    answer = site.post(PATH, params={"model_name": "hangs"}, headers=KEY, body=picture("hang"))
    fakes.release_hanging.set()
    assert (answer.status, answer.json["prediction_status"]) == (202, 100)
    assert site.final(answer.json["prediction_id"])["prediction_status"] == 200


def test_predict_with_store_0_that_takes_too_long_ends_as_timed_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "PREDICT_SECONDS", 0.05)
    answer = site.post(PATH, params={"model_name": "blocked", "store": "0"}, headers=KEY, body=picture())
    assert (answer.status, answer.json["prediction_status"], answer.json["reason_code"]) == (200, 500, "timed_out")
    assert len(site.production.jobs) == 0
    assert len(site.production.predictors["blocked"].queue) == 0


def test_predict_beyond_the_threads_that_may_wait_answers_503(site: Site) -> None:
    slots = site.application.wait_slots
    fakes.release_hanging.clear()
    assert (slots.count, slots.count_for_one) == (4, 3)

    def predict(_: int) -> Answer:
        return site.post(PATH, params={"model_name": "hangs"}, headers=KEY, body=picture("hang"))

    with ThreadPoolExecutor(slots.count_for_one) as clients:
        waiting = [clients.submit(predict, number) for number in range(slots.count_for_one)]
        while len(site.production.jobs) < slots.count_for_one:
            threading.Event().wait(0.005)
        refused = predict(0)
        unfinished = len(site.production.jobs)
        fakes.release_hanging.set()
        answers = [each.result() for each in waiting]
    assert code_of(refused) == (503, "too_many_waiting")
    assert int(refused.headers["Retry-After"]) >= 1
    assert unfinished == slots.count_for_one
    assert {answer.json["prediction_status"] for answer in answers} == {200}


def test_predict_deleted_while_it_is_waited_for_answers_404(site: Site) -> None:
    prediction_id = new_id()
    with ThreadPoolExecutor(1) as client:
        parameters = {"model_name": "blocked", "prediction_id": prediction_id}
        waiting = client.submit(site.post, PATH, params=parameters, headers=KEY, body=picture())
        while site.production.rows.find(prediction_id) is None:
            threading.Event().wait(0.005)
        assert site.request("DELETE", f"/api/v1/predictions/{prediction_id}", headers=KEY).status == 204
        assert code_of(waiting.result()) == (404, "prediction_not_found")
    assert site.stored() == (0, 0)


def test_predict_waiting_when_the_server_stops_is_answered(make_site: MakeSite, transport: Transport) -> None:
    stopping = make_site(transport, production={"blocked": fault_predictor(load_fault="block")}, wait=False)
    with ThreadPoolExecutor(2) as clients:
        waiting = [
            clients.submit(stopping.post, PATH, params={"store": store}, headers=KEY, body=picture())
            for store in ("0", "1")
        ]
        while len(stopping.production.jobs) < 2:
            threading.Event().wait(0.005)
        stopping.application.wake_waiters()
        passing, stored = (each.result(20) for each in waiting)
    assert code_of(passing) == (503, "too_many_waiting")
    assert (stored.status, stored.json["prediction_status"]) == (202, 100)


def test_raw_picture_that_nobody_could_wait_for_is_refused_before_anything_else(site: Site) -> None:
    slots = site.application.wait_slots
    with ExitStack() as stack:
        for _ in range(slots.count_for_one):
            assert stack.enter_context(slots.hold("hangs"))
        refused = site.post(PATH, params={"model_name": "hangs"}, headers={"Content-Type": "image/png"}, body=picture())
        other = site.post(PATH, params={"model_name": "dummy"}, headers={"Content-Type": "image/png"}, body=picture())
    assert code_of(refused) == (503, "too_many_waiting")
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["X-Content-Type-Options"] == "nosniff"
    assert other.status == 401, "another predictor has places, and there the key is looked at"
    again = site.post(PATH, params={"model_name": "hangs"}, headers={"Content-Type": "image/png"}, body=picture())
    assert again.status == 401
