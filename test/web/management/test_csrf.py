"""Where a cookie is the credential, only a page of ours can change anything."""

from __future__ import annotations

import io

import pytest
from werkzeug.test import TestResponse

from test.fakes import picture
from test.server_process import new_id
from test.web.conftest import MakeSite
from test.web.management.people import (
    PASSWORD,
    Browser,
    accounts_of,
    browser_of,
    cheap_hashes,
    get_person,
    jwt_header,
    logged_in,
)
from test.web.sites import Site

OWN, FRIEND, STRANGER = "http://localhost", "https://friend.example", "https://stranger.example"
NEW_KEY = {"name": "k", "scopes": ["predict"]}


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    return make_site(changes={"production.api_options.cors_origins": [FRIEND]})


@pytest.fixture(autouse=True)
def _calm(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_hashes(monkeypatch)


@pytest.fixture
def browser(site: Site) -> Browser:
    return logged_in(site, "anna")


def make_key(browser: Browser, headers: dict[str, str]) -> TestResponse:
    return browser.ask("POST", "/api/v1/keys", json=NEW_KEY, headers=headers)


def test_change_with_the_cookie_and_its_token_passes(browser: Browser) -> None:
    assert make_key(browser, browser.csrf).status_code == 201


@pytest.mark.parametrize("token", [None, "", "x", "é", "0" * 64])
def test_change_with_the_cookie_and_no_right_token_is_refused(browser: Browser, token: str | None) -> None:
    answer = make_key(browser, {} if token is None else {"X-CSRF-Token": token})
    assert (answer.status_code, answer.json["code"]) == (400, "csrf_token_missing")  # type: ignore[index]
    assert browser.ask("DELETE", "/api/v1/session", headers={}).status_code == 400


def test_token_of_another_login_is_refused(site: Site, browser: Browser) -> None:
    other = logged_in(site, "anna")
    assert other.csrf != browser.csrf
    assert make_key(browser, other.csrf).status_code == 400


def test_reading_with_the_cookie_needs_no_token(browser: Browser) -> None:
    assert browser.ask("GET", "/api/v1/keys", headers={}).status_code == 200
    assert browser.ask("HEAD", "/api/v1/keys", headers={}).status_code == 200


def test_token_in_a_plain_form_counts(browser: Browser) -> None:
    form = {"csrf_token": browser.csrf["X-CSRF-Token"]}
    answer = browser.ask("POST", "/api/v1/keys", data=form, headers={})
    assert answer.status_code == 415  # past the check: this route wants JSON


def test_token_in_a_form_with_files_is_not_looked_for(browser: Browser) -> None:
    form = {"csrf_token": browser.csrf["X-CSRF-Token"], "file": (io.BytesIO(b"x"), "x.txt")}
    answer = browser.ask("POST", "/api/v1/keys", data=form, headers={})
    assert answer.json["code"] == "csrf_token_missing"  # type: ignore[index]


def test_change_with_a_token_or_key_needs_no_csrf_token(site: Site) -> None:
    user = get_person(site, "ada", "admin")
    _, key = accounts_of(site).keys.create("k", ["admin"], user.id)
    for headers in (jwt_header(site, user), {"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        assert make_key(browser_of(site), headers).status_code == 201


def test_key_wins_over_the_cookie(site: Site, browser: Browser) -> None:
    """Its permissions count, and not those of the login."""
    boss = logged_in(site, "boss", "admin")
    _, key = accounts_of(site).keys.create("k", ["predict"], None)
    assert boss.ask("GET", "/api/v1/users").status_code == 200
    assert boss.ask("GET", "/api/v1/users", headers={"X-API-Key": key}).status_code == 403


@pytest.mark.parametrize("path", ["/api/v1/session", "/auth"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, None),
        ({"Origin": OWN}, None),
        ({"Origin": FRIEND}, None),
        ({"Origin": "https://behind.a.proxy", "Sec-Fetch-Site": "same-origin"}, None),
        ({"Origin": STRANGER}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": OWN, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://localhost:8000"}, 403),
    ],
)
def test_login_by_another_sites_page_is_refused(
    site: Site, path: str, headers: dict[str, str], status: int | None
) -> None:
    get_person(site, "anna")
    body = {"username": "anna", "password": PASSWORD}
    answer = site.app.test_client().post(path, json=body, headers=headers)
    assert answer.status_code == (status or {"/auth": 200}.get(path, 201))
    if status:
        assert answer.json["code"] == "foreign_origin"  # type: ignore[index]
        assert "Set-Cookie" not in answer.headers


def upload(browser: Browser, headers: dict[str, str], **fields: str) -> TestResponse:
    form = {"image": (io.BytesIO(picture()), "a.png"), "model_name": "", "prediction_id": new_id(), **fields}
    return browser.client.post("/upload", data=form, headers={"Accept": "application/json", **headers})


def test_upload_with_the_cookie_counts_with_its_token_only(browser: Browser) -> None:
    """These routes never ask for a CSRF token: a cookie without one is as none."""
    assert upload(browser, {}).json["code"] == "no_credential"  # type: ignore[index]
    assert upload(browser, {"X-CSRF-Token": "x"}).json["code"] == "no_credential"  # type: ignore[index]
    assert upload(browser, browser.csrf).status_code == 201
    assert upload(browser, {}, csrf_token=browser.csrf["X-CSRF-Token"]).status_code == 201


def test_predict_and_delete_with_the_cookie_count_with_its_token_only(browser: Browser) -> None:
    sent = {"data": picture(), "content_type": "image/png"}
    refused = browser.ask("POST", "/api/v1/predict", headers={}, **sent)
    assert (refused.status_code, refused.json["code"]) == (401, "no_credential")  # type: ignore[index]
    answer = browser.ask("POST", "/api/v1/predict", **sent)
    assert answer.status_code == 200
    path = answer.headers["Location"]
    assert browser.ask("DELETE", path, headers={}).status_code == 401
    assert browser.ask("DELETE", path).status_code == 204
