"""Wrong passwords slow down further ones, per account and per address; only trusted proxies say which address."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from test.web.conftest import MakeSite
from test.web.management.people import PASSWORD, cheap_hashes, forget_attempts, get_person, jwt_header, logged_in
from test.web.sites import Site


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    return make_site(changes={"accounts_options": {"trusted_proxies": ["127.0.0.1", "10.0.0.0/8"]}})


@pytest.fixture(autouse=True)
def _calm(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_attempts(site)
    cheap_hashes(monkeypatch)
    get_person(site, "anna")


def attempt(site: Site, username: str, address: str, password: str = "wrong", path: str = "/auth") -> TestResponse:
    body = {"username": username, "password": password}
    return site.app.test_client().post(path, json=body, headers={"X-Forwarded-For": address})


@pytest.mark.parametrize("path", ["/auth", "/api/v1/session"])
def test_ten_wrong_passwords_slow_down(site: Site, path: str) -> None:
    answers = [attempt(site, "anna", f"192.0.2.{number}", path=path) for number in range(10)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 5
    assert answers[-1].json["code"] == "too_many_attempts"  # type: ignore[index]
    assert answers[-1].headers["Retry-After"] == "1"
    right = attempt(site, "anna", "198.51.100.1", PASSWORD, path)
    assert right.status_code == 429, "the right password is not looked at"


def test_one_address_is_slowed_down_whatever_the_names(site: Site) -> None:
    statuses = [attempt(site, f"nobody{number}", "192.0.2.1").status_code for number in range(6)]
    assert statuses == [401] * 5 + [429]
    assert attempt(site, "anna", "192.0.2.1", PASSWORD).status_code == 429
    assert attempt(site, "anna", "192.0.2.2", PASSWORD).status_code == 200


def test_address_that_the_client_invents_does_not_count(site: Site) -> None:
    """The proxy writes who asked it behind what that one wrote."""
    statuses = [attempt(site, f"nobody{n}", f"203.0.113.{n}, 192.0.2.1, 10.0.0.7").status_code for n in range(6)]
    assert statuses == [401] * 5 + [429]


def test_guessing_the_old_password_is_slowed_down(site: Site) -> None:
    browser = logged_in(site, "anna")
    body = {"old_password": "wrong", "new_password": "my second password"}
    statuses = [browser.ask("POST", "/api/v1/password", json=body).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


def test_wrong_tokens_are_not_counted(site: Site) -> None:
    """Nobody guesses 256 bits; and an old token in a program must not lock its owner out."""
    for _ in range(8):
        assert site.get("/api/v1/keys", headers={"Authorization": "Bearer x.y.z"}).status == 401
    assert site.get("/api/v1/keys", headers=jwt_header(site, get_person(site, "anna"))).status == 200
