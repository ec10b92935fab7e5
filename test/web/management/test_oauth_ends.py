"""How OAuth2 tokens go on and end: refreshed, revoked, expired; and what introspection tells of them."""

from __future__ import annotations

import time

import pytest

from deep_predictor.accounts.accounts import Accounts
from test.web.management.oauth_programs import (
    PASSWORD,
    Program,
    accounts,
    accounts_of,
    changeable_user,
    is_refused,
    logged_in,
    new_program,
    oauth_site,
    program,
)
from test.web.sites import Site

__all__ = ["accounts", "changeable_user", "oauth_site", "program"]


def test_refresh_gives_a_new_pair_and_ends_the_old_one(program: Program) -> None:
    old = logged_in(program)
    answer = program.token("refresh_token", refresh_token=old["refresh_token"])
    assert answer.status == 200, answer.text
    new = answer.json
    assert set(new) == set(old)
    assert (new["scope"], new["token_type"]) == (old["scope"], "Bearer")
    assert {new["access_token"], new["refresh_token"]}.isdisjoint(old.values())
    assert program.introspected(old["access_token"]) == {"active": False}
    assert program.introspected(new["access_token"])["active"] is True
    assert program.token("refresh_token", refresh_token=new["refresh_token"]).status == 200


def test_refresh_token_used_again_ends_the_whole_family(program: Program) -> None:
    old = logged_in(program)
    new = program.token("refresh_token", refresh_token=old["refresh_token"]).json
    assert is_refused(program.token("refresh_token", refresh_token=old["refresh_token"]), "invalid_grant")
    assert program.introspected(new["access_token"]) == {"active": False}
    assert is_refused(program.token("refresh_token", refresh_token=new["refresh_token"]), "invalid_grant")


def test_refresh_may_ask_for_less_and_not_for_more(program: Program) -> None:
    token = logged_in(program, "admin")["refresh_token"]
    less = program.token("refresh_token", refresh_token=token, scope="predict").json
    assert less["scope"] == "predict"
    more = program.token("refresh_token", refresh_token=less["refresh_token"], scope="predict admin")
    assert is_refused(more, "invalid_scope")
    assert program.token("refresh_token", refresh_token=less["refresh_token"]).status == 200


def test_refresh_with_anothers_token_or_an_access_token_is_refused(oauth_site: Site, program: Program) -> None:
    told, other = logged_in(program), new_program(oauth_site)
    assert is_refused(other.token("refresh_token", refresh_token=told["refresh_token"]), "invalid_grant")
    assert is_refused(program.token("refresh_token", refresh_token=told["access_token"]), "invalid_grant")
    assert program.introspected(told["access_token"])["active"] is True


@pytest.mark.parametrize("change", [{"is_disabled": True}, {"password": PASSWORD + "2"}, {"role": "viewer"}])
def test_tokens_of_a_user_who_was_changed_count_no_more(
    oauth_site: Site, program: Program, accounts: Accounts, changeable_user: int, change: dict[str, object]
) -> None:
    told = logged_in(program)
    accounts.change_user(changeable_user, **change)  # type: ignore[arg-type]
    assert program.introspected(told["access_token"]) == {"active": False}
    assert program.introspected(told["refresh_token"]) == {"active": False}
    assert is_refused(program.token("refresh_token", refresh_token=told["refresh_token"]), "invalid_grant")
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    assert oauth_site.get("/api/v1/oauth-clients", headers=headers).status == 401


def test_expired_tokens_are_refused(oauth_site: Site, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    told = logged_in(program, "admin")
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    assert oauth_site.get("/api/v1/oauth-clients", headers=headers).status == 200
    tokens = accounts_of(oauth_site).oauth_tokens
    monkeypatch.setattr(tokens, "_clock", lambda: time.time() + 3601)
    assert oauth_site.get("/api/v1/oauth-clients", headers=headers).status == 401
    assert program.introspected(told["access_token"]) == {"active": False}
    assert program.introspected(told["refresh_token"])["active"] is True
    monkeypatch.setattr(tokens, "_clock", lambda: time.time() + 31 * 86_400)
    assert program.introspected(told["refresh_token"]) == {"active": False}
    assert is_refused(program.token("refresh_token", refresh_token=told["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_revoked_token_counts_no_more_whatever_the_hint(
    oauth_site: Site, program: Program, kind: str, hint: str
) -> None:
    told = logged_in(program, "admin")
    answer = program.post("/o/revoke_token/", {"token": told[kind], "token_type_hint": hint})
    assert (answer.status, answer.json) == (200, {})
    assert program.introspected(told["access_token"]) == {"active": False}
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    assert oauth_site.get("/api/v1/oauth-clients", headers=headers).status == 401
    assert is_refused(program.token("refresh_token", refresh_token=told["refresh_token"]), "invalid_grant")
    assert program.post("/o/revoke_token/", {"token": told[kind]}).status == 200


def test_revoke_of_an_unknown_token_is_200_and_of_none_400(program: Program) -> None:
    assert program.post("/o/revoke_token/", {"token": "dpa_unknown"}).status == 200
    for form in ({}, {"token": ""}):
        for path in ("/o/revoke_token/", "/o/introspect/"):
            assert is_refused(program.post(path, form), "invalid_request")


def test_revoke_of_another_clients_token_is_refused(oauth_site: Site, program: Program) -> None:
    told = logged_in(program)
    answer = new_program(oauth_site).post("/o/revoke_token/", {"token": told["access_token"]})
    assert is_refused(answer, "invalid_grant")
    assert program.introspected(told["access_token"])["active"] is True


def test_introspect_tells_the_facts_of_a_good_token(program: Program, accounts: Accounts) -> None:
    told = logged_in(program)
    user = accounts.find_user_by_name("trainer")
    facts = program.introspected(told["access_token"])
    assert user is not None
    exp, iat = facts.pop("exp"), facts.pop("iat")
    assert facts == {
        "active": True,
        "scope": "predict train",
        "client_id": program.client_id,
        "token_type": "Bearer",
        "sub": str(user.id),
        "username": "trainer",
    }
    assert exp - iat == 3600  # type: ignore[operator]
    refresh = program.introspected(told["refresh_token"])
    assert refresh["token_type"] == "refresh_token"
    assert refresh["exp"] - iat == 30 * 86_400  # type: ignore[operator]
    own = program.introspected(program.token("client_credentials").json["access_token"])
    assert "sub" not in own
    assert "username" not in own


def test_introspect_of_another_clients_token_needs_the_scope_admin(oauth_site: Site) -> None:
    token = logged_in(new_program(oauth_site))["access_token"]
    assert new_program(oauth_site, ["predict", "train"]).introspected(token) == {"active": False}
    assert new_program(oauth_site, ["admin"]).introspected(token)["username"] == "trainer"
