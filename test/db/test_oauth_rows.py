"""What can be asked of and done to the rows of OAuth2 clients and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.db.oauth_rows import NewOAuthClient, NewOAuthToken, OAuthClient, OAuthRows, OAuthToken
from deep_predictor.db.setup import engine_for
from deep_predictor.errors import DatabaseBusy
from test.db.databases import connected, read_table
from test.db.test_concurrency import at_once, locked


@contextmanager
def oauth_rows(folder: Path, busy_timeout_seconds: float = 10.0) -> Iterator[OAuthRows]:
    with connected(folder, busy_timeout_seconds) as app:
        yield OAuthRows(engine_for(app, "production"))


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[OAuthRows]:
    with oauth_rows(tmp_path) as rows:
        yield rows


def insert_client(rows: OAuthRows, client_id: str = "c", **changes: Any) -> OAuthClient:
    values: dict[str, Any] = {
        "client_id": client_id,
        "client_secret_hash": "hash",
        "name": "日本 \"'",
        "scopes": ("predict", "train"),
        "grant_types": ("password", "refresh_token"),
        "created_by": 7,
        "created_at": 10.5,
    }
    return rows.insert_client(NewOAuthClient(**(values | changes)))


def new_token(name: str = "t", **changes: Any) -> NewOAuthToken:
    values: dict[str, Any] = {
        "access_token_hash": f"access {name}",
        "refresh_token_hash": f"refresh {name}",
        "client_id": "c",
        "user_id": 1,
        "session_version": 3,
        "scope": "predict train",
        "issued_at": 10.0,
        "expires_at": 20.0,
        "refresh_expires_at": 100.0,
    }
    return NewOAuthToken(**(values | changes))


def inserted(rows: OAuthRows, name: str = "t", **changes: Any) -> OAuthToken:
    rows.insert_token(new_token(name, **changes))
    token = rows.find_access_token(f"access {name}")
    assert token is not None
    return token


def revoked_at(rows: OAuthRows, name: str) -> float | None:
    token = rows.find_access_token(f"access {name}")
    assert token is not None
    return token.revoked_at


def test_insert_client_is_found_by_both_its_numbers_as_it_was_written(rows: OAuthRows) -> None:
    client = insert_client(rows)
    assert (client.name, client.scopes, client.grant_types) == (
        "日本 \"'",
        ("predict", "train"),
        ("password", "refresh_token"),
    )
    assert (client.created_by, client.created_at, client.revoked_at) == (7, 10.5, None)
    assert rows.find_client("c") == rows.find_client_row(client.id) == client
    assert rows.find_client("C") is None
    assert rows.find_client_row(client.id + 1) is None


def test_clients_are_paged_oldest_first_with_their_count(rows: OAuthRows) -> None:
    ids = [insert_client(rows, f"c{number}").id for number in range(5)]
    rows.revoke_client(ids[1], 50.0)
    found, count = rows.clients(2, 1)
    assert [client.id for client in found] == ids[1:3]
    assert (found[0].revoked_at, count) == (50.0, 5)
    assert rows.clients(2, 9) == ([], 5)


def test_revoke_client_keeps_the_first_time_and_hides_its_tokens(rows: OAuthRows) -> None:
    client, other = insert_client(rows), insert_client(rows, "other")
    inserted(rows)
    inserted(rows, "others", client_id="other")
    rows.revoke_client(client.id, 50.0)
    rows.revoke_client(client.id, 60.0)
    revoked = rows.find_client("c")
    assert revoked is not None
    assert revoked.revoked_at == 50.0
    assert rows.find_access_token("access t") is None
    assert rows.find_refresh_token("refresh t") is None
    assert rows.find_access_token("access others") is not None
    assert rows.find_client(other.client_id) == other


def test_tokens_are_found_by_the_hash_of_their_own_kind_only(rows: OAuthRows) -> None:
    insert_client(rows)
    token = inserted(rows)
    assert rows.find_refresh_token("refresh t") == token
    assert rows.find_access_token("refresh t") is None
    assert rows.find_refresh_token("access t") is None
    assert (token.user_id, token.session_version, token.scope, token.expires_at) == (1, 3, "predict train", 20.0)


def test_tokens_without_a_refresh_token_do_not_meet(rows: OAuthRows) -> None:
    insert_client(rows)
    for name in "ab":
        inserted(rows, name, refresh_token_hash=None, refresh_expires_at=None, user_id=None, session_version=None)
    assert rows.find_access_token("access a") != rows.find_access_token("access b")


def test_replace_token_revokes_the_old_one_and_adds_the_new_one_once(rows: OAuthRows) -> None:
    insert_client(rows)
    old = inserted(rows)
    assert rows.replace_token(old.id, new_token("new"), 15.0)
    assert revoked_at(rows, "t") == 15.0
    assert revoked_at(rows, "new") is None
    assert not rows.replace_token(old.id, new_token("newer"), 16.0)
    assert rows.find_access_token("access newer") is None
    assert revoked_at(rows, "t") == 15.0


def test_replace_token_of_many_at_once_exactly_one_wins(rows: OAuthRows) -> None:
    insert_client(rows)
    for number in range(10):
        old = inserted(rows, f"old {number}")

        def replace(thread: int, old: OAuthToken = old, number: int = number) -> bool:
            return rows.replace_token(old.id, new_token(f"new {number} {thread}"), 15.0)

        assert sorted(at_once(4, replace)) == [False, False, False, True]  # type: ignore[type-var]


def test_revoke_token_forgets_its_refresh_token(rows: OAuthRows) -> None:
    insert_client(rows)
    token = inserted(rows)
    rows.revoke_token(token.id, 15.0)
    rows.revoke_token(token.id, 16.0)
    assert revoked_at(rows, "t") == 15.0
    assert rows.find_refresh_token("refresh t") is None


def test_revoke_tokens_of_ends_those_of_one_client_and_one_user(rows: OAuthRows) -> None:
    insert_client(rows)
    insert_client(rows, "other")
    inserted(rows, "mine")
    inserted(rows, "used", client_id="c")
    rows.replace_token(inserted(rows, "older").id, new_token("newer"), 12.0)
    inserted(rows, "another user's", user_id=2)
    inserted(rows, "another client's", client_id="other")
    inserted(rows, "nobody's", user_id=None, session_version=None)
    rows.revoke_tokens_of("c", 1, 15.0)
    assert [revoked_at(rows, name) for name in ("mine", "used", "older", "newer")] == [15.0, 15.0, 12.0, 15.0]
    assert [revoked_at(rows, name) for name in ("another user's", "another client's", "nobody's")] == [None] * 3
    assert rows.find_refresh_token("refresh older") is None
    assert rows.find_refresh_token("refresh newer") is None
    rows.revoke_tokens_of("c", None, 16.0)
    assert revoked_at(rows, "nobody's") == 16.0


def test_delete_expired_keeps_what_can_be_used_or_refreshed(rows: OAuthRows) -> None:
    insert_client(rows)
    inserted(rows, "refreshable")
    inserted(rows, "short", refresh_token_hash=None, refresh_expires_at=None)
    inserted(rows, "refresh is shorter", refresh_expires_at=15.0)
    assert rows.delete_expired(19.0) == 0
    assert rows.delete_expired(20.0) == 2
    assert rows.find_access_token("access refreshable") is not None
    assert rows.delete_expired(100.0) == 1


def test_locked_database_is_busy(tmp_path: Path) -> None:
    with oauth_rows(tmp_path, 0.05) as rows:
        client = insert_client(rows)
        token = inserted(rows)
        with locked(tmp_path / "production.db"):
            assert rows.find_access_token("access t") == token
            for write in (
                lambda: insert_client(rows, "d"),
                lambda: rows.revoke_client(client.id, 1.0),
                lambda: rows.replace_token(token.id, new_token("new"), 1.0),
                lambda: rows.revoke_token(token.id, 1.0),
                lambda: rows.revoke_tokens_of("c", 1, 1.0),
                lambda: rows.delete_expired(1e9),
            ):
                with pytest.raises(DatabaseBusy):
                    write()


def test_clients_and_tokens_live_in_the_production_database(tmp_path: Path) -> None:
    with oauth_rows(tmp_path) as rows:
        insert_client(rows)
        inserted(rows)
    for table in ("oauth_clients", "oauth_tokens"):
        assert len(read_table(tmp_path / "production.db", f"SELECT * FROM {table}")) == 1
        assert read_table(tmp_path / "test.db", f"SELECT * FROM {table}") == []
