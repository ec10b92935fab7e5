"""OAuth2 clients: the programs that may ask for tokens, and what those may do at most."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from deep_predictor.accounts.oauth import new_secret, secret_hash
from deep_predictor.accounts.permissions import ROLE_PERMISSIONS, SCOPE_PERMISSIONS, SCOPES, Role, Scope
from deep_predictor.accounts.throttle import Throttle
from deep_predictor.db.oauth_rows import NewOAuthClient, OAuthClient, OAuthRows
from deep_predictor.errors import NotFound

GrantType = Literal["password", "client_credentials", "refresh_token"]
GRANT_TYPES: tuple[GrantType, ...] = get_args(GrantType)

_CLIENT_ID = re.compile(r"dpc_[0-9a-f]{32}", re.ASCII)
#: Compared with where there is no such client, so that the answer takes as long.
_NO_HASH = "0" * 64


@dataclass(frozen=True)
class ClientWish:
    """What somebody wants a client to be. `created_by`: a user's id."""

    name: str
    scopes: Iterable[Scope]
    grant_types: Iterable[GrantType]
    created_by: int | None = None


class OAuthClients:
    """`clock`: seconds since 1970. Every method may raise DatabaseBusy. Usable from any thread."""

    def __init__(self, rows: OAuthRows, throttle: Throttle, clock: Callable[[], float] = time.time) -> None:
        self._rows, self._throttle, self._clock = rows, throttle, clock

    def create(self, wish: ClientWish) -> tuple[OAuthClient, str]:
        """The client and its secret, which is told nowhere else."""
        secret = new_secret()
        wanted_scopes, wanted_grants = set(wish.scopes), set(wish.grant_types)
        new = NewOAuthClient(
            client_id=f"dpc_{secrets.token_hex(16)}",
            client_secret_hash=secret_hash(secret),
            name=wish.name,
            scopes=tuple(scope for scope in SCOPES if scope in wanted_scopes),
            grant_types=tuple(grant for grant in GRANT_TYPES if grant in wanted_grants),
            created_by=wish.created_by,
            created_at=self._clock(),
        )
        return self._rows.insert_client(new), secret

    def page(self, limit: int, offset: int) -> tuple[list[OAuthClient], int]:
        """Some of them, oldest first, and how many there are; revoked ones too."""
        return self._rows.clients(limit, offset)

    def get(self, row_id: int) -> OAuthClient:
        """Raises NotFound."""
        client = self._rows.find_client_row(row_id)
        if client is None:
            raise NotFound("oauth_client", row_id)
        return client

    def revoke(self, row_id: int) -> None:
        """The client and all its tokens count no more; nothing happens to one that is revoked. Raises NotFound."""
        self.get(row_id)
        self._rows.revoke_client(row_id, self._clock())

    def check_secret(self, client_id: str, secret: str, address: str) -> OAuthClient | None:
        """The client whose secret this is; None when it is not, or the client is revoked.

        Raises TooManyAttempts for a wrong secret only: nobody guesses 256 bits, and so nobody can lock a client out.
        """
        client = self._rows.find_client(client_id) if _CLIENT_ID.fullmatch(client_id) else None
        expected = client.client_secret_hash if client else _NO_HASH
        is_right = hmac.compare_digest(secret_hash(secret), expected)
        if client and is_right and client.revoked_at is None:
            return client
        account = f"oauth client {client_id}"
        self._throttle.check(account, address)
        self._throttle.failed(account, address)
        return None


def find_allowed_scope(wanted: str | None, client: OAuthClient, role: Role | None) -> str | None:
    """What a token may be given out for: scopes with a space between; None where that would be too much, or nothing.

    `wanted`: scopes with white space between; absent or empty asks for all that the client and the user's role allow.
    `role`: None where the client acts for nobody.
    """
    allowed = [scope for scope in SCOPES if scope in client.scopes and _role_allows(role, scope)]
    chosen = set((wanted or "").split()) or set(allowed)
    if not chosen or not chosen <= set(allowed):
        return None
    return " ".join(scope for scope in SCOPES if scope in chosen)


def _role_allows(role: Role | None, scope: Scope) -> bool:
    return role is None or SCOPE_PERMISSIONS[scope] <= ROLE_PERMISSIONS[role]
