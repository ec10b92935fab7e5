"""OAuth2 tokens: what is found, until when, and what refreshing and revoking end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deep_predictor.accounts.oauth import FoundToken, OAuthTokens, PlainToken, PresentedToken, TokenHolder
from deep_predictor.config.management_options import AccountsOptions
from deep_predictor.db.oauth_rows import OAuthRows
from test.db.databases import read_table
from test.db.test_concurrency import at_once
from test.db.test_oauth_rows import insert_client, oauth_rows

ACCESS_SECONDS, REFRESH_DAYS = 60, 1.0
HOLDER = TokenHolder("c", 1, 3)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[OAuthRows]:
    with oauth_rows(tmp_path) as rows:
        insert_client(rows)
        yield rows


@pytest.fixture
def tokens(rows: OAuthRows, clock: Clock) -> OAuthTokens:
    return OAuthTokens(
        rows, AccountsOptions(access_token_seconds=ACCESS_SECONDS, refresh_token_days=REFRESH_DAYS), clock
    )


def saved(tokens: OAuthTokens, holder: TokenHolder = HOLDER, can_be_refreshed: bool = True) -> PlainToken:
    token = tokens.make("predict", can_be_refreshed)
    tokens.save(token, holder)
    return token


def refreshable(tokens: OAuthTokens, token: PlainToken) -> PresentedToken:
    presented = tokens.find_presented(token.refresh_token or "", ("refresh",))
    assert presented is not None
    return presented


def refreshed(tokens: OAuthTokens, token: PlainToken) -> PlainToken:
    new = tokens.make("predict", True)
    assert tokens.replace(refreshable(tokens, token), new)
    return new


def test_make_gives_256_random_bits_that_say_what_they_are(tokens: OAuthTokens) -> None:
    made = [tokens.make("predict", True) for _ in range(50)]
    texts = [text for token in made for text in (token.access_token, token.refresh_token or "")]
    assert all(re.fullmatch(r"dp[ar]_[A-Za-z0-9_-]{43}", text) for text in texts)
    assert len({text[4:] for text in texts}) == 100
    assert made[0].expires_in == ACCESS_SECONDS
    assert tokens.make("predict", False).refresh_token is None


def test_find_of_a_token_that_was_not_saved_is_none(tokens: OAuthTokens) -> None:
    assert tokens.find(tokens.make("predict", True).access_token) is None


def test_find_tells_whose_a_good_token_is(tokens: OAuthTokens) -> None:
    assert tokens.find(saved(tokens).access_token) == FoundToken("c", 1, 3, "predict")
    own = saved(tokens, TokenHolder("c"), can_be_refreshed=False)
    assert tokens.find(own.access_token) == FoundToken("c", None, None, "predict")


@pytest.mark.parametrize("text", ["", "dpa_", "dpr_", "x", "dpa_\0", "dpa_\ud800", "dpa_" + "A" * 100_000, "dpa_é"])
def test_find_of_a_text_that_is_no_token_is_none(tokens: OAuthTokens, text: str) -> None:
    assert tokens.find(text) is None
    assert tokens.find_presented(text) is None


def test_find_of_a_refresh_token_is_none(tokens: OAuthTokens) -> None:
    token = saved(tokens)
    assert token.refresh_token
    assert tokens.find(token.refresh_token) is None
    assert tokens.find_presented(token.refresh_token, ("access",)) is None
    assert tokens.find_presented(token.access_token, ("refresh",)) is None


def test_find_of_a_token_with_another_letter_case_or_ending_is_none(tokens: OAuthTokens) -> None:
    text = saved(tokens).access_token
    for other in (text.swapcase(), text + " ", text[:-1], text + "\n", "dpa_" + text):
        assert tokens.find(other) is None


def test_access_token_ends_after_its_seconds_and_its_refresh_token_after_its_days(
    tokens: OAuthTokens, clock: Clock
) -> None:
    token = saved(tokens)
    clock.now += ACCESS_SECONDS - 0.5
    assert tokens.find(token.access_token) is not None
    clock.now += 0.5
    assert tokens.find(token.access_token) is None
    presented = refreshable(tokens, token)
    assert tokens.is_good(presented)
    clock.now += REFRESH_DAYS * 86_400 - ACCESS_SECONDS
    assert tokens.is_over(presented)
    assert not tokens.is_good(presented)


def test_token_of_a_revoked_client_counts_no_more(tokens: OAuthTokens, rows: OAuthRows) -> None:
    token = saved(tokens)
    client = rows.find_client("c")
    assert client is not None
    rows.revoke_client(client.id, 1.0)
    assert tokens.find(token.access_token) is None
    assert tokens.find_presented(token.refresh_token or "") is None


def test_token_of_an_unknown_client_counts_nothing(tokens: OAuthTokens) -> None:
    assert tokens.find(saved(tokens, TokenHolder("nobody")).access_token) is None


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_revoke_of_either_token_ends_both(tokens: OAuthTokens, kind: str) -> None:
    token, other = saved(tokens), saved(tokens)
    presented = tokens.find_presented(token.access_token if kind == "access" else token.refresh_token or "")
    assert presented is not None
    tokens.revoke(presented)
    assert tokens.find(token.access_token) is None
    assert tokens.find_presented(token.refresh_token or "") is None
    assert tokens.find(other.access_token) is not None


def test_replace_ends_the_old_pair_and_keeps_holder_and_other_tokens(tokens: OAuthTokens) -> None:
    token, other = saved(tokens), saved(tokens)
    new = refreshed(tokens, token)
    assert tokens.find(token.access_token) is None
    assert tokens.find(new.access_token) == FoundToken("c", 1, 3, "predict")
    assert tokens.find(other.access_token) is not None


def test_refresh_token_used_twice_ends_all_that_the_client_has_for_the_user(tokens: OAuthTokens) -> None:
    token, another_users = saved(tokens), saved(tokens, TokenHolder("c", 2, 1))
    first = refreshed(tokens, token)
    second = refreshed(tokens, first)
    assert not tokens.replace(refreshable(tokens, token), tokens.make("predict", True))
    assert tokens.find(second.access_token) is None
    assert tokens.find_presented(second.refresh_token or "") is None
    assert tokens.find(another_users.access_token) is not None


def test_refresh_token_used_a_third_time_does_not_end_a_later_login(tokens: OAuthTokens) -> None:
    token = saved(tokens)
    refreshed(tokens, token)
    assert not tokens.replace(refreshable(tokens, token), tokens.make("predict", True))
    login = saved(tokens)
    assert tokens.find_presented(token.refresh_token or "") is None
    assert tokens.find(login.access_token) is not None


def test_one_refresh_token_used_by_many_at_once_gives_at_most_one_and_that_ends(tokens: OAuthTokens) -> None:
    presented = refreshable(tokens, saved(tokens))
    made = [tokens.make("predict", True) for _ in range(4)]
    assert sorted(at_once(4, lambda n: tokens.replace(presented, made[n]))) == [False] * 3 + [True]  # type: ignore[type-var]
    assert [tokens.find(token.access_token) for token in made] == [None] * 4


def test_save_deletes_tokens_that_are_over_once_an_hour(tokens: OAuthTokens, clock: Clock, tmp_path: Path) -> None:
    def count() -> int:
        return len(read_table(tmp_path / "production.db", "SELECT id FROM oauth_tokens"))

    saved(tokens, can_be_refreshed=False)
    clock.now += ACCESS_SECONDS
    saved(tokens, can_be_refreshed=False)
    assert count() == 2
    clock.now += 3600
    saved(tokens)
    assert count() == 1


def test_no_token_is_stored_as_it_is(tokens: OAuthTokens, tmp_path: Path) -> None:
    token = saved(tokens)
    stored = str(read_table(tmp_path / "production.db", "SELECT * FROM oauth_tokens"))
    assert token.access_token[4:] not in stored
    assert (token.refresh_token or "")[4:] not in stored
