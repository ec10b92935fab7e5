"""OAuth2 clients: how they are made, whose secret is right, what scopes a token may get."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deep_predictor.accounts.oauth_clients import ClientWish, OAuthClients, find_allowed_scope
from deep_predictor.accounts.permissions import Role, Scope
from deep_predictor.accounts.throttle import Throttle
from deep_predictor.db.oauth_rows import OAuthClient
from deep_predictor.errors import NotFound, TooManyAttempts
from test.db.databases import read_table
from test.db.test_oauth_rows import oauth_rows

WISH = ClientWish("a program", ["train", "predict", "train"], ["refresh_token", "password"], 7)


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[OAuthClients]:
    with oauth_rows(tmp_path) as rows:
        yield OAuthClients(rows, Throttle())


def test_create_gives_an_id_and_a_secret_that_is_stored_as_its_hash(clients: OAuthClients, tmp_path: Path) -> None:
    client, secret = clients.create(WISH)
    assert re.fullmatch(r"dpc_[0-9a-f]{32}", client.client_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)
    assert secret not in str(read_table(tmp_path / "production.db", "SELECT * FROM oauth_clients"))
    assert (client.scopes, client.grant_types) == (("predict", "train"), ("password", "refresh_token"))
    assert (client.name, client.created_by) == ("a program", 7)
    assert clients.get(client.id) == client
    assert clients.page(10, 0) == ([client], 1)


def test_get_and_revoke_of_an_unknown_client_are_errors(clients: OAuthClients) -> None:
    for ask in (clients.get, clients.revoke):
        with pytest.raises(NotFound, match="no oauth client 5") as error:
            ask(5)
        assert error.value.code == "oauth_client_not_found"


def test_check_secret_knows_the_right_one_only(clients: OAuthClients) -> None:
    client, secret = clients.create(WISH)
    other, other_secret = clients.create(WISH)
    assert clients.check_secret(client.client_id, secret, "1.2.3.4") == client
    wrong = [
        (client.client_id, other_secret),
        (client.client_id, client.client_secret_hash),
        (client.client_id.upper(), secret),
        (f"{client.client_id}\n", secret),
        (client.client_id, secret + " "),
    ]
    for number, (client_id, text) in enumerate(wrong):
        assert clients.check_secret(client_id, text, f"1.2.3.{number}") is None
    assert clients.check_secret(other.client_id, other_secret, "1.2.3.4") == other


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "x" * 100_000, "0" * 64, "dpc_" + "0" * 32, "dpc_\0" + "0" * 31])
def test_check_secret_of_hostile_texts_is_none(clients: OAuthClients, text: str) -> None:
    client, _ = clients.create(WISH)
    assert clients.check_secret(text, text, "1.2.3.4") is None
    assert clients.check_secret(client.client_id, text, "1.2.3.5") is None


def test_revoked_client_is_no_client_any_more(clients: OAuthClients) -> None:
    client, secret = clients.create(WISH)
    clients.revoke(client.id)
    revoked_at = clients.get(client.id).revoked_at
    clients.revoke(client.id)
    assert clients.get(client.id).revoked_at == revoked_at
    assert clients.check_secret(client.client_id, secret, "1.2.3.4") is None


def test_wrong_secrets_are_slowed_down_and_the_right_one_never(clients: OAuthClients) -> None:
    client, secret = clients.create(WISH)
    for _ in range(5):
        assert clients.check_secret(client.client_id, "wrong", "1.2.3.4") is None
    for address in ("1.2.3.4", "5.6.7.8"):
        with pytest.raises(TooManyAttempts):
            clients.check_secret(client.client_id, "wrong", address)
        assert clients.check_secret(client.client_id, secret, address) == client


ALL: tuple[Scope, ...] = ("predict", "train", "admin")


@pytest.mark.parametrize(
    ("wanted", "scopes", "role", "expected"),
    [
        (None, ALL, None, "predict train admin"),
        ("", ALL, None, "predict train admin"),
        (" \t ", ALL, None, "predict train admin"),
        (None, ALL, "admin", "predict train admin"),
        (None, ALL, "trainer", "predict train"),
        (None, ALL, "viewer", "predict"),
        (None, ("train", "admin"), "viewer", None),
        ("train predict", ALL, "trainer", "predict train"),
        ("train train", ALL, "trainer", "train"),
        ("admin", ALL, "trainer", None),
        ("predict admin", ALL, "trainer", None),
        ("train", ("predict",), "admin", None),
        ("train", ("predict",), None, None),
        ("Train", ALL, None, None),
        ("read write", ALL, None, None),
        ("predict\0", ALL, None, None),
    ],
)
def test_find_allowed_scope_never_exceeds_client_and_role(
    wanted: str | None, scopes: tuple[Scope, ...], role: Role | None, expected: str | None
) -> None:
    client = OAuthClient("dpc_", "", "", scopes, (), None, 0.0, 1, None)
    assert find_allowed_scope(wanted, client, role) == expected
