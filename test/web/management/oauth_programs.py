"""Programs that ask for OAuth2 tokens, for tests: a site with users, and clients with addresses of their own.

Test modules import the fixtures by name.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest
from werkzeug.security import generate_password_hash

from deep_predictor.accounts import passwords
from deep_predictor.accounts.accounts import Accounts
from deep_predictor.accounts.oauth_clients import GRANT_TYPES, ClientWish, GrantType
from deep_predictor.accounts.permissions import ROLES, SCOPES, Scope
from test.web.conftest import MakeSite
from test.web.management.conftest import management_of
from test.web.sites import Answer, Site

PASSWORD = "correct horse battery"
#: The test client's own address speaks for others.
TRUSTING = {"accounts_options": {"trusted_proxies": ["127.0.0.1"]}}

_numbers = itertools.count(1)


def new_address() -> str:
    """One that no test has used: wrong attempts slow its next ones down."""
    number = next(_numbers)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@dataclass
class Program:
    """A client of a site. `post`: whatever fields the form shall have."""

    site: Site
    client_id: str
    secret: str
    row_id: int
    address: str = field(default_factory=new_address)

    def post(self, path: str, form: dict[str, str] | None = None, authorization: str | None = None) -> Answer:
        headers = {
            "X-Forwarded-For": self.address,
            "Authorization": authorization if authorization is not None else basic(self.client_id, self.secret),
        }
        return self.site.post(path, form=form or {}, headers=headers)

    def token(self, grant_type: str, **fields: str) -> Answer:
        return self.post("/o/token/", {"grant_type": grant_type, **fields})

    def introspected(self, token: str) -> dict[str, object]:
        answer = self.post("/o/introspect/", {"token": token})
        assert answer.status == 200, answer.text
        facts: dict[str, object] = answer.json
        return facts


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def new_program(
    site: Site, scopes: Iterable[Scope] = SCOPES, grant_types: Iterable[GrantType] = GRANT_TYPES
) -> Program:
    client, secret = accounts_of(site).oauth_clients.create(ClientWish("a test's", scopes, grant_types))
    return Program(site, client.client_id, secret, client.id)


def accounts_of(site: Site) -> Accounts:
    return management_of(site).accounts


@pytest.fixture(scope="module")
def oauth_site(make_site: MakeSite) -> Iterator[Site]:
    """With a user of each role, named like it. Passwords are hashed quickly."""
    site = make_site(changes=TRUSTING)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "generate_password_hash", partial(generate_password_hash, method="scrypt:256:8:1"))
        for role in ROLES:
            accounts_of(site).add_user(role, PASSWORD, role)
        yield site


@pytest.fixture
def accounts(oauth_site: Site) -> Accounts:
    return accounts_of(oauth_site)


@pytest.fixture
def program(oauth_site: Site) -> Program:
    """A client that may everything."""
    return new_program(oauth_site)


def logged_in(program: Program, username: str = "trainer") -> dict[str, str]:
    """What it is told of a token for this user."""
    answer = program.token("password", username=username, password=PASSWORD)
    assert answer.status == 200, answer.text
    told: dict[str, str] = answer.json
    return told


def is_refused(answer: Answer, error: str, status: int = 400) -> bool:
    """Whether it is that error in OAuth2's words."""
    assert answer.headers["Cache-Control"] == "no-store"
    return (answer.status, answer.media_type, answer.json["error"]) == (status, "application/json", error)


@pytest.fixture
def changeable_user(accounts: Accounts) -> Iterator[int]:
    """The trainer's id; what a test did to it is undone."""
    user = accounts.find_user_by_name("trainer")
    assert user is not None
    yield user.id
    accounts.change_user(user.id, role="trainer", is_disabled=False, password=PASSWORD)
