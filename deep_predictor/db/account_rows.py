"""Every query on the tables users and api_keys. Usable from any thread, with or without a request."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, Table, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from deep_predictor.db.account_columns import ApiKeyColumns, UserColumns
from deep_predictor.db.connections import busy_errors
from deep_predictor.db.models import get_model
from deep_predictor.errors import NameTaken, NotFound, StateConflict


@dataclass(frozen=True)
class User:
    """A row of `users`; the meaning of each field stands in `account_columns.UserColumns`."""

    id: int
    username: str
    role: Literal["viewer", "trainer", "admin"]
    is_disabled: bool
    session_version: int
    created_at: float
    last_login_at: float | None
    password_hash: str = field(repr=False)


@dataclass(frozen=True)
class NewKey:
    name: str
    prefix: str
    key_hash: str = field(repr=False)
    scopes: str
    created_by: int | None
    expires_at: float | None


@dataclass(frozen=True)
class KeyRecord:
    """A row of `api_keys`; the meaning of each field stands in `account_columns.ApiKeyColumns`."""

    id: int
    name: str
    prefix: str
    key_hash: str = field(repr=False)
    scopes: str
    created_by: int | None
    created_at: float
    expires_at: float | None
    last_used_at: float | None
    revoked_at: float | None


class AccountRows:
    """Production's. Every method is one transaction and may raise DatabaseBusy."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._users: Table = get_model(UserColumns, "production").__table__  # type: ignore[attr-defined]
        self._keys: Table = get_model(ApiKeyColumns, "production").__table__  # type: ignore[attr-defined]

    def insert_user(self, username: str, password_hash: str, role: str, only_first: bool = False) -> User:
        """Raises NameTaken; with `only_first` StateConflict when there is a user: of two at once one comes in."""
        values = {"username": username, "password_hash": password_hash, "role": role, "created_at": time.time()}
        values |= {"is_disabled": False, "session_version": 1}
        try:
            with busy_errors(), self._engine.begin() as connection:
                _keep_others_out(connection, self._users)
                if only_first and connection.scalar(select(exists().select_from(self._users))):
                    raise StateConflict("already_set_up", "there is an account already")
                added = connection.execute(insert(self._users).values(values).returning(*self._users.c))
                return _user(added.one())
        except IntegrityError:
            raise NameTaken("user", username) from None

    def has_users(self) -> bool:
        with busy_errors(), self._engine.connect() as connection:
            return bool(connection.scalar(select(exists().select_from(self._users))))

    def find_user(self, user_id: int) -> User | None:
        return self._find_user(self._users.c.id == user_id)

    def find_user_by_name(self, username: str) -> User | None:
        return self._find_user(self._users.c.username == username)

    def users(self, limit: int, offset: int) -> tuple[list[User], int]:
        """Some of the users, oldest first, and how many there are."""
        rows, count = self._page(self._users, limit, offset)
        return [_user(row) for row in rows], count

    def change_user(self, user_id: int, **values: Any) -> User:
        """Change password_hash, role or is_disabled; what was signed before counts no more.

        Raises NotFound, StateConflict when no admin would be left who can log in.
        """
        table = self._users
        is_it = table.c.id == user_id
        is_admin = (table.c.role == "admin") & table.c.is_disabled.is_(False)
        with busy_errors(), self._engine.begin() as connection:
            _keep_others_out(connection, table)
            had_admin = connection.scalar(select(exists().where(is_admin)))
            changed = update(table).where(is_it).values(session_version=table.c.session_version + 1, **values)
            row = connection.execute(changed.returning(*table.c)).first()
            if row is None:
                raise NotFound("user", user_id)
            if had_admin and not connection.scalar(select(exists().where(is_admin))):
                raise StateConflict("last_admin", "this is the last admin who can log in; make another one first")
            return _user(row)

    def note_login(self, user_id: int) -> None:
        statement = update(self._users).where(self._users.c.id == user_id).values(last_login_at=time.time())
        with busy_errors(), self._engine.begin() as connection:
            connection.execute(statement)

    def insert_key(self, new: NewKey) -> KeyRecord:
        values = {**vars(new), "created_at": time.time()}
        with busy_errors(), self._engine.begin() as connection:
            added = connection.execute(insert(self._keys).values(values).returning(*self._keys.c))
            return _key(added.one())

    def find_key(self, key_hash: str) -> KeyRecord | None:
        with busy_errors(), self._engine.connect() as connection:
            row = connection.execute(select(self._keys).where(self._keys.c.key_hash == key_hash)).first()
        return _key(row) if row else None

    def get_key(self, key_id: int) -> KeyRecord:
        """Raises NotFound."""
        with busy_errors(), self._engine.connect() as connection:
            row = connection.execute(select(self._keys).where(self._keys.c.id == key_id)).first()
        if row is None:
            raise NotFound("key", key_id)
        return _key(row)

    def keys(self, limit: int, offset: int, created_by: int | None = None) -> tuple[list[KeyRecord], int]:
        """Some of the keys, or of those that a user made, oldest first, and how many there are."""
        conditions = [] if created_by is None else [self._keys.c.created_by == created_by]
        rows, count = self._page(self._keys, limit, offset, *conditions)
        return [_key(row) for row in rows], count

    def revoke_key(self, key_id: int) -> None:
        """A key that was revoked keeps the time of the first."""
        revoked_at = func.coalesce(self._keys.c.revoked_at, time.time())
        statement = update(self._keys).where(self._keys.c.id == key_id).values(revoked_at=revoked_at)
        with busy_errors(), self._engine.begin() as connection:
            connection.execute(statement)

    def note_use(self, key_id: int, now: float, older_than: float) -> None:
        """Write that a key was used `now`, unless that was written after `older_than`."""
        is_long_ago = or_(self._keys.c.last_used_at.is_(None), self._keys.c.last_used_at < older_than)
        statement = update(self._keys).where(self._keys.c.id == key_id, is_long_ago).values(last_used_at=now)
        with busy_errors(), self._engine.begin() as connection:
            connection.execute(statement)

    def _find_user(self, condition: Any) -> User | None:
        with busy_errors(), self._engine.connect() as connection:
            row = connection.execute(select(self._users).where(condition)).first()
        return _user(row) if row else None

    def _page(self, table: Table, limit: int, offset: int, *conditions: Any) -> tuple[list[Row[Any]], int]:
        some = select(table).where(*conditions).order_by(table.c.id).limit(limit).offset(offset)
        with busy_errors(), self._engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0
            return list(connection.execute(some)), count


def _keep_others_out(connection: Connection, table: Table) -> None:
    """Look and change as the only writer of the table."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE")


def _user(row: Row[Any]) -> User:
    return User(**row._mapping)


def _key(row: Row[Any]) -> KeyRecord:
    return KeyRecord(**row._mapping)
