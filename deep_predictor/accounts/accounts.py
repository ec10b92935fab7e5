"""People and keys: who exists, who may log in, whose a credential is. Without a word of HTTP."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from deep_predictor.accounts.api_keys import KEY_PREFIX, ApiKeys
from deep_predictor.accounts.ended_logins import EndedLogins
from deep_predictor.accounts.oauth import OAuthTokens
from deep_predictor.accounts.oauth_clients import OAuthClients
from deep_predictor.accounts.passwords import Passwords
from deep_predictor.accounts.permissions import ROLE_PERMISSIONS, CredentialKind, Principal, Role, permissions_of
from deep_predictor.accounts.throttle import Throttle
from deep_predictor.accounts.web_tokens import WebTokens
from deep_predictor.config.management_options import AccountsOptions
from deep_predictor.db.account_rows import AccountRows, User
from deep_predictor.db.oauth_rows import OAuthRows
from deep_predictor.errors import CredentialRefused, DatabaseBusy, NotFound, RequestInvalid, StateConflict

#: Letters and digits of any language, and these; no white space, no colon.
_USERNAME = re.compile(r"[\w.@+-]{1,64}")
USERNAME_WORDS = "must be 1 to 64 letters, digits or . _ @ + -"
#: A character is written with at most 4, so what is longer has more than 64 in any spelling.
_LONGEST_SPELLING = 4 * 64


class Accounts:
    """Usable from any thread; every method may raise DatabaseBusy. `clock`: seconds since 1970."""

    def __init__(
        self,
        rows: AccountRows,
        oauth_rows: OAuthRows,
        options: AccountsOptions,
        token_key: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rows = rows
        self._passwords = Passwords(options.min_password_length)
        self._setup_lock = threading.Lock()
        self._setup_hash: bytes | None = None
        self.throttle = Throttle()
        self.ended_logins = EndedLogins(clock)
        self.keys = ApiKeys(rows, clock)
        self.oauth_clients = OAuthClients(oauth_rows, self.throttle, clock)
        self.oauth_tokens = OAuthTokens(oauth_rows, options, clock)
        self._web_tokens = WebTokens(token_key, options.access_token_seconds, clock)

    def add_user(self, username: str, password: str, role: Role) -> User:
        """Raises RequestInvalid, NameTaken, TooManyAttempts."""
        return self._add(username, password, role)

    def get_user(self, user_id: int) -> User:
        """Raises NotFound."""
        user = self.find_user(user_id)
        if user is None:
            raise NotFound("user", user_id)
        return user

    def find_user(self, user_id: int) -> User | None:
        return self._rows.find_user(user_id)

    def find_user_by_name(self, username: str) -> User | None:
        name = _normal(username)
        return self._rows.find_user_by_name(name) if _USERNAME.fullmatch(name) else None

    def users(self, limit: int, offset: int) -> tuple[list[User], int]:
        """Some of the users, oldest first, and how many there are."""
        return self._rows.users(limit, offset)

    def change_user(
        self,
        user_id: int,
        role: Role | None = None,
        is_disabled: bool | None = None,
        password: str | None = None,
    ) -> User:
        """Change what is given; the user's logins and tokens end with any change.

        Raises NotFound, RequestInvalid, StateConflict when no admin would be left, TooManyAttempts.
        """
        user = self.get_user(user_id)
        values: dict[str, Any] = {}
        if role is not None and role != user.role:
            values["role"] = role
        if is_disabled is not None and is_disabled != user.is_disabled:
            values["is_disabled"] = is_disabled
        if password is not None:
            values["password_hash"] = self._passwords.hash_new(password)
        return self._rows.change_user(user_id, **values) if values else user

    def check_password(self, username: str, password: str, address: str) -> User:
        """The user who may log in with these; `address` is where they come from.

        Takes as long for a name that nobody has. Raises CredentialRefused, TooManyAttempts.
        """
        account = _normal(username)
        self.throttle.check(account, address)
        try:
            user = self.find_user_by_name(account)
            is_right = self._passwords.is_right(password, user.password_hash if user else None)
        except BaseException:
            self.throttle.abandoned(account, address)
            raise
        if user is None or not is_right or user.is_disabled:
            self.throttle.failed(account, address)
            raise CredentialRefused("the username or the password is wrong, or the account is disabled")
        self.throttle.succeeded(account, address)
        with suppress(DatabaseBusy):  # a figure for people is no reason to refuse a login
            self._rows.note_login(user.id)
        return user

    def setup_token(self) -> str | None:
        """A new token for the first account, the only one that counts from now on; None when there are users."""
        if self._rows.has_users():
            return None
        token = secrets.token_urlsafe(32)
        with self._setup_lock:
            self._setup_hash = _sha256(token)
        return token

    def needs_setup(self) -> bool:
        return not self._rows.has_users()

    def take_setup(self, token: str, username: str, password: str) -> User:
        """Make the first account, an admin, which ends the token.

        Raises CredentialRefused, StateConflict when there are users, RequestInvalid, TooManyAttempts.
        """
        with self._setup_lock:
            if not self.needs_setup():
                raise StateConflict("already_set_up", "there is an account already")
            if self._setup_hash is None or not hmac.compare_digest(self._setup_hash, _sha256(token)):
                raise CredentialRefused("the set-up token is wrong")
            user = self._add(username, password, "admin", only_first=True)
            self._setup_hash = None
            return user

    def make_token(self, user: User) -> str:
        """A JSON Web Token that counts until it ends, or something of the user changes."""
        return self._web_tokens.make(user.id, user.session_version)

    def principal_of_token(self, token: str) -> Principal:
        """Whose an API key, a JSON Web Token or an OAuth2 token is.

        Raises CredentialRefused for what is wrong, expired or revoked.
        """
        if token.startswith(KEY_PREFIX):
            return self._principal_of_key(token)
        if token.count(".") == 2:
            claims = self._web_tokens.read(token)
            return self.principal_of_user(claims.user_id, claims.session_version)
        return self._principal_of_oauth_token(token)

    def principal_of_user(self, user_id: int, session_version: int, kind: CredentialKind = "jwt") -> Principal:
        """Who was given something when their `session_version` was this. Raises CredentialRefused."""
        user = self._rows.find_user(user_id)
        if user is None or user.is_disabled or user.session_version != session_version:
            raise CredentialRefused(f"the login of user {user_id} counts no more")
        return Principal(kind, user.username, ROLE_PERMISSIONS[user.role], user.id)

    def _principal_of_oauth_token(self, token: str) -> Principal:
        """A token may at most what its user may now, if it has one."""
        found = self.oauth_tokens.find(token)
        if found is None:
            raise CredentialRefused("there is no such token, or it counts no more")
        permissions = permissions_of(found.scope.split())
        if found.user_id is None or found.session_version is None:
            return Principal("oauth", found.client_id, permissions)
        user = self.principal_of_user(found.user_id, found.session_version)
        return Principal("oauth", user.name, permissions & user.permissions, user.user_id)

    def _principal_of_key(self, key: str) -> Principal:
        """A key may at most what its maker may now."""
        record = self.keys.find_usable(key)
        permissions = permissions_of(record.scopes.split())
        if record.created_by is not None:
            maker = self._rows.find_user(record.created_by)
            if maker is None or maker.is_disabled:
                raise CredentialRefused(f"the maker of key {record.id} is disabled")
            permissions &= ROLE_PERMISSIONS[maker.role]
        return Principal("api_key", record.name, permissions, record.created_by)

    def _add(self, username: str, password: str, role: Role, only_first: bool = False) -> User:
        name = _normal(username)
        if not _USERNAME.fullmatch(name):
            raise RequestInvalid([("username", USERNAME_WORDS)])
        return self._rows.insert_user(name, self._passwords.hash_new(password), role, only_first)


def _normal(username: str) -> str:
    """Two ways to write one name are one. Of one that nobody can have, the beginning: many accents take seconds."""
    return unicodedata.normalize("NFC", username[: _LONGEST_SPELLING + 1])


def _sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
