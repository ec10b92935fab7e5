"""The first account, logins in the browser, tokens of /auth, and one's own password."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from types import SimpleNamespace

import pytest
from werkzeug.test import TestResponse

from deep_predictor.web import login_session
from deep_predictor.web.setup_link import print_setup_link, shown_address
from test.web.conftest import MakeSite
from test.web.management.people import (
    PASSWORD,
    Browser,
    accounts_of,
    browser_of,
    cheap_hashes,
    forget_attempts,
    get_person,
    jwt_header,
    logged_in,
)
from test.web.sites import Site

PROXY = "127.0.0.1"  # the test client's own address


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    changes = {"accounts_options": {"trusted_proxies": [PROXY]}}
    return make_site(changes=changes)


@pytest.fixture(autouse=True)
def _calm(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_attempts(site)
    cheap_hashes(monkeypatch)


def cookie_of(answer: TestResponse) -> dict[str, str]:
    """The attributes of the session's cookie, in lower case, and its value."""
    [cookie] = SimpleCookie(answer.headers["Set-Cookie"]).values()
    return {"value": cookie.value, **{name: str(value) for name, value in cookie.items() if value}}


def test_setup_link_makes_the_first_admin_once(make_site: MakeSite, capsys: pytest.CaptureFixture[str]) -> None:
    site = make_site()
    print_setup_link(site.app, shown_address("::1", 5000))
    printed = capsys.readouterr().out
    assert printed.startswith("Set up the first account: http://[::1]:5000/setup?token=")
    token = printed.strip().partition("token=")[2]
    browser = browser_of(site)
    page = browser.client.get("/setup", query_string={"token": token})
    assert page.status_code == 200
    assert token not in page.text
    assert "no-store" in page.headers["Cache-Control"]

    def post(**changes: str) -> TestResponse:
        body = {"token": token, "username": "anna", "password": PASSWORD, **changes}
        return browser.client.post("/api/v1/setup", json=body)

    assert post(token="x" * 43).json["code"] == "credential_refused"  # type: ignore[index]
    assert post(password="short").status_code == 422
    assert post(username="a b").status_code == 422
    answer = post()
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/v1/session"
    assert answer.json["user"]["role"] == "admin"  # type: ignore[index]
    assert browser.who["user"]["username"] == "anna"
    assert post(username="bert").json["code"] == "already_set_up"  # type: ignore[index]
    assert browser.client.get("/setup").status_code == 404
    print_setup_link(site.app, "")
    assert capsys.readouterr().out == ""


def test_setup_by_many_at_once_makes_one_account(make_site: MakeSite) -> None:
    site = make_site()
    token = accounts_of(site).setup_token()
    assert token

    def set_up(number: int) -> int:
        body = {"token": token, "username": f"user{number}", "password": PASSWORD}
        return site.app.test_client().post("/api/v1/setup", json=body).status_code

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(set_up, range(4))) == [201, 409, 409, 409]
    assert accounts_of(site).users(10, 0)[1] == 1


def test_setup_token_that_was_never_made_lets_nobody_in(make_site: MakeSite) -> None:
    client = make_site().app.test_client()
    for token in ("", "x", "\ud800"):
        body = {"token": token, "username": "anna", "password": PASSWORD}
        answer = client.post("/api/v1/setup", data=json.dumps(body), content_type="application/json")
        assert answer.status_code in (401, 422)


def test_login_gives_a_cookie_that_scripts_and_other_sites_do_not_get(site: Site) -> None:
    browser = browser_of(site)
    assert browser.who == {"user": None, "kind": None, "permissions": [], "csrf_token": None}
    get_person(site, "anna")
    answer = browser.log_in("anna")
    assert answer.status_code == 201
    cookie = cookie_of(answer)
    assert cookie["httponly"] == "True"
    assert cookie["samesite"] == "Lax"
    assert "secure" not in cookie
    assert browser.who == answer.json
    assert answer.json["permissions"] == ["predict", "view"]
    assert answer.json["kind"] == "session"


def test_login_over_https_gives_a_cookie_for_https_only(site: Site) -> None:
    get_person(site, "anna")
    answer = browser_of(site).log_in("anna", headers={"X-Forwarded-Proto": "https"})
    assert cookie_of(answer)["secure"] == "True"


def test_login_of_a_wrong_password_or_an_unknown_or_disabled_user_is_the_same(site: Site) -> None:
    get_person(site, "anna")
    disabled = get_person(site, "disabled")
    accounts_of(site).change_user(disabled.id, is_disabled=True)
    tries = [("anna", "wrong password"), ("nobody", PASSWORD), ("disabled", PASSWORD), ("a\0b", PASSWORD)]
    answers = [browser_of(site).log_in(*one) for one in tries]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1
    assert not any("Set-Cookie" in answer.headers for answer in answers)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "anna"},
        {"username": "", "password": PASSWORD},
        {"username": 7, "password": PASSWORD},
        {"username": "anna", "password": PASSWORD, "role": "admin"},
        {"username": "a" * 201, "password": PASSWORD},
        {"username": "anna", "password": "x" * 1025},
        [],
        "text",
    ],
)
def test_login_of_an_impossible_body_is_refused_without_its_secret(site: Site, body: object) -> None:
    for path in ("/api/v1/session", "/auth"):
        answer = site.app.test_client().post(path, json=body)
        assert answer.status_code == 422
        assert PASSWORD not in answer.text


def test_logout_ends_the_login(site: Site) -> None:
    browser = logged_in(site, "anna")
    assert browser.ask("DELETE", "/api/v1/session").status_code == 204
    assert browser.who["user"] is None
    assert browser.client.delete("/api/v1/session").status_code == 401


def test_logout_ends_copies_of_the_cookie_and_no_other_login(site: Site) -> None:
    browser, other = logged_in(site, "anna"), logged_in(site, "anna")
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    thief = browser_of(site)
    thief.client.set_cookie("session", cookie.value)
    thief.csrf = browser.csrf
    assert thief.ask("GET", "/api/v1/keys").status_code == 200
    assert browser.ask("DELETE", "/api/v1/session").status_code == 204
    for method, path in (("GET", "/api/v1/keys"), ("DELETE", "/api/v1/session")):
        answer = thief.ask(method, path)
        assert (answer.status_code, answer.json["code"]) == (401, "credential_refused")  # type: ignore[index]
    assert thief.who["user"] is None
    assert other.who["user"]["username"] == "anna"


def test_logout_with_a_token_ends_the_cookie_beside_it(site: Site) -> None:
    browser = logged_in(site, "anna")
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    token = jwt_header(site, get_person(site, "anna"))
    for _ in range(2):
        assert browser.client.delete("/api/v1/session", headers=token).status_code == 204
    browser.client.set_cookie("session", cookie.value)
    assert browser.who["user"] is None


def test_login_ends_after_its_hours(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = logged_in(site, "anna")
    later = time.time() + 12 * 3600 - 5
    monkeypatch.setattr(login_session, "time", SimpleNamespace(time=lambda: later))  # the cookie itself may last longer
    assert browser.ask("GET", "/api/v1/keys").status_code == 200
    later += 10
    assert browser.ask("GET", "/api/v1/keys").json["code"] == "credential_refused"  # type: ignore[index]
    assert browser.who["user"] is None


@pytest.mark.parametrize("change", [{"role": "trainer"}, {"is_disabled": True}, {"password": "another one"}])
def test_change_of_a_user_ends_logins_and_tokens(site: Site, change: dict[str, object]) -> None:
    username = f"changed-{next(iter(change))}"
    browser = logged_in(site, username)
    user = get_person(site, username)
    header = jwt_header(site, user)
    assert site.get("/api/v1/keys", headers=header).status == 200
    accounts_of(site).change_user(user.id, **change)  # type: ignore[arg-type]
    assert browser.ask("GET", "/api/v1/keys").status_code == 401
    assert site.get("/api/v1/keys", headers=header).json["code"] == "credential_refused"


@pytest.mark.parametrize("value", ["", "x", "eyJ1c2VyIjoxfQ.aaaaaa.bbbb", "é", "a" * 4000])
def test_cookie_that_is_not_ours_is_as_none(site: Site, value: str) -> None:
    client = site.app.test_client()
    client.set_cookie("session", value)
    assert client.get("/api/v1/keys").json["code"] == "login_needed"  # type: ignore[index]


def test_cookie_with_other_contents_is_as_none(site: Site) -> None:
    client = site.app.test_client()
    with client.session_transaction() as session:
        session.update(user="1", version=1, began=time.time(), id="x")
    assert client.get("/api/v1/keys").json["code"] == "login_needed"  # type: ignore[index]


def test_token_of_auth_is_taken_as_jwt_and_as_bearer(site: Site) -> None:
    get_person(site, "ios", "trainer")
    answer = site.app.test_client().post("/auth", json={"username": "ios", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json["expires_in"] == 3600  # type: ignore[index]
    assert "Set-Cookie" not in answer.headers
    token = answer.json["access_token"]  # type: ignore[index]
    for scheme in ("JWT", "Bearer", "bearer", "jwt"):
        who = site.get("/api/v1/session", headers={"Authorization": f"{scheme} {token}"}).json
        assert (who["user"]["username"], who["kind"], who["csrf_token"]) == ("ios", "jwt", None)


def test_token_that_is_wrong_is_refused_though_the_cookie_is_good(site: Site) -> None:
    browser = logged_in(site, "anna")
    good = accounts_of(site).make_token(get_person(site, "anna"))
    head, body, _ = good.split(".")
    for wrong in ("", "x", f"{head}.{body}.", f"{head}.{body}.AAAA", "dpk_" + "a" * 43, "dpa_" + "a" * 43):
        for headers in ({"Authorization": f"Bearer {wrong}"}, {"Authorization": f"JWT {wrong}"}):
            for path in ("/api/v1/keys", "/api/v1/session"):
                answer = browser.client.get(path, headers=headers)
                assert (answer.status_code, answer.json["code"]) == (401, "credential_refused")  # type: ignore[index]
                assert "Bearer" in answer.headers["WWW-Authenticate"]
    answer = browser.client.get("/api/v1/keys", headers={"X-API-Key": "dpk_" + "a" * 43})
    assert answer.status_code == 401


def test_credential_of_a_scheme_that_is_not_ours_is_for_somebody_else(site: Site) -> None:
    basic = {"Authorization": "Basic YTpi"}
    assert logged_in(site, "anna").ask("GET", "/api/v1/keys", headers=basic).status_code == 200
    assert site.get("/api/v1/keys", headers=basic).json["code"] == "login_needed"


def test_expired_token_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    header = jwt_header(site, get_person(site, "anna"))
    monkeypatch.setattr(accounts_of(site)._web_tokens, "_clock", lambda: time.time() + 3601)
    assert site.get("/api/v1/keys", headers=header).status == 401


def change_password(browser: Browser, old: str, new: str, headers: dict[str, str] | None = None) -> TestResponse:
    sent = {"json": {"old_password": old, "new_password": new}}
    return browser.ask("POST", "/api/v1/password", **sent, **({"headers": headers} if headers else {}))


def test_password_changed_in_the_browser_ends_all_other_logins(site: Site) -> None:
    here, there = logged_in(site, "carla"), logged_in(site, "carla")
    answer = change_password(here, PASSWORD, "my second password")
    assert answer.status_code == 200
    assert here.who == answer.json
    assert there.who["user"] is None
    assert here.csrf["X-CSRF-Token"] != answer.json["csrf_token"]
    assert browser_of(site).log_in("carla").status_code == 401
    assert browser_of(site).log_in("carla", "my second password").status_code == 201


def test_password_is_changed_with_the_old_one_only(site: Site) -> None:
    browser = logged_in(site, "dora")
    assert change_password(browser, "not the old one", "my second password").status_code == 401
    assert change_password(browser, PASSWORD, "short").status_code == 422
    assert browser.who["user"]["username"] == "dora"
    header = jwt_header(site, get_person(site, "dora"))
    answer = change_password(browser_of(site), PASSWORD, "my second password", header)
    assert (answer.status_code, answer.json["csrf_token"]) == (200, None)  # type: ignore[index]
    assert "Set-Cookie" not in answer.headers


def test_password_of_the_user_behind_a_key_is_not_a_programs_to_change(site: Site) -> None:
    user = get_person(site, "erna", "admin")
    _, key = accounts_of(site).keys.create("k", ["admin"], user.id)
    answer = change_password(browser_of(site), PASSWORD, "my second password", {"X-API-Key": key})
    assert (answer.status_code, answer.json["code"]) == (401, "login_needed")  # type: ignore[index]
