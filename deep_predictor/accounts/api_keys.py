"""Keys that programs send: 256 bits of chance, shown once, stored as SHA-256."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from deep_predictor.accounts.permissions import SCOPES, Scope
from deep_predictor.db.account_rows import AccountRows, KeyRecord, NewKey
from deep_predictor.errors import CredentialRefused, DatabaseBusy, RequestInvalid

KEY_PREFIX = "dpk_"
_FORM = re.compile(KEY_PREFIX + "[A-Za-z0-9_-]{43}")
#: Characters by which people know a key again.
_SHOWN_CHARACTERS = len(KEY_PREFIX) + 6
#: The time of the last use is not written more often.
_USE_SECONDS = 60.0


class ApiKeys:
    """`clock`: seconds since 1970. Every method may raise DatabaseBusy."""

    def __init__(self, rows: AccountRows, clock: Callable[[], float] = time.time) -> None:
        self._rows, self._clock = rows, clock

    def create(
        self, name: str, scopes: Sequence[Scope], created_by: int | None, expires_at: float | None = None
    ) -> tuple[KeyRecord, str]:
        """The row, and the key itself, which nothing can tell later. Raises RequestInvalid."""
        if expires_at is not None and expires_at <= self._clock():
            raise RequestInvalid([("expires_at", "must be in the future")])
        key = KEY_PREFIX + secrets.token_urlsafe(32)
        written_scopes = " ".join(scope for scope in SCOPES if scope in scopes)
        new = NewKey(name, key[:_SHOWN_CHARACTERS], _hash(key), written_scopes, created_by, expires_at)
        return self._rows.insert_key(new), key

    def page(self, limit: int, offset: int, created_by: int | None = None) -> tuple[list[KeyRecord], int]:
        """Some of the keys, or of those that a user made, oldest first, and how many there are."""
        return self._rows.keys(limit, offset, created_by)

    def get(self, key_id: int) -> KeyRecord:
        """Raises NotFound."""
        return self._rows.get_key(key_id)

    def revoke(self, key_id: int) -> None:
        self._rows.revoke_key(key_id)

    def find_usable(self, key: str) -> KeyRecord:
        """The row of a key, whose use is noted. Raises CredentialRefused: unknown, expired or revoked."""
        record = self._rows.find_key(_hash(key)) if _FORM.fullmatch(key) else None
        if record is None:
            raise CredentialRefused("there is no such key")
        now = self._clock()
        if record.revoked_at is not None:
            raise CredentialRefused(f"key {record.id} was revoked")
        if record.expires_at is not None and record.expires_at <= now:
            raise CredentialRefused(f"key {record.id} has expired")
        if record.last_used_at is None or record.last_used_at < now - _USE_SECONDS:
            with suppress(DatabaseBusy):  # a figure for people is no reason to refuse a request
                self._rows.note_use(record.id, now, now - _USE_SECONDS)
        return record


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
