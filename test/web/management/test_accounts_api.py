"""Users and API keys: who may see and change them, and what a key is good for."""

from __future__ import annotations

import time
from typing import Any

import pytest

from deep_predictor.db.account_rows import User
from test.app_builder import PRODUCTION_KEY
from test.fakes import picture
from test.web.conftest import MakeSite
from test.web.management.people import (
    PASSWORD,
    accounts_of,
    browser_of,
    cheap_hashes,
    forget_attempts,
    get_person,
    jwt_header,
    logged_in,
)
from test.web.sites import JSON, Answer, Site


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    return make_site()


@pytest.fixture(autouse=True)
def _calm(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_attempts(site)
    cheap_hashes(monkeypatch)


@pytest.fixture
def boss(site: Site) -> User:
    return get_person(site, "boss", "admin")


def ask(site: Site, user: User | None, method: str, path: str, body: Any = None) -> Any:
    headers = jwt_header(site, user) if user else {}
    sent = {"json": body} if body is not None else {}
    return browser_of(site).ask(method, f"/api/v1{path}", headers=headers, **sent)


def predict(site: Site, key: str, header: str = "X-API-Key") -> Answer:
    value = key if header == "X-API-Key" else f"Bearer {key}"
    return site.post("/api/v1/predict", headers={header: value, "Content-Type": "image/png"}, body=picture())


def test_user_is_added_shown_listed_and_changed(site: Site, boss: User) -> None:
    added = ask(site, boss, "POST", "/users", {"username": "ユーザー1", "password": PASSWORD, "role": "viewer"})
    assert added.status_code == 201
    path = added.headers["Location"].removeprefix("/api/v1")
    assert path == f"/users/{added.json['id']}"
    assert ask(site, boss, "GET", path).json == added.json
    assert PASSWORD not in added.text
    assert "hash" not in added.text
    listed = ask(site, boss, "GET", "/users?limit=1").json
    assert (listed["count"] >= 2, listed["next"], len(listed["results"])) == (True, "/api/v1/users?limit=1&offset=1", 1)
    changed = ask(site, boss, "PATCH", path, {"role": "trainer", "is_disabled": True, "password": "another one"})
    assert (changed.json["role"], changed.json["is_disabled"]) == ("trainer", True)
    assert ask(site, boss, "PATCH", path, {}).json == changed.json
    ask(site, boss, "PATCH", path, {"is_disabled": False})
    assert browser_of(site).log_in("ユーザー1", "another one").status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"username": "boss", "password": PASSWORD, "role": "viewer"}, 409, "name_taken"),
        ({"username": "new", "password": "short", "role": "viewer"}, 422, "request_invalid"),
        ({"username": "a b", "password": PASSWORD, "role": "viewer"}, 422, "request_invalid"),
        ({"username": "a\0b", "password": PASSWORD, "role": "viewer"}, 422, "request_invalid"),
        ({"username": "a" * 65, "password": PASSWORD, "role": "viewer"}, 422, "request_invalid"),
        ({"username": "new", "password": PASSWORD, "role": "king"}, 422, "request_invalid"),
        ({"username": "new", "password": PASSWORD}, 422, "request_invalid"),
    ],
)
def test_user_that_cannot_be_is_refused(site: Site, boss: User, body: Any, status: int, code: str) -> None:
    answer = ask(site, boss, "POST", "/users", body)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert PASSWORD not in answer.text


def test_last_admin_stays_one(make_site: MakeSite) -> None:
    site = make_site()
    boss = get_person(site, "boss", "admin")
    for change in ({"role": "viewer"}, {"is_disabled": True}):
        answer = ask(site, boss, "PATCH", f"/users/{boss.id}", change)
        assert (answer.status_code, answer.json["code"]) == (409, "last_admin")
    other = get_person(site, "other", "admin")
    assert ask(site, other, "PATCH", f"/users/{boss.id}", {"role": "viewer"}).status_code == 200
    assert ask(site, boss, "GET", "/users").status_code == 401, "a role that changed ends tokens"


@pytest.mark.parametrize(("method", "path"), [("GET", "/users/999"), ("PATCH", "/users/999"), ("GET", "/keys/999")])
def test_what_is_not_there_is_404(site: Site, boss: User, method: str, path: str) -> None:
    answer = ask(site, boss, method, path, {} if method == "PATCH" else None)
    assert (answer.status_code, answer.json["code"]) == (404, f"{path.split('/')[1][:-1]}_not_found")
    assert ask(site, boss, method, "/users/0").status_code == 404


@pytest.mark.parametrize("role", ["viewer", "trainer"])
def test_users_are_for_admins(site: Site, boss: User, role: Any) -> None:
    user = get_person(site, role, role)
    for method, path in (("GET", "/users"), ("POST", "/users"), ("GET", "/users/1"), ("PATCH", "/users/1")):
        answer = ask(site, user, method, path)
        assert (answer.status_code, answer.json["code"]) == (403, "not_permitted")
        assert ask(site, None, method, path).json["code"] == "login_needed"


def test_key_is_shown_once_and_used_until_it_is_revoked(site: Site, boss: User) -> None:
    made = ask(site, boss, "POST", "/keys", {"name": "鍵", "scopes": ["predict"]})
    assert made.status_code == 201
    key, path = made.json["key"], made.headers["Location"].removeprefix("/api/v1")
    assert len(key) == 47
    assert key.startswith(made.json["prefix"])
    shown = ask(site, boss, "GET", path)
    assert key not in shown.text + ask(site, boss, "GET", "/keys").text
    assert shown.json == {name: value for name, value in made.json.items() if name != "key"}
    for header in ("X-API-Key", "Authorization"):
        assert predict(site, key, header).json["prediction_status"] == 200
    assert ask(site, boss, "GET", path).json["last_used_at"] is not None
    assert ask(site, boss, "DELETE", path).status_code == 204
    assert ask(site, boss, "DELETE", path).status_code == 204
    for header in ("X-API-Key", "Authorization"):
        assert (predict(site, key, header).status, predict(site, key, header).json["code"]) == (
            401,
            "credential_refused",
        )
    assert ask(site, boss, "GET", path).json["revoked_at"] is not None


def test_key_uploads_as_the_cfgs_key_does(site: Site, boss: User) -> None:
    _, key = accounts_of(site).keys.create("k", ["predict"], boss.id)
    assert site.upload({"api_key": key}, JSON).status == 201
    assert site.upload({"api_key": None}, {**JSON, "X-API-Key": key}).status == 201
    assert site.upload({"api_key": None}, {**JSON, "Authorization": f"Bearer {key}"}).status == 201
    assert site.upload({"api_key": None}, {**JSON, **jwt_header(site, boss)}).status == 201
    refused = site.upload({"api_key": "dpk_" + "a" * 43}, JSON)
    assert (refused.status, refused.json["code"]) == (401, "credential_refused")
    assert site.upload({"api_key": None}, {**JSON, "Authorization": "Bearer x"}).json["code"] == "credential_refused"
    assert site.upload({"api_key": "wrong"}, {**JSON, "X-API-Key": key}).json["code"] == "wrong_api_key"
    assert site.upload({"api_key": None}, {**JSON, "Authorization": "Basic YTpi"}).json["code"] == "no_credential"
    prediction_id = site.upload_id()
    assert site.request("DELETE", f"/api/v1/predictions/{prediction_id}", headers={"X-API-Key": key}).status == 204


def test_key_of_the_cfg_opens_nothing_of_the_management(site: Site) -> None:
    for headers in ({"X-API-Key": PRODUCTION_KEY}, {"Authorization": f"Bearer {PRODUCTION_KEY}"}):
        assert site.get("/api/v1/keys", headers=headers).status == 401


def test_key_of_scope_predict_gets_403_elsewhere(site: Site, boss: User) -> None:
    _, key = accounts_of(site).keys.create("k", ["predict"], boss.id)
    for path in ("/api/v1/users", "/api/v1/keys"):
        answer = site.get(path, headers={"X-API-Key": key})
        assert (answer.status, answer.json["code"]) == (403, "not_permitted")


def test_key_without_the_permission_predict_is_no_key_for_predictions(site: Site, boss: User) -> None:
    """Its row names a scope that this version does not know."""
    _, key = accounts_of(site).keys.create("k", [], boss.id)
    assert predict(site, key).json["code"] == "not_permitted"


def test_expired_key_is_refused(site: Site, boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ask(site, boss, "POST", "/keys", {"name": "k", "scopes": ["admin"], "expires_at": time.time() + 60})
    header = {"X-API-Key": made.json["key"]}
    assert site.get("/api/v1/users", headers=header).status == 200
    monkeypatch.setattr(accounts_of(site).keys, "_clock", lambda: time.time() + 61)
    assert site.get("/api/v1/users", headers=header).json["code"] == "credential_refused"


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": []},
        {"scopes": ["king"]},
        {"scopes": "predict"},
        {"name": ""},
        {"name": "two\nlines"},
        {"expires_at": 1},
        {"expires_at": 1e300},
        {"expires_at": "soon"},
        {"key": "mine"},
    ],
)
def test_key_that_cannot_be_is_refused(site: Site, boss: User, change: dict[str, Any]) -> None:
    answer = ask(site, boss, "POST", "/keys", {"name": "k", "scopes": ["predict"], **change})
    assert (answer.status_code, answer.json["code"]) == (422, "request_invalid")


def test_key_may_not_do_more_than_who_makes_it(site: Site) -> None:
    viewer, trainer = get_person(site, "viewer"), get_person(site, "trainer", "trainer")
    assert ask(site, viewer, "POST", "/keys", {"name": "k", "scopes": ["train"]}).status_code == 403
    assert ask(site, trainer, "POST", "/keys", {"name": "k", "scopes": ["predict", "admin"]}).status_code == 403
    assert ask(site, trainer, "POST", "/keys", {"name": "k", "scopes": ["train"]}).status_code == 201


def test_key_is_its_makers_and_the_admins_to_see(site: Site, boss: User) -> None:
    viewer, other = get_person(site, "viewer"), get_person(site, "other")
    made = ask(site, viewer, "POST", "/keys", {"name": "mine", "scopes": ["predict"]}).json
    path = f"/keys/{made['id']}"
    assert {key["created_by"] for key in ask(site, viewer, "GET", "/keys").json["results"]} == {viewer.id}
    assert ask(site, other, "GET", path).json["code"] == "key_not_found"
    assert ask(site, other, "DELETE", path).status_code == 404
    assert ask(site, boss, "GET", path).status_code == 200
    assert predict(site, made["key"]).status == 200
    assert ask(site, viewer, "DELETE", path).status_code == 204


def test_key_may_no_more_than_its_maker_may_now(site: Site, boss: User) -> None:
    user = get_person(site, "falls", "admin")
    _, key = accounts_of(site).keys.create("k", ["admin"], user.id)
    header = {"X-API-Key": key}
    assert site.get("/api/v1/users", headers=header).status == 200
    accounts_of(site).change_user(user.id, role="viewer")
    assert site.get("/api/v1/users", headers=header).status == 403
    assert predict(site, key).status == 200
    accounts_of(site).change_user(user.id, is_disabled=True)
    assert predict(site, key).status == 401


def test_keys_of_a_program_are_made_by_an_admins_only(site: Site, boss: User) -> None:
    """What leaks for an hour must not become what lasts."""
    user = get_person(site, "trainer", "trainer")
    _, key = accounts_of(site).keys.create("k", ["train"], user.id)
    assert site.get("/api/v1/keys", headers={"X-API-Key": key}).status == 403
    _, key = accounts_of(site).keys.create("k", ["admin"], boss.id)
    answer = browser_of(site).ask(
        "POST", "/api/v1/keys", json={"name": "k", "scopes": ["predict"]}, headers={"X-API-Key": key}
    )
    assert answer.status_code == 201


def test_session_of_a_key_says_what_it_may(site: Site) -> None:
    _, key = accounts_of(site).keys.create("k", ["train"], None)
    who = site.get("/api/v1/session", headers={"X-API-Key": key}).json
    assert who == {"user": None, "kind": "api_key", "permissions": ["predict", "view", "train"], "csrf_token": None}
    assert logged_in(site, "boss", "admin").who["permissions"] == ["predict", "view", "train", "admin"]
