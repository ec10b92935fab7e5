"""People for tests of logins and keys: made straight in the database, logged in by HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from deep_predictor.accounts import passwords
from deep_predictor.accounts.accounts import Accounts
from deep_predictor.accounts.permissions import Role
from deep_predictor.accounts.throttle import Throttle
from deep_predictor.db.account_rows import User
from deep_predictor.management import EXTENSION, Management
from test.web.sites import Site

PASSWORD = "correct horse"


def accounts_of(site: Site) -> Accounts:
    management: Management = site.app.extensions[EXTENSION]
    return management.accounts


def forget_attempts(site: Site) -> None:
    accounts_of(site).throttle = Throttle()


def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """New passwords are hashed in no time."""
    cheap = partial(generate_password_hash, method="pbkdf2:sha256:1")
    monkeypatch.setattr(passwords, "generate_password_hash", cheap)


def get_person(site: Site, username: str, role: Role = "viewer") -> User:
    """The user of this name, who is made when there is none."""
    accounts = accounts_of(site)
    return accounts.find_user_by_name(username) or accounts.add_user(username, PASSWORD, role)


def jwt_header(site: Site, user: User) -> dict[str, str]:
    return {"Authorization": f"JWT {accounts_of(site).make_token(user)}"}


@dataclass
class Browser:
    """Keeps cookies. `csrf`: the header that a page of ours sends."""

    client: FlaskClient
    csrf: dict[str, str] = field(default_factory=dict)

    def log_in(self, username: str, password: str = PASSWORD, headers: Mapping[str, str] | None = None) -> TestResponse:
        body = {"username": username, "password": password}
        answer = self.client.post("/api/v1/session", json=body, headers=headers)
        if answer.status_code == 201:
            self.csrf = {"X-CSRF-Token": answer.json["csrf_token"]}  # type: ignore[index]
        return answer

    def ask(self, method: str, path: str, **sent: Any) -> TestResponse:
        """With the CSRF token, unless `headers` are given."""
        return self.client.open(path, method=method, headers=sent.pop("headers", self.csrf), **sent)

    @property
    def who(self) -> Any:
        return self.client.get("/api/v1/session").json


def browser_of(site: Site) -> Browser:
    return Browser(site.app.test_client())


def logged_in(site: Site, username: str, role: Role = "viewer") -> Browser:
    get_person(site, username, role)
    browser = browser_of(site)
    assert browser.log_in(username).status_code == 201
    return browser
