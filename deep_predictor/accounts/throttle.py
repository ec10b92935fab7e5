"""Slows down whoever guesses passwords: per account, and per address. Kept in memory, within bounds."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network

from deep_predictor.errors import TooManyAttempts

#: Wrong attempts before the first delay.
FREE_ATTEMPTS = 5
FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 900.0
#: So long after its last wrong attempt an account or an address is forgotten.
FORGET_SECONDS = 3600.0
#: An attempt whose end nobody told counts no more.
ATTEMPT_SECONDS = 30.0
MAX_ENTRIES = 10_000
#: Longer names share their beginning's entry.
LONGEST_ACCOUNT = 200


@dataclass
class _Entry:
    """Of one account the wrong attempts by address, or of one address by account."""

    wrong: Counter[str] = field(default_factory=Counter)
    last_wrong_at: float = -math.inf
    #: When attempts began that have not ended.
    running: list[float] = field(default_factory=list)

    def seconds_to_wait(self, now: float) -> float:
        """Attempts that run count as wrong ones: of many at a time no more get through than one after another."""
        count = self.wrong.total()
        if count >= FREE_ATTEMPTS:
            doublings = min(count - FREE_ATTEMPTS, 20)
            delay = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2**doublings)
            left = self.last_wrong_at + delay - now
            if left > 0:
                return left
        self.running = [began for began in self.running if now - began < ATTEMPT_SECONDS]
        is_one_too_many = self.running and count + len(self.running) >= FREE_ATTEMPTS
        return FIRST_DELAY_SECONDS if is_one_too_many else 0.0


class Throttle:
    """After 5 wrong attempts 1 s of delay, doubled by each further one, up to 15 minutes.

    `check` begins an attempt, `failed` or `succeeded` ends it. Where an account's password was right before, from there
    it can be tried although strangers have guessed: they cannot lock its owner out. Usable from any thread.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, max_entries: int = MAX_ENTRIES) -> None:
        self._clock, self._max_entries = clock, max_entries
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, ...], _Entry] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def check(self, account: str, address: str) -> None:
        """Raises TooManyAttempts when this account or this address has to wait."""
        account, address = account[:LONGEST_ACCOUNT], network_of(address)
        with self._lock:
            now = self._clock()
            entries = [self._entry(key, now) for key in self._keys(account, address)]
            seconds = max(entry.seconds_to_wait(now) for entry in entries)
            if seconds > 0:
                raise TooManyAttempts(math.ceil(seconds))
            for entry in entries:
                entry.running.append(now)

    def failed(self, account: str, address: str) -> None:
        """The password, or the secret, was wrong."""
        account, address = account[:LONGEST_ACCOUNT], network_of(address)
        with self._lock:
            now = self._clock()
            for key in self._keys(account, address):
                entry = self._entry(key, now)
                _end_one(entry)
                entry.wrong[account if key[0] == "address" else address] += 1
                entry.last_wrong_at = now

    def succeeded(self, account: str, address: str) -> None:
        """It was right: what this account got wrong from here is forgotten, what others did is not."""
        account, address = account[:LONGEST_ACCOUNT], network_of(address)
        with self._lock:
            now = self._clock()
            for key in self._keys(account, address):
                entry = self._entry(key, now)
                _end_one(entry)
                del entry.wrong[account if key[0] == "address" else address]
            self._known[account, address] = None
            self._known.move_to_end((account, address))
            _shorten(self._known, self._max_entries)

    def _keys(self, account: str, address: str) -> tuple[tuple[str, ...], ...]:
        is_known = (account, address) in self._known
        return ("account", account, address) if is_known else ("account", account), ("address", address)

    def _entry(self, key: tuple[str, ...], now: float) -> _Entry:
        """The entry of a key, made when there is none or it was long ago."""
        entry = self._entries.get(key)
        if entry is None or (not entry.running and now - entry.last_wrong_at > FORGET_SECONDS):
            entry = self._entries[key] = _Entry()
        self._entries.move_to_end(key)
        _shorten(self._entries, self._max_entries)
        return entry


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the first 64 bits, which belong to one customer."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:LONGEST_ACCOUNT]
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


def _end_one(entry: _Entry) -> None:
    if entry.running:
        entry.running.pop(0)


def _shorten(entries: OrderedDict[tuple[str, ...], _Entry] | OrderedDict[tuple[str, str], None], length: int) -> None:
    while len(entries) > length:
        entries.popitem(last=False)
