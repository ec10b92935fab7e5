"""Open uploads ask for no credential, and are for this machine's own pages only."""

from __future__ import annotations

import pytest

from test.app_builder import PRODUCTION_KEY
from test.fakes import picture
from test.web.conftest import MakeSite
from test.web.sites import JSON, Answer, Site, Transport, short

FRIEND = "https://friend.example"


@pytest.fixture(scope="module")
def site(make_site: MakeSite, transport: Transport) -> Site:
    return make_site(
        transport,
        {"production.upload_options.open_uploads": 1, "production.api_options.cors_origins": [FRIEND]},
    )


def send(site: Site, target: str, headers: dict[str, str]) -> Answer:
    if target == "upload":
        return site.upload({"api_key": None}, {**JSON, **headers})
    if target == "predict":
        return site.post("/api/v1/predict", headers=headers, body=picture())
    prediction_id = site.upload_id()
    site.final(prediction_id)
    return site.request("DELETE", f"/api/v1/predictions/{prediction_id}", headers=headers)


SUCCESS = {"upload": 201, "predict": 200, "delete": 204}


@pytest.mark.parametrize("target", SUCCESS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "127.0.0.1:5000"},
        {"Host": "LOCALHOST"},
        {"Host": "127.9.9.9"},
        {"Host": "[::1]:5000"},
        {"Host": "127.0.0.1:5000", "Origin": "http://127.0.0.1:5000"},
        {"Host": "localhost:5000", "Origin": "http://localhost:5000", "Sec-Fetch-Site": "same-origin"},
        {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=short,
)
def test_open_uploads_from_this_machine_need_no_credential(site: Site, target: str, headers: dict[str, str]) -> None:
    assert send(site, target, headers).status == SUCCESS[target]


@pytest.mark.parametrize("target", SUCCESS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:5000", "Origin": "http://evil.example:5000"},
        {"Host": "localhost.evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "192.168.1.5:5000"},
        {"Host": "0.0.0.0:5000"},
        {"Host": "localhost@evil.example"},
        {"Host": "localhost/evil.example"},
        {"Host": "localhost:x"},
        {"Host": "localhost:99999"},
        {"Host": "[::1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost:1"},
        {"Host": "localhost:5000", "Origin": "http://127.0.0.1:5000"},
        {"Host": "localhost", "Origin": "file://localhost"},
        {"Origin": FRIEND + ".evil.example"},
        {"Origin": FRIEND + ", http://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=short,
)
def test_open_uploads_from_elsewhere_are_answered_403(site: Site, target: str, headers: dict[str, str]) -> None:
    answer = send(site, target, headers)
    assert answer.status == 403
    if answer.media_type == "application/problem+json":  # werkzeug answers some impossible hosts itself
        assert answer.json["code"] in ("foreign_origin", "forbidden")


def test_open_uploads_refused_answers_a_form_403_and_stores_nothing(site: Site) -> None:
    answer = site.upload({"api_key": None}, {"Origin": "https://evil.example"})
    assert (answer.status, answer.media_type) == (403, "text/html")
    assert site.stored() == (0, 0)


def test_open_uploads_with_the_key_may_come_from_anywhere(site: Site) -> None:
    headers = {"Origin": "https://evil.example", "X-API-Key": PRODUCTION_KEY}
    assert send(site, "upload", headers).status == 201
    assert send(site, "predict", headers).status == 200


@pytest.mark.parametrize("target", SUCCESS)
def test_open_uploads_with_a_wrong_key_answer_401(site: Site, target: str) -> None:
    assert send(site, target, {"X-API-Key": "wrong"}).status == 401


def test_open_uploads_do_not_open_the_test_environment(site: Site) -> None:
    answer = site.upload({"api_key": None}, path="/test-upload")
    assert (answer.status, answer.text) == (400, "Unknown key received from form")


def test_uploads_that_are_not_open_ask_for_a_credential(make_site: MakeSite, transport: Transport) -> None:
    closed = make_site(transport)
    for target in SUCCESS:
        if target != "delete":
            assert send(closed, target, {}).status == 401
