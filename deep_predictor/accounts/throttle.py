"""Slows down whoever guesses passwords: per account, and per address. Kept in memory, within bounds."""

from __future__ import annotations

import heapq
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
#: Where there is no more room, one of so many entries goes, all of them at once: to choose them takes milliseconds.
FORGOTTEN_PART = 10
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

    def weight(self, now: float) -> int:
        """How many wrong attempts would be forgotten with it."""
        is_over = not self.running and now - self.last_wrong_at > FORGET_SECONDS
        return 0 if is_over else self.wrong.total() + len(self.running)


class Throttle:
    """After 5 wrong attempts 1 s of delay, doubled by each further one, up to 15 minutes.

    `check` begins an attempt; `failed`, `succeeded` or `abandoned` ends it. Where an account's password was right
    before, from there it can be tried although strangers have guessed: they cannot lock its owner out. Usable from any
    thread.
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
            keys = self._keys(account, address)
            seconds = max(self._entries[key].seconds_to_wait(now) if key in self._entries else 0.0 for key in keys)
            if seconds > 0:  # nothing is noted, or who has to wait could fill the memory with names
                raise TooManyAttempts(math.ceil(seconds))
            for key in keys:
                self._entry(key, now).running.append(now)

    def failed(self, account: str, address: str) -> None:
        """The password, or the secret, was wrong."""
        account, address = account[:LONGEST_ACCOUNT], network_of(address)
        with self._lock:
            now = self._clock()
            for key in self._keys(account, address):
                entry = self._entry(key, now)
                del entry.running[:1]
                entry.wrong[account if key[0] == "address" else address] += 1
                entry.last_wrong_at = now

    def succeeded(self, account: str, address: str) -> None:
        """It was right: what this account got wrong from here is forgotten, what others did is not."""
        account, address = account[:LONGEST_ACCOUNT], network_of(address)
        with self._lock:
            for key in self._keys(account, address):
                self._end_one(key, forget=account if key[0] == "address" else address)
            self._known[account, address] = None
            self._known.move_to_end((account, address))
            if len(self._known) > self._max_entries:
                self._known.popitem(last=False)

    def abandoned(self, account: str, address: str) -> None:
        """Nobody looked whether it was right."""
        account, address = account[:LONGEST_ACCOUNT], network_of(address)
        with self._lock:
            for key in self._keys(account, address):
                self._end_one(key)

    def _keys(self, account: str, address: str) -> tuple[tuple[str, ...], ...]:
        is_known = (account, address) in self._known
        return ("account", account, address) if is_known else ("account", account), ("address", address)

    def _entry(self, key: tuple[str, ...], now: float) -> _Entry:
        """The entry of a key, made when there is none or it was long ago."""
        entry = self._entries.get(key)
        if entry is None or (not entry.running and now - entry.last_wrong_at > FORGET_SECONDS):
            entry = self._entries[key] = _Entry()
        self._entries.move_to_end(key)
        if len(self._entries) > self._max_entries:
            self._make_room(now)
        return entry

    def _make_room(self, now: float) -> None:
        """Who filled the memory shall not be free to guess again where they had to wait: the fewest wrong ones go."""
        count = len(self._entries) - self._max_entries + self._max_entries // FORGOTTEN_PART
        newest = next(reversed(self._entries))
        old = (key for key in self._entries if key != newest)
        for key in heapq.nsmallest(count, old, key=lambda key: self._entries[key].weight(now)):
            del self._entries[key]

    def _end_one(self, key: tuple[str, ...], forget: str | None = None) -> None:
        """`forget`: whose wrong attempts; None: nobody's."""
        entry = self._entries.get(key)
        if entry is None:
            return
        del entry.running[:1]
        if forget is not None:
            del entry.wrong[forget]
        if not entry.running and not entry.wrong:
            del self._entries[key]


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the first 64 bits, which belong to one customer."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:LONGEST_ACCOUNT]
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
