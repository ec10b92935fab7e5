"""OAuth2 tokens: 256 random bits that are told once and stored as SHA-256."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from deep_predictor.config.management_options import AccountsOptions
from deep_predictor.db.oauth_rows import NewOAuthToken, OAuthRows, OAuthToken

ACCESS_PREFIX, REFRESH_PREFIX = "dpa_", "dpr_"
SECRET_BYTES = 32
#: Tokens that are over are deleted so often.
SWEEP_SECONDS = 3600.0
DAY_SECONDS = 86_400.0

TokenKind = Literal["access", "refresh"]


@dataclass(frozen=True)
class FoundToken:
    """A good access token. `user_id` is None where the client acts for nobody.

    The user's `session_version` may have risen since it was given out: whoever looks up the user compares.
    """

    client_id: str
    user_id: int | None
    session_version: int | None
    #: `accounts.permissions.Scope`s with a space between.
    scope: str


@dataclass(frozen=True)
class TokenHolder:
    """For whom a token is given out: a client, and the user for whom it acts."""

    client_id: str
    user_id: int | None = None
    session_version: int | None = None


@dataclass(frozen=True)
class PlainToken:
    """What the client gets, once. `refresh_token` is None for those that cannot be refreshed."""

    access_token: str
    refresh_token: str | None
    expires_in: int
    scope: str


@dataclass(frozen=True)
class PresentedToken:
    """A stored token as somebody presents it: by its access token, or by its refresh token."""

    stored: OAuthToken
    kind: TokenKind

    @property
    def expires_at(self) -> float:
        return self.stored.expires_at if self.kind == "access" else self.stored.refresh_expires_at or 0.0


class OAuthTokens:
    """`clock`: seconds since 1970. Every method may raise DatabaseBusy. Usable from any thread."""

    def __init__(self, rows: OAuthRows, options: AccountsOptions, clock: Callable[[], float] = time.time) -> None:
        self._rows, self._options, self._clock = rows, options, clock
        self._lock = threading.Lock()
        self._next_sweep = 0.0

    def find(self, plain: str) -> FoundToken | None:
        """The access token's facts; None when it is unknown, expired or revoked, or its client is."""
        presented = self.find_presented(plain, ("access",))
        if presented is None or not self.is_good(presented):
            return None
        stored = presented.stored
        return FoundToken(stored.client_id, stored.user_id, stored.session_version, stored.scope)

    def find_presented(self, plain: str, kinds: tuple[TokenKind, ...] = ("access", "refresh")) -> PresentedToken | None:
        """A token of these kinds, also one that is expired or revoked."""
        if "access" in kinds and plain.startswith(ACCESS_PREFIX):
            stored = self._rows.find_access_token(secret_hash(plain))
            return PresentedToken(stored, "access") if stored else None
        if "refresh" in kinds and plain.startswith(REFRESH_PREFIX):
            stored = self._rows.find_refresh_token(secret_hash(plain))
            return PresentedToken(stored, "refresh") if stored else None
        return None

    def is_good(self, presented: PresentedToken) -> bool:
        return presented.stored.revoked_at is None and not self.is_over(presented)

    def is_over(self, presented: PresentedToken) -> bool:
        return self._clock() >= presented.expires_at

    def make(self, scope: str, can_be_refreshed: bool) -> PlainToken:
        """A token that nobody has yet: `save` or `replace` makes it count."""
        refresh_token = REFRESH_PREFIX + new_secret() if can_be_refreshed else None
        return PlainToken(ACCESS_PREFIX + new_secret(), refresh_token, self._options.access_token_seconds, scope)

    def save(self, token: PlainToken, holder: TokenHolder) -> None:
        self._sweep()
        self._rows.insert_token(self._row(token, holder))

    def replace(self, old: PresentedToken, token: PlainToken) -> bool:
        """Save `token` as the successor of a refresh token; False when that was used before.

        Then two parties have it and nobody knows which is the right one: all that the client has for the user ends.
        """
        stored = old.stored
        holder = TokenHolder(stored.client_id, stored.user_id, stored.session_version)
        if self._rows.replace_token(stored.id, self._row(token, holder), self._clock()):
            return True
        self._rows.revoke_tokens_of(stored.client_id, stored.user_id, self._clock())
        return False

    def revoke(self, presented: PresentedToken) -> None:
        """The access token and its refresh token count no more."""
        self._rows.revoke_token(presented.stored.id, self._clock())

    def _row(self, token: PlainToken, holder: TokenHolder) -> NewOAuthToken:
        now = self._clock()
        is_refreshable = token.refresh_token is not None
        return NewOAuthToken(
            access_token_hash=secret_hash(token.access_token),
            refresh_token_hash=secret_hash(token.refresh_token) if token.refresh_token else None,
            client_id=holder.client_id,
            user_id=holder.user_id,
            session_version=holder.session_version,
            scope=token.scope,
            issued_at=now,
            expires_at=now + token.expires_in,
            refresh_expires_at=now + self._options.refresh_token_days * DAY_SECONDS if is_refreshable else None,
        )

    def _sweep(self) -> None:
        now = self._clock()
        with self._lock:
            if now < self._next_sweep:
                return
            self._next_sweep = now + SWEEP_SECONDS
        self._rows.delete_expired(now)


def new_secret() -> str:
    """43 characters out of `A-Z a-z 0-9 - _`."""
    return secrets.token_urlsafe(SECRET_BYTES)


def secret_hash(secret: str) -> str:
    """SHA-256 in hex. What is hashed is 256 random bits, so that nothing slower is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
