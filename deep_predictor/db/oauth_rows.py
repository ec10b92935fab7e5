"""Every query on the tables oauth_clients and oauth_tokens. Usable from any thread, with or without a request."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, func, insert, select, update

from deep_predictor.db.account_columns import OAuthClientColumns, OAuthTokenColumns
from deep_predictor.db.connections import busy_errors
from deep_predictor.db.models import get_model


@dataclass(frozen=True)
class NewOAuthClient:
    """The meaning of each field stands in `account_columns.OAuthClientColumns`."""

    client_id: str
    client_secret_hash: str
    name: str
    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    created_by: int | None
    created_at: float


@dataclass(frozen=True)
class OAuthClient(NewOAuthClient):
    """A row as read."""

    id: int
    revoked_at: float | None


@dataclass(frozen=True)
class NewOAuthToken:
    """The meaning of each field stands in `account_columns.OAuthTokenColumns`."""

    access_token_hash: str
    refresh_token_hash: str | None
    client_id: str
    user_id: int | None
    session_version: int | None
    scope: str
    issued_at: float
    expires_at: float
    refresh_expires_at: float | None


@dataclass(frozen=True)
class OAuthToken(NewOAuthToken):
    """A row as read."""

    id: int
    revoked_at: float | None


class OAuthRows:
    """Production's. Every method is one transaction and may raise DatabaseBusy."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._clients = get_model(OAuthClientColumns, "production").__table__  # type: ignore[attr-defined]
        self._tokens = get_model(OAuthTokenColumns, "production").__table__  # type: ignore[attr-defined]

    def insert_client(self, new: NewOAuthClient) -> OAuthClient:
        lists = {"scopes": " ".join(new.scopes), "grant_types": " ".join(new.grant_types)}
        statement = insert(self._clients).values(dataclasses.asdict(new) | lists).returning(*self._clients.c)
        with busy_errors(), self._engine.begin() as connection:
            return _client(connection.execute(statement).one())

    def find_client(self, client_id: str) -> OAuthClient | None:
        """By the name that it sends; revoked ones too."""
        return self._find_client(select(self._clients).where(self._clients.c.client_id == client_id))

    def find_client_row(self, row_id: int) -> OAuthClient | None:
        return self._find_client(select(self._clients).where(self._clients.c.id == row_id))

    def clients(self, limit: int, offset: int) -> tuple[list[OAuthClient], int]:
        """Some of them, oldest first, and how many there are; revoked ones too."""
        statement = select(self._clients).order_by(self._clients.c.id).limit(limit).offset(offset)
        with busy_errors(), self._engine.connect() as connection:
            found = [_client(row) for row in connection.execute(statement)]
            return found, connection.scalar(select(func.count()).select_from(self._clients)) or 0

    def revoke_client(self, row_id: int, now: float) -> None:
        """Its tokens count no more either, since `find_*_token` asks for its state."""
        is_it = (self._clients.c.id == row_id, self._clients.c.revoked_at.is_(None))
        with busy_errors(), self._engine.begin() as connection:
            connection.execute(update(self._clients).where(*is_it).values(revoked_at=now))

    def insert_token(self, new: NewOAuthToken) -> None:
        with busy_errors(), self._engine.begin() as connection:
            self._insert_token(connection, new)

    def replace_token(self, old_id: int, new: NewOAuthToken, now: float) -> bool:
        """Revoke one and insert its successor; False, and nothing done, when it was revoked already."""
        is_good = (self._tokens.c.id == old_id, self._tokens.c.revoked_at.is_(None))
        with busy_errors(), self._engine.begin() as connection:
            if connection.execute(update(self._tokens).where(*is_good).values(revoked_at=now)).rowcount == 0:
                return False
            self._insert_token(connection, new)
        return True

    def find_access_token(self, token_hash: str) -> OAuthToken | None:
        """Expired and revoked ones too, but none of a revoked client."""
        return self._find_token(self._of_good_clients().where(self._tokens.c.access_token_hash == token_hash))

    def find_refresh_token(self, token_hash: str) -> OAuthToken | None:
        """Expired and revoked ones too, but none of a revoked client."""
        return self._find_token(self._of_good_clients().where(self._tokens.c.refresh_token_hash == token_hash))

    def revoke_token(self, token_id: int, now: float) -> None:
        """Its refresh token is forgotten, so that using it later is not taken for a stolen one."""
        values = {"revoked_at": func.coalesce(self._tokens.c.revoked_at, now), "refresh_token_hash": None}
        with busy_errors(), self._engine.begin() as connection:
            connection.execute(update(self._tokens).where(self._tokens.c.id == token_id).values(values))

    def revoke_tokens_of(self, client_id: str, user_id: int | None, now: float) -> None:
        """All that a client has for a user. Their refresh tokens, used ones too, are forgotten as in `revoke_token`."""
        tokens = self._tokens.c
        is_theirs = (tokens.client_id == client_id, tokens.user_id.is_not_distinct_from(user_id))
        values = {"revoked_at": func.coalesce(tokens.revoked_at, now), "refresh_token_hash": None}
        with busy_errors(), self._engine.begin() as connection:
            connection.execute(update(self._tokens).where(*is_theirs).values(values))

    def delete_expired(self, now: float) -> int:
        """Delete what can be neither used nor refreshed; how many there were."""
        last = func.coalesce(self._tokens.c.refresh_expires_at, self._tokens.c.expires_at)
        is_over = (last <= now, self._tokens.c.expires_at <= now)
        with busy_errors(), self._engine.begin() as connection:
            return connection.execute(delete(self._tokens).where(*is_over)).rowcount

    def _insert_token(self, connection: Connection, new: NewOAuthToken) -> None:
        connection.execute(insert(self._tokens).values(dataclasses.asdict(new)))

    def _of_good_clients(self) -> Select[Any]:
        is_its_client = self._clients.c.client_id == self._tokens.c.client_id
        return select(self._tokens).join(self._clients, is_its_client).where(self._clients.c.revoked_at.is_(None))

    def _find_client(self, statement: Select[Any]) -> OAuthClient | None:
        with busy_errors(), self._engine.connect() as connection:
            row = connection.execute(statement).first()
        return _client(row) if row else None

    def _find_token(self, statement: Select[Any]) -> OAuthToken | None:
        with busy_errors(), self._engine.connect() as connection:
            row = connection.execute(statement).first()
        return OAuthToken(**row._mapping) if row else None


def _client(row: Row[Any]) -> OAuthClient:
    values = dict(row._mapping)
    lists = {name: tuple(values[name].split()) for name in ("scopes", "grant_types")}
    return OAuthClient(**{**values, **lists})
