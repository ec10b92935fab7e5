"""Guessing gets slow, for an account and for an address; strangers keep nobody out who knows the password."""

from __future__ import annotations

import pytest

from deep_predictor.accounts.throttle import (
    ATTEMPT_SECONDS,
    FORGET_SECONDS,
    FREE_ATTEMPTS,
    LONGEST_DELAY_SECONDS,
    Throttle,
    network_of,
)
from deep_predictor.errors import TooManyAttempts

HERE, THERE = "192.0.2.1", "198.51.100.7"


class Clock:
    """Seconds, that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def fail(throttle: Throttle, account: str, address: str = HERE, times: int = 1) -> None:
    for _ in range(times):
        throttle.check(account, address)
        throttle.failed(account, address)


def seconds_to_wait(throttle: Throttle, account: str, address: str) -> int:
    """0: an attempt may begin, and did not."""
    try:
        throttle.check(account, address)
    except TooManyAttempts as error:
        return error.retry_after_seconds
    throttle.succeeded(account, address)
    return 0


def test_check_after_few_wrong_attempts_lets_pass(throttle: Throttle) -> None:
    fail(throttle, "anna", times=FREE_ATTEMPTS - 1)
    throttle.check("anna", HERE)


def test_delay_doubles_with_every_wrong_attempt_up_to_its_longest(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, "anna", times=FREE_ATTEMPTS)
    delays = []
    for _ in range(13):
        with pytest.raises(TooManyAttempts) as raised:
            throttle.check("anna", HERE)
        delays.append(raised.value.retry_after_seconds)
        clock.now += delays[-1]
        fail(throttle, "anna")
    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, *[LONGEST_DELAY_SECONDS] * 3]


def test_delay_counts_for_the_account_from_every_address(throttle: Throttle) -> None:
    for number in range(FREE_ATTEMPTS):
        fail(throttle, "anna", f"192.0.2.{number}")
    assert seconds_to_wait(throttle, "anna", THERE) == 1
    assert seconds_to_wait(throttle, "bert", THERE) == 0


def test_delay_counts_for_the_address_with_every_account(throttle: Throttle) -> None:
    for number in range(FREE_ATTEMPTS):
        fail(throttle, f"user{number}")
    assert seconds_to_wait(throttle, "anna", HERE) == 1
    assert seconds_to_wait(throttle, "anna", THERE) == 0


def test_refused_attempt_does_not_lengthen_the_delay(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, "anna", times=FREE_ATTEMPTS)
    for _ in range(10):
        with pytest.raises(TooManyAttempts):
            throttle.check("anna", HERE)
    clock.now += 1
    throttle.check("anna", HERE)


def test_success_forgets_what_the_account_got_wrong_from_there(throttle: Throttle) -> None:
    fail(throttle, "anna", times=FREE_ATTEMPTS - 1)
    throttle.check("anna", HERE)
    throttle.succeeded("anna", HERE)
    fail(throttle, "anna", times=FREE_ATTEMPTS - 1)
    assert seconds_to_wait(throttle, "bert", HERE) == 0


def test_success_with_ones_own_account_does_not_free_the_address_for_others(throttle: Throttle, clock: Clock) -> None:
    for number in range(FREE_ATTEMPTS):
        fail(throttle, f"user{number}")
    clock.now += 1
    throttle.check("mine", HERE)
    throttle.succeeded("mine", HERE)
    fail(throttle, "user7")
    assert seconds_to_wait(throttle, "user8", HERE) == 2


def test_strangers_cannot_lock_out_who_was_right_before(throttle: Throttle) -> None:
    throttle.check("anna", HERE)
    throttle.succeeded("anna", HERE)
    for number in range(FREE_ATTEMPTS):
        fail(throttle, "anna", f"198.51.100.{number}")
    assert seconds_to_wait(throttle, "anna", THERE) == 1
    assert seconds_to_wait(throttle, "anna", HERE) == 0


def test_attempts_at_once_are_no_more_than_one_after_another(throttle: Throttle, clock: Clock) -> None:
    for number in range(FREE_ATTEMPTS):
        throttle.check("anna", f"192.0.2.{number}")
    assert seconds_to_wait(throttle, "anna", THERE) == 1
    clock.now += ATTEMPT_SECONDS  # nobody told how they ended
    assert seconds_to_wait(throttle, "anna", THERE) == 0


def test_one_attempt_at_a_time_once_the_free_ones_are_used_up(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, "anna", times=FREE_ATTEMPTS)
    clock.now += 1
    throttle.check("anna", HERE)
    assert seconds_to_wait(throttle, "anna", THERE) == 1


def test_wrong_attempts_long_ago_are_forgotten(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, "anna", times=FREE_ATTEMPTS)
    clock.now += FORGET_SECONDS + 1
    fail(throttle, "anna", times=FREE_ATTEMPTS - 1)
    assert seconds_to_wait(throttle, "anna", HERE) == 0


def test_memory_stays_within_bounds(clock: Clock) -> None:
    throttle = Throttle(clock, max_entries=10)
    for number in range(50):
        fail(throttle, f"user{number}", f"192.0.2.{number}")
        throttle.check(str(number) + "x" * 100_000, f"198.51.100.{number}")
        throttle.succeeded(f"known{number}", f"203.0.113.{number}")
    assert len(throttle._entries) <= 10
    assert len(throttle._known) <= 10
    assert all(len(part) <= 200 for key in throttle._entries for part in key)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_who_has_to_wait_cannot_make_the_throttle_forget_others(clock: Clock) -> None:
    throttle = Throttle(clock, max_entries=100)
    for number in range(FREE_ATTEMPTS):
        fail(throttle, "admin", f"192.0.2.{number}")
    fail(throttle, "own", THERE, times=FREE_ATTEMPTS)
    noted = len(throttle._entries)
    for number in range(300):
        with pytest.raises(TooManyAttempts):
            throttle.check(f"user{number}", THERE)
    assert len(throttle._entries) == noted
    assert seconds_to_wait(throttle, "admin", "203.0.113.1") == 1


def test_few_wrong_attempts_are_forgotten_before_many(clock: Clock) -> None:
    throttle = Throttle(clock, max_entries=100)
    for number in range(FREE_ATTEMPTS):
        fail(throttle, "admin", f"192.0.2.{number}")
    clock.now += 2  # the delay is over, what led to it is not
    for number in range(300):
        fail(throttle, f"user{number}", f"2001:db8:0:{number:x}::1")
    fail(throttle, "admin", "203.0.113.1")
    assert seconds_to_wait(throttle, "admin", "203.0.113.2") == 2


def test_long_ago_is_forgotten_before_today(clock: Clock) -> None:
    throttle = Throttle(clock, max_entries=20)
    for number in range(8):
        for address in range(FREE_ATTEMPTS):
            fail(throttle, f"old{number}", f"2001:db8:{number}:{address}::1")
    clock.now += FORGET_SECONDS + 1
    for number in range(10):
        fail(throttle, f"user{number}", f"192.0.2.{number}")
    assert {("account", f"user{number}") for number in range(10)} <= set(throttle._entries)


def test_abandoned_attempt_is_neither_wrong_nor_running(throttle: Throttle) -> None:
    fail(throttle, "anna", "", times=FREE_ATTEMPTS - 1)
    for _ in range(3):
        throttle.check("anna", "")
        throttle.abandoned("anna", "")
    fail(throttle, "anna", "")
    assert seconds_to_wait(throttle, "anna", HERE) == 1


def test_right_and_abandoned_attempts_leave_nothing_behind(throttle: Throttle) -> None:
    for end in (throttle.succeeded, throttle.abandoned):
        throttle.check("anna", HERE)
        end("anna", HERE)
        end("anna", HERE)
    assert not throttle._entries
