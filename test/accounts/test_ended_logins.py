"""Logins that were ended stay ended for as long as they would have counted, and take no room after that."""

from __future__ import annotations

from deep_predictor.accounts.ended_logins import EndedLogins


def test_ended_login_is_known_until_it_is_over_anyway() -> None:
    now = 0.0
    ended = EndedLogins(lambda: now)
    assert "a" not in ended
    for _ in range(2):
        ended.add("a", 100.0)
    ended.add("b", 50.0)
    assert "a" in ended
    now = 99.0
    ended.add("c", 200.0)
    assert ("a" in ended, "b" in ended, "c" in ended) == (True, False, True)
    now = 100.0
    ended.add("d", 200.0)
    assert ended._ids == {"c", "d"} == {login_id for _, login_id in ended._by_end}


def test_of_too_many_ended_logins_those_over_first_are_forgotten() -> None:
    ended = EndedLogins(lambda: 0.0, max_ended=3)
    for number in (5, 1, 4, 2, 3):
        ended.add(str(number), float(number))
    assert ended._ids == {"3", "4", "5"}
