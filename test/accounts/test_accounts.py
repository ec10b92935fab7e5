"""Whose a credential is, and who may log in: without HTTP."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.accounts import passwords
from deep_predictor.accounts.accounts import Accounts
from deep_predictor.accounts.oauth import TokenHolder
from deep_predictor.accounts.oauth_clients import ClientWish
from deep_predictor.accounts.permissions import SCOPE_PERMISSIONS, Principal, Role, permissions_of
from deep_predictor.accounts.throttle import FREE_ATTEMPTS
from deep_predictor.config.management_options import AccountsOptions
from deep_predictor.db.account_rows import AccountRows, User
from deep_predictor.db.oauth_rows import OAuthRows
from deep_predictor.db.setup import engine_for
from deep_predictor.errors import (
    CredentialRefused,
    DatabaseBusy,
    NotFound,
    RequestInvalid,
    StateConflict,
    TooManyAttempts,
)
from test.db.databases import connected

PASSWORD, HERE = "correct horse", "192.0.2.1"
PREDICT, TRAIN = SCOPE_PERMISSIONS["predict"], SCOPE_PERMISSIONS["train"]


class Clock:
    """Seconds since 1970, that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[AccountRows]:
    with connected(tmp_path) as app:
        yield AccountRows(engine_for(app, "production"))


@pytest.fixture
def accounts(rows: AccountRows, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    make = passwords.generate_password_hash
    monkeypatch.setattr(passwords, "generate_password_hash", lambda password: make(password, "pbkdf2:sha256:1"))
    return Accounts(rows, OAuthRows(rows._engine), AccountsOptions(), "a" * 64, clock)


def add(accounts: Accounts, username: str = "anna", role: Role = "trainer") -> User:
    return accounts.add_user(username, PASSWORD, role)


def client_id(accounts: Accounts) -> str:
    wish = ClientWish("program", ["predict", "train"], ["client_credentials"])
    return accounts.oauth_clients.create(wish)[0].client_id


def test_check_password_of_the_right_one_notes_the_login(accounts: Accounts) -> None:
    user = add(accounts)
    assert accounts.check_password("anna", PASSWORD, HERE).id == user.id
    assert accounts.get_user(user.id).last_login_at is not None
    for username in ("Anna", "", "anna\0", "\ud800", "a" * 1000):
        with pytest.raises(CredentialRefused):
            accounts.check_password(username, PASSWORD, HERE)
        accounts.throttle.succeeded(username, HERE)


def test_username_written_in_two_ways_is_one(accounts: Accounts) -> None:
    add(accounts, unicodedata.normalize("NFD", "Zoë"))
    assert accounts.check_password(unicodedata.normalize("NFC", "Zoë"), PASSWORD, HERE).username == "Zoë"


@pytest.mark.parametrize("username", ["", " ", "a b", "a:b", "a/b", "a\nb", "<b>", "a" * 65, "\ud800", "\u202e"])
def test_username_that_cannot_be_is_refused(accounts: Accounts, username: str) -> None:
    with pytest.raises(RequestInvalid, match="username: must be"):
        add(accounts, username)


def test_get_user_that_is_not_there_is_an_error(accounts: Accounts) -> None:
    with pytest.raises(NotFound):
        accounts.get_user(7)


def test_change_user_to_what_it_is_ends_nothing(accounts: Accounts) -> None:
    user = add(accounts)
    assert accounts.change_user(user.id, role="trainer", is_disabled=False) == user


def test_setup_counts_only_the_newest_token_and_only_without_users(accounts: Accounts) -> None:
    first, second = accounts.setup_token(), accounts.setup_token()
    assert first
    assert second
    with pytest.raises(CredentialRefused):
        accounts.take_setup(first, "anna", PASSWORD)
    add(accounts, "bert")  # by the command line, say
    with pytest.raises(StateConflict):
        accounts.take_setup(second, "anna", PASSWORD)
    assert accounts.setup_token() is None


def test_principal_of_a_web_token(accounts: Accounts) -> None:
    user = add(accounts)
    assert accounts.principal_of_token(accounts.make_token(user)) == Principal("jwt", "anna", TRAIN, user.id)
    with pytest.raises(CredentialRefused):
        accounts.principal_of_user(user.id, 2)
    with pytest.raises(CredentialRefused):
        accounts.principal_of_user(99, 1)


def test_principal_of_an_oauth_token_may_what_the_scope_and_the_user_may(accounts: Accounts) -> None:
    user = add(accounts, role="viewer")
    token = accounts.oauth_tokens.make("train", can_be_refreshed=False)
    accounts.oauth_tokens.save(token, TokenHolder(client_id(accounts), user.id, user.session_version))
    principal = accounts.principal_of_token(token.access_token)
    assert principal == Principal("oauth", "anna", TRAIN - {"train"}, user.id)
    accounts.change_user(user.id, role="trainer")
    with pytest.raises(CredentialRefused):
        accounts.principal_of_token(token.access_token)


def test_principal_of_a_clients_own_oauth_token(accounts: Accounts, clock: Clock) -> None:
    token = accounts.oauth_tokens.make("predict", can_be_refreshed=False)
    holder = TokenHolder(client_id(accounts))
    accounts.oauth_tokens.save(token, holder)
    assert accounts.principal_of_token(token.access_token) == Principal("oauth", holder.client_id, PREDICT, None)
    clock.now += token.expires_in
    with pytest.raises(CredentialRefused):
        accounts.principal_of_token(token.access_token)


def test_principal_of_a_key_of_nobody(accounts: Accounts) -> None:
    _, key = accounts.keys.create("job", ["train"], None)
    assert accounts.principal_of_token(key) == Principal("api_key", "job", TRAIN, None)
    for wrong in (key[:-1], key + "a", key.upper(), "dpk_", "dpk_" + "é" * 43, key + "\n"):
        with pytest.raises(CredentialRefused):
            accounts.principal_of_token(wrong)


def test_use_of_a_key_is_written_once_a_minute_and_never_in_the_way(
    accounts: Accounts, rows: AccountRows, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, key = accounts.keys.create("job", ["predict"], None)
    began = clock.now
    for _ in range(3):
        accounts.principal_of_token(key)
        clock.now += 25
    assert accounts.keys.get(record.id).last_used_at == began
    accounts.principal_of_token(key)
    assert accounts.keys.get(record.id).last_used_at == clock.now
    monkeypatch.setattr(rows, "note_use", busy)
    clock.now += 61
    assert accounts.principal_of_token(key).name == "job"


def test_permissions_of_scopes_that_nobody_knows_are_none() -> None:
    assert permissions_of(["king", ""]) == frozenset()


def test_login_with_the_right_password_does_not_wait_for_a_busy_database(
    accounts: Accounts, rows: AccountRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = add(accounts)
    monkeypatch.setattr(rows, "note_login", busy)
    assert accounts.check_password("anna", PASSWORD, HERE).id == user.id


@pytest.mark.parametrize(
    ("place", "error"), [("_rows.find_user_by_name", DatabaseBusy), ("_passwords.is_right", TooManyAttempts)]
)
def test_attempt_that_nobody_looked_at_is_not_counted(
    accounts: Accounts, place: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(accounts)
    holder, name = place.split(".")
    with monkeypatch.context() as patched:
        patched.setattr(getattr(accounts, holder), name, busy if error is DatabaseBusy else full)
        for _ in range(2 * FREE_ATTEMPTS):
            with pytest.raises(error):
                accounts.check_password("anna", PASSWORD, HERE)
    assert not accounts.throttle._entries
    assert accounts.check_password("anna", PASSWORD, HERE).username == "anna"


def test_name_of_many_accents_takes_no_time(accounts: Accounts) -> None:
    """Bringing them all into order takes seconds."""
    name = "a" + "\u0301\u0316" * 60_000
    began = time.process_time()
    assert accounts.find_user_by_name(name) is None
    with pytest.raises(CredentialRefused):
        accounts.check_password(name, PASSWORD, HERE)
    with pytest.raises(RequestInvalid):
        add(accounts, name)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("character", ["\u1f82", "\u1e69", "\uac01"])
def test_longest_name_in_its_longest_spelling_is_itself(accounts: Accounts, character: str) -> None:
    name = character * 64
    add(accounts, name)
    assert accounts.check_password(unicodedata.normalize("NFD", name), PASSWORD, HERE).username == name
    with pytest.raises(CredentialRefused):
        accounts.check_password(unicodedata.normalize("NFD", name + character), PASSWORD, HERE)


def busy(*arguments: Any) -> Any:
    raise DatabaseBusy("locked")


def full(*arguments: Any) -> Any:
    raise TooManyAttempts(1)
