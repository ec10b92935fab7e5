"""Hashes passwords and compares them, a few at a time: each takes 32 MiB and a core for a twentieth of a second."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.security import check_password_hash, generate_password_hash

from deep_predictor.errors import RequestInvalid, TooManyAttempts

LONGEST_PASSWORD = 1024
#: Hashed at a time, and those that may wait besides: further ones are refused, the server has other work.
AT_A_TIME = 2
MAY_WAIT = 16
#: Of nobody: compared with where there is no such user, so that the time tells nothing.
_NOBODYS_HASH = "scrypt:32768:8:1$" + "0" * 16 + "$" + "0" * 128


class Passwords:
    """Usable from any thread."""

    def __init__(self, min_length: int) -> None:
        self._min_length = min_length
        self._running = threading.BoundedSemaphore(AT_A_TIME)
        self._places = threading.BoundedSemaphore(AT_A_TIME + MAY_WAIT)

    def hash_new(self, password: str) -> str:
        """Raises RequestInvalid when it is too short or too long, TooManyAttempts when too many wait."""
        if not self._min_length <= len(password) <= LONGEST_PASSWORD:
            problem = f"must have {self._min_length} to {LONGEST_PASSWORD} characters"
            raise RequestInvalid([("password", problem)])
        if not is_encodable(password):
            raise RequestInvalid([("password", "must be Unicode text")])
        with self._place():
            return generate_password_hash(password)

    def is_right(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the one; `None` takes as long and is False. Raises TooManyAttempts when too many wait."""
        if len(password) > LONGEST_PASSWORD or not is_encodable(password):
            return False
        with self._place():
            is_equal = check_password_hash(password_hash or _NOBODYS_HASH, password)
        return is_equal and password_hash is not None

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise TooManyAttempts(1)
        try:
            with self._running:
                yield
        finally:
            self._places.release()


def is_encodable(text: str) -> bool:
    """Whether UTF-8 can say it: JSON may hold halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
