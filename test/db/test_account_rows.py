"""What can be asked of and done to the rows of users and API keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.db.account_rows import AccountRows, NewKey, User
from deep_predictor.db.setup import engine_for
from deep_predictor.errors import DatabaseBusy, NameTaken, NotFound, StateConflict
from test.db.databases import connected
from test.db.test_concurrency import at_once, locked
from test.db.test_postgresql import urls as urls


@pytest.fixture(params=["sqlite", "postgresql"])
def rows(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[AccountRows]:
    """Of a SQLite file, and of a PostgreSQL server where there is one."""
    with connected(tmp_path, urls=None if request.param == "sqlite" else request.getfixturevalue("urls")) as app:
        yield AccountRows(engine_for(app, "production"))


def add(rows: AccountRows, username: str = "anna", role: str = "admin") -> User:
    return rows.insert_user(username, "hash", role)


def new_key(key_hash: str = "a" * 64, **changes: Any) -> NewKey:
    values: dict[str, Any] = {"name": "鍵", "prefix": "dpk_abc", "scopes": "predict train", "created_by": None}
    return NewKey(**{**values, "key_hash": key_hash, "expires_at": None, **changes})


def test_insert_user_is_found_by_id_and_by_name(rows: AccountRows) -> None:
    before = time.time()
    user = add(rows, "アンナ")
    assert (user.username, user.role, user.is_disabled, user.session_version) == ("アンナ", "admin", False, 1)
    assert before <= user.created_at <= time.time()
    assert user.last_login_at is None
    assert rows.find_user(user.id) == rows.find_user_by_name("アンナ") == user
    assert rows.find_user(user.id + 1) is rows.find_user_by_name("b") is None
    assert "hash" not in repr(user)


def test_insert_user_of_a_taken_name_is_refused(rows: AccountRows) -> None:
    add(rows)
    with pytest.raises(NameTaken, match="a user of the name 'anna'"):
        add(rows, role="viewer")
    assert rows.users(10, 0)[1] == 1


def test_insert_first_user_is_refused_when_there_is_one(rows: AccountRows) -> None:
    assert not rows.has_users()
    rows.insert_user("anna", "hash", "admin", only_first=True)
    assert rows.has_users()
    with pytest.raises(StateConflict, match="an account already"):
        rows.insert_user("bert", "hash", "admin", only_first=True)


def test_insert_first_user_by_many_at_once_exactly_one_wins(rows: AccountRows) -> None:
    def insert(number: int) -> bool:
        try:
            rows.insert_user(f"user{number}", "hash", "admin", only_first=True)
        except StateConflict:
            return False
        return True

    assert sum(map(bool, at_once(6, insert))) == 1
    assert rows.users(10, 0)[1] == 1


def test_users_come_in_pages_oldest_first(rows: AccountRows) -> None:
    names = [add(rows, f"user{number}").username for number in range(5)]
    some, count = rows.users(2, 1)
    assert ([user.username for user in some], count) == (names[1:3], 5)
    assert rows.users(2, 9) == ([], 5)


def test_change_user_ends_what_was_signed_before(rows: AccountRows) -> None:
    add(rows)
    user = add(rows, "bert", "viewer")
    changed = rows.change_user(user.id, role="trainer", password_hash="other")
    assert (changed.role, changed.password_hash, changed.session_version) == ("trainer", "other", 2)
    assert rows.find_user(user.id) == changed
    with pytest.raises(NotFound, match="no user 99"):
        rows.change_user(99, role="viewer")


@pytest.mark.parametrize("change", [{"role": "trainer"}, {"is_disabled": True}])
def test_change_of_the_last_admin_who_can_log_in_is_refused(rows: AccountRows, change: dict[str, Any]) -> None:
    first, second = add(rows), add(rows, "bert")
    rows.change_user(second.id, is_disabled=True)
    with pytest.raises(StateConflict) as raised:
        rows.change_user(first.id, **change)
    assert raised.value.code == "last_admin"
    assert rows.find_user(first.id) == first
    rows.change_user(first.id, password_hash="other")
    rows.change_user(second.id, is_disabled=False)
    assert rows.change_user(first.id, **change).session_version == 3


def test_two_admins_that_demote_each_other_at_once_leave_one(rows: AccountRows) -> None:
    ids = [add(rows).id, add(rows, "bert").id]

    def demote(number: int) -> bool:
        try:
            rows.change_user(ids[number], role="viewer")
        except StateConflict:
            return False
        return True

    assert sum(map(bool, at_once(2, demote))) == 1


def test_note_login_keeps_what_was_signed(rows: AccountRows) -> None:
    user = add(rows)
    rows.note_login(user.id)
    found = rows.find_user(user.id)
    assert found
    assert found.last_login_at is not None
    assert found.session_version == 1


def test_insert_key_is_found_by_its_hash(rows: AccountRows) -> None:
    key = rows.insert_key(new_key(created_by=7, expires_at=2e9))
    assert rows.find_key("a" * 64) == rows.get_key(key.id) == key
    assert (key.name, key.scopes, key.created_by, key.expires_at) == ("鍵", "predict train", 7, 2e9)
    assert (key.last_used_at, key.revoked_at) == (None, None)
    assert rows.find_key("b" * 64) is None
    assert "aaa" not in repr(key) + repr(new_key())
    with pytest.raises(NotFound, match="no key 99"):
        rows.get_key(99)


def test_keys_come_in_pages_everybodys_or_one_users(rows: AccountRows) -> None:
    keys = [rows.insert_key(new_key(str(number) * 64, created_by=number % 2)) for number in range(5)]
    assert rows.keys(2, 1) == (keys[1:3], 5)
    assert rows.keys(10, 0, created_by=1) == ([keys[1], keys[3]], 2)


def test_revoke_key_keeps_the_first_time(rows: AccountRows) -> None:
    key = rows.insert_key(new_key())
    rows.revoke_key(key.id)
    first = rows.get_key(key.id).revoked_at
    assert first is not None
    rows.revoke_key(key.id)
    assert rows.get_key(key.id).revoked_at == first


def test_note_use_writes_no_more_often_than_asked(rows: AccountRows) -> None:
    key = rows.insert_key(new_key())
    rows.note_use(key.id, 1000.0, 940.0)
    rows.note_use(key.id, 1030.0, 970.0)
    assert rows.get_key(key.id).last_used_at == 1000.0
    rows.note_use(key.id, 1061.0, 1001.0)
    assert rows.get_key(key.id).last_used_at == 1061.0


def test_locked_database_is_busy(tmp_path: Path) -> None:
    with connected(tmp_path, busy_timeout_seconds=0.1) as app:
        rows = AccountRows(engine_for(app, "production"))
        user, key = add(rows), rows.insert_key(new_key())
        with locked(tmp_path / "production.db"):
            for write in (
                lambda: add(rows, "bert"),
                lambda: rows.change_user(user.id, role="viewer"),
                lambda: rows.note_login(user.id),
                lambda: rows.insert_key(new_key("b" * 64)),
                lambda: rows.revoke_key(key.id),
                lambda: rows.note_use(key.id, 1.0, 1.0),
            ):
                with pytest.raises(DatabaseBusy):
                    write()
            assert rows.find_user(user.id) == user
