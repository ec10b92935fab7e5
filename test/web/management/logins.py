"""Logins as browsers and programs send them, for tests: by clients that keep no cookies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from deep_predictor.accounts import passwords
from deep_predictor.accounts.accounts import Accounts
from deep_predictor.accounts.throttle import Throttle
from test.web.management.oauth_programs import PASSWORD, new_address
from test.web.sites import Site


@pytest.fixture(autouse=True)
def quick_logins(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests got wrong does not slow this one down, and names that nobody has cost little."""
    monkeypatch.setattr(accounts, "throttle", Throttle())
    monkeypatch.setattr(passwords, "_NOBODYS_HASH", f"scrypt:256:8:1${'0' * 16}${'0' * 128}")


def ask(site: Site, method: str, path: str, **sent: Any) -> TestResponse:
    """A request of a client that keeps no cookies."""
    return site.app.test_client(use_cookies=False).open(path, method=method, **sent)


def log_in(site: Site, username: str = "admin", password: str = PASSWORD, **headers: str) -> TestResponse:
    headers = {"X-Forwarded-For": new_address()} | {name.replace("_", "-"): value for name, value in headers.items()}
    body = json.dumps({"username": username, "password": password})
    return ask(site, "POST", "/api/v1/session", data=body, content_type="application/json", headers=headers)


def browser_login(site: Site, username: str = "admin") -> tuple[str, str]:
    """(Cookie header, CSRF token) of a new login."""
    answer = log_in(site, username)
    assert answer.status_code == 201, answer.text
    token: str = answer.get_json()["csrf_token"]
    return answer.headers["Set-Cookie"].partition(";")[0], token
