"""Hashing: the right password and no other, within bounds of length and of how many at a time."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from deep_predictor.accounts import passwords
from deep_predictor.accounts.passwords import AT_A_TIME, LONGEST_PASSWORD, MAY_WAIT, Passwords
from deep_predictor.errors import RequestInvalid, TooManyAttempts
from test.db.test_concurrency import at_once

SECRET = "パスワード \0 correct"


def test_hash_of_a_password_is_scrypt_and_fits_it_alone() -> None:
    hasher = Passwords(10)
    stored = hasher.hash_new(SECRET)
    assert stored.startswith("scrypt:32768:8:1$")
    assert SECRET not in stored
    assert hasher.is_right(SECRET, stored)
    assert not hasher.is_right(SECRET + "x", stored)
    assert not hasher.is_right(SECRET, None)


@pytest.mark.parametrize("password", ["", "x" * 9, "x" * (LONGEST_PASSWORD + 1), "\ud800" * 10])
def test_hash_of_an_impossible_password_is_refused(password: str) -> None:
    with pytest.raises(RequestInvalid, match="password: must"):
        Passwords(10).hash_new(password)
    assert not Passwords(10).is_right(password[:1] * 2000, passwords._NOBODYS_HASH)
    assert not Passwords(10).is_right("\ud800", passwords._NOBODYS_HASH)


def test_unknown_user_takes_a_comparison_too(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def compare(stored: str, password: str) -> bool:
        compared.append(stored)
        return True

    monkeypatch.setattr(passwords, "check_password_hash", compare)
    assert not Passwords(10).is_right(SECRET, None)
    assert compared == [passwords._NOBODYS_HASH]


def test_hashing_a_few_at_a_time_and_refusing_further_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher, running, most = Passwords(10), 0, 0
    release, lock, refused = threading.Event(), threading.Lock(), threading.Semaphore(0)

    def slow(*arguments: Any) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        assert release.wait(20)
        with lock:
            running -= 1
        return True

    def try_one(_: int) -> bool:
        try:
            return hasher.is_right(SECRET, "hash")
        except TooManyAttempts:
            refused.release()
            return False

    monkeypatch.setattr(passwords, "check_password_hash", slow)
    places, further = AT_A_TIME + MAY_WAIT, 3

    def release_when_refused(number: int) -> bool:
        if number < places + further:
            return try_one(number)
        for _ in range(further):
            assert refused.acquire(timeout=20)
        release.set()
        return False

    results = at_once(places + further + 1, release_when_refused)
    assert sum(map(bool, results)) == places
    assert most == AT_A_TIME
