"""Tables of who may do what. Secrets are stored as SHA-256 in hex (they are 256 bits of chance), passwords by scrypt.

Times are seconds since 1970. Both databases have the tables; accounts live in production's.
"""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column


class UserColumns:
    """One row a person."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(Text, unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    #: An `accounts.permissions.Role`.
    role: Mapped[str] = mapped_column(Text)
    is_disabled: Mapped[bool] = mapped_column(default=False)
    #: Rises with every change of password, role or state: what was signed before it counts no more.
    session_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[float]
    last_login_at: Mapped[float | None]


class ApiKeyColumns:
    """One row a key that programs send."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    #: The key's first characters, by which people know it again.
    prefix: Mapped[str] = mapped_column(Text)
    key_hash: Mapped[str] = mapped_column(Text, unique=True)
    #: `accounts.permissions.Scope`s with a space between.
    scopes: Mapped[str] = mapped_column(Text)
    created_by: Mapped[int | None]
    created_at: Mapped[float]
    expires_at: Mapped[float | None]
    last_used_at: Mapped[float | None]
    revoked_at: Mapped[float | None]


class OAuthClientColumns:
    """One row a program that gets OAuth2 tokens."""

    __tablename__ = "oauth_clients"

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(Text, unique=True)
    client_secret_hash: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    #: What its tokens may have at most, with a space between.
    scopes: Mapped[str] = mapped_column(Text)
    #: Of password, client_credentials, refresh_token, with a space between.
    grant_types: Mapped[str] = mapped_column(Text)
    created_by: Mapped[int | None]
    created_at: Mapped[float]
    revoked_at: Mapped[float | None]


class OAuthTokenColumns:
    """One row an OAuth2 token."""

    __tablename__ = "oauth_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    access_token_hash: Mapped[str] = mapped_column(Text, unique=True)
    refresh_token_hash: Mapped[str | None] = mapped_column(Text, unique=True)
    client_id: Mapped[str] = mapped_column(Text, index=True)
    #: None for client_credentials.
    user_id: Mapped[int | None] = mapped_column(index=True)
    #: The user's `session_version` when it was given out.
    session_version: Mapped[int | None]
    scope: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[float]
    expires_at: Mapped[float]
    refresh_expires_at: Mapped[float | None]
    revoked_at: Mapped[float | None]
