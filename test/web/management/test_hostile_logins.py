"""Names and passwords as attackers send them: guessed, forwarded, misspelt, monstrous."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping

import pytest

from deep_predictor.accounts import passwords
from deep_predictor.accounts.accounts import Accounts
from deep_predictor.accounts.throttle import Throttle
from test.web.conftest import MakeSite
from test.web.management.logins import ask, log_in, quick_logins
from test.web.management.oauth_programs import (
    PASSWORD,
    accounts,
    accounts_of,
    changeable_user,
    new_address,
    new_program,
    oauth_site,
)
from test.web.sites import TRANSPORTS, Site, short

__all__ = ["accounts", "changeable_user", "oauth_site", "quick_logins"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://localhost:1"]
)
def test_login_from_a_page_of_another_site_is_403(oauth_site: Site, origin: str) -> None:
    answer = log_in(oauth_site, Origin=origin)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert log_in(oauth_site, Origin="http://localhost").status_code == 201


def guess(site: Site, username: str, headers: Mapping[str, str]) -> int:
    """The status of a wrong password."""
    return ask(site, "POST", "/auth", json={"username": username, "password": "wrong"}, headers=headers).status_code


@pytest.mark.parametrize(
    "forged", ["198.51.100.{}", "198.51.100.{}, 203.0.113.1", "::ffff:198.51.100.{}", "x{}", " ", ""]
)
def test_forwarded_addresses_before_the_trusted_proxys_do_not_count(oauth_site: Site, forged: str) -> None:
    """Another name each time, so that the address alone slows them down."""
    real = new_address()
    headers = [{"X-Forwarded-For": f"{forged.format(number)}, {real}"} for number in range(7)]
    statuses = [guess(oauth_site, f"nobody{number}", sent) for number, sent in enumerate(headers)]
    assert statuses == [401] * 5 + [429] * 2


def test_forwarded_addresses_do_not_count_without_a_trusted_proxy(make_site: MakeSite) -> None:
    for transport in TRANSPORTS:
        site = make_site(transport)
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP"):
            accounts_of(site).throttle = Throttle()
            statuses = []
            for number in range(7):
                body = json.dumps({"username": f"nobody{number}", "password": "wrong"}).encode()
                headers = {"Content-Type": "application/json", name: f"198.51.100.{number}"}
                statuses.append(site.post("/auth", body=body, headers=headers).status)
            assert statuses == [401] * 5 + [429] * 2, (transport, name)


def test_spellings_of_one_name_are_slowed_down_as_one(oauth_site: Site, accounts: Accounts) -> None:
    accounts.add_user("Jos\u00e9", PASSWORD, "viewer")
    names = ("Jos\u00e9", "Jose\u0301") * 3
    assert [guess(oauth_site, name, {"X-Forwarded-For": new_address()}) for name in names] == [401] * 5 + [429]


def test_unknown_and_disabled_users_cost_the_same_work_and_get_the_same_answer(
    oauth_site: Site, accounts: Accounts, changeable_user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.change_user(changeable_user, is_disabled=True)
    seen: list[str] = []
    compare = passwords.check_password_hash

    def watched(password_hash: str, password: str) -> bool:
        seen.append(password)
        return compare(password_hash, password)

    monkeypatch.setattr(passwords, "check_password_hash", watched)
    told = []
    for username, password in (("admin", "wrong"), ("nobody", "wrong"), ("a b\0", "wrong"), ("trainer", PASSWORD)):
        answer = log_in(oauth_site, username, password)
        told.append((answer.status_code, answer.data, answer.headers.get("WWW-Authenticate")))
    assert seen == ["wrong"] * 3 + [PASSWORD]
    assert len(set(told)) == 1
    assert told[0][0] == 401


@pytest.mark.parametrize(
    "text", ["\0", "\ud800", "\u202eadmin", "ａｄｍｉｎ", "admin\n", "admin ", "' OR ''='", "x" * 201], ids=short
)
def test_hostile_names_and_passwords_are_refused(oauth_site: Site, text: str) -> None:
    for username, password in ((text, PASSWORD), ("admin", text)):
        answer = log_in(oauth_site, username, password)
        assert answer.status_code in (401, 422)
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(("length", "expected"), [(1024, 401), (1025, 422), (2_000_000, 413)])
def test_enormous_passwords_cost_nothing(oauth_site: Site, length: int, expected: int) -> None:
    assert log_in(oauth_site, "admin", "x" * length).status_code == expected
    oauth = new_program(oauth_site).token("password", username="admin", password="x" * length)
    assert oauth.status == (413 if length > 60_000 else 400)


def test_enormous_names_cost_nothing(oauth_site: Site) -> None:
    """Bringing one of so many accents into order takes seconds."""
    name, program = "a" + "\u0301\u0316" * 14_000, new_program(oauth_site)
    body = b"grant_type=password&password=x&username=" + name.encode()
    headers = {"Authorization": "Basic " + base64.b64encode(f"{program.client_id}:{program.secret}".encode()).decode()}
    began = time.process_time()
    answer = ask(
        oauth_site, "POST", "/o/token/", data=body, content_type="application/x-www-form-urlencoded", headers=headers
    )
    assert answer.get_json()["error"] == "invalid_grant"
    assert log_in(oauth_site, name).status_code == 422
    assert time.process_time() - began < 0.3


ODD_VALUES: list[object] = [
    *([], [[]], {}, {"a": 1}, 1, -1.5, 10**400, None, True, "", "\0", "a\0b", "\ud800", "x" * 1_000_000),
    *("\u0301" * 100_000, ["a"] * 1000, {"$ne": None}, float("nan")),
]
ODD_BODIES = [
    *(b"", b"null", b"[]", b"1", b'"x"', b"NaN", b"-", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"{}\0", b"1" * 900_000),
    *(
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"username":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        "{}".encode("utf-16"),
    ),
    *(b'{"\\ud800": 1}', b'{"\\u0000": 1}', b'{"": 1}', b'{"' + b"k" * 900_000 + b'": 1}'),
    b"{" + b",".join(b'"k%d":1' % number for number in range(50_000)) + b"}",
]


@pytest.mark.parametrize("path", ["/auth", "/api/v1/session", "/api/v1/setup", "/api/v1/password", "/o/token/"])
def test_odd_bodies_are_refused_in_few_words(oauth_site: Site, accounts: Accounts, path: str) -> None:
    """No server error, whatever is sent, and nothing that makes a large answer of a small body."""
    admin = accounts.find_user_by_name("admin")
    assert admin is not None
    program = new_program(oauth_site)
    basic = base64.b64encode(f"{program.client_id}:{program.secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    if path == "/api/v1/password":
        headers = {"Authorization": f"Bearer {accounts.make_token(admin)}"}
    good = {"username": "admin", "password": PASSWORD, "token": "x", "old_password": "x", "new_password": "x"}
    names = {"/api/v1/setup": ("username", "password", "token"), "/api/v1/password": ("old_password", "new_password")}
    wanted = names.get(path, ("username", "password"))
    bodies = [
        json.dumps({key: good[key] for key in wanted} | {name: odd}).encode() for name in wanted for odd in ODD_VALUES
    ]
    kinds = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"] if path == "/o/token/" else []
    for body in bodies + ODD_BODIES:
        for kind in ["application/json", *kinds]:
            accounts.throttle = accounts.oauth_clients._throttle = Throttle()
            answer = ask(oauth_site, "POST", path, data=body, content_type=kind, headers=headers)
            assert 400 <= answer.status_code < 500, (body[:50], kind)
            assert len(answer.data) < 20_000, (body[:50], kind)
