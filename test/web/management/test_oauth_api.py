"""OAuth2 tokens as programs get them: by password, by client credentials; and what is refused."""

from __future__ import annotations

import logging
import re

import pytest

from deep_predictor.accounts.accounts import Accounts
from deep_predictor.web.oauth_client import REALM
from test.web.conftest import MakeSite
from test.web.management.oauth_programs import (
    PASSWORD,
    Program,
    accounts,
    basic,
    changeable_user,
    is_refused,
    logged_in,
    new_address,
    new_program,
    oauth_site,
    program,
)
from test.web.sites import Site

__all__ = ["accounts", "changeable_user", "oauth_site", "program"]

TOKEN_PATHS = ("/o/token/", "/o/revoke_token/", "/o/introspect/")


def test_password_grant_answers_a_token_that_is_its_users(program: Program, accounts: Accounts) -> None:
    answer = program.token("password", username="trainer", password=PASSWORD)
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 3600)
    assert answer.json["scope"] == "predict train"
    principal = accounts.principal_of_token(answer.json["access_token"])
    assert (principal.kind, principal.name) == ("oauth", "trainer")
    assert principal.permissions == {"predict", "view", "train"}


def test_client_credentials_answer_a_token_of_the_client_without_a_refresh_token(
    oauth_site: Site, accounts: Accounts
) -> None:
    program = new_program(oauth_site, ["predict"], ["client_credentials", "refresh_token"])
    answer = program.token("client_credentials")
    assert answer.status == 200, answer.text
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
    principal = accounts.principal_of_token(answer.json["access_token"])
    assert (principal.name, principal.permissions, principal.user_id) == (program.client_id, {"predict"}, None)


def test_token_is_taken_by_routes_within_its_scope_only(oauth_site: Site) -> None:
    for scopes, statuses in ((["admin"], [200, 200]), (["train"], [403, 200]), (["predict"], [403, 200])):
        token = new_program(oauth_site, scopes).token("client_credentials").json["access_token"]  # type: ignore[arg-type]
        headers = {"Authorization": f"Bearer {token}"}
        asked = [oauth_site.get(path, headers=headers) for path in ("/api/v1/oauth-clients", "/api/v1/session")]
        assert [answer.status for answer in asked] == statuses


@pytest.mark.parametrize("path", [path.rstrip("/") for path in TOKEN_PATHS])
def test_addresses_without_the_last_slash_are_the_same(program: Program, path: str) -> None:
    answer = program.post(path, {"grant_type": "client_credentials", "token": "x"})
    assert answer.status == 200, answer.text


@pytest.mark.parametrize(
    ("username", "wanted", "expected"),
    [
        ("viewer", None, "predict"),
        ("admin", None, "predict train admin"),
        ("admin", "", "predict train admin"),
        ("admin", "train predict", "predict train"),
        ("trainer", "admin", None),
        ("viewer", "predict train", None),
        ("admin", "everything", None),
        ("admin", "predict\x00", None),
    ],
)
def test_scope_is_within_what_client_and_user_may(
    program: Program, username: str, wanted: str | None, expected: str | None
) -> None:
    more = {} if wanted is None else {"scope": wanted}
    answer = program.token("password", username=username, password=PASSWORD, **more)
    if expected is None:
        assert is_refused(answer, "invalid_scope")
    else:
        assert answer.json["scope"] == expected


def test_scope_is_never_more_than_the_clients(oauth_site: Site) -> None:
    program = new_program(oauth_site, ["predict"])
    assert logged_in(program, "admin")["scope"] == "predict"
    assert is_refused(program.token("client_credentials", scope="train"), "invalid_scope")


@pytest.mark.parametrize("grant", ["password", "client_credentials", "refresh_token"])
def test_grant_that_the_client_may_not_use_is_refused(oauth_site: Site, grant: str) -> None:
    others = {"password", "client_credentials", "refresh_token"} - {grant}
    program = new_program(oauth_site, grant_types=others)  # type: ignore[arg-type]
    fields = {"username": "admin", "password": PASSWORD, "refresh_token": "x"}
    assert is_refused(program.token(grant, **fields), "unauthorized_client")


def test_client_without_the_refresh_grant_gets_no_refresh_token(oauth_site: Site) -> None:
    assert "refresh_token" not in logged_in(new_program(oauth_site, grant_types=["password"]))


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
        ({"grant_type": 'PASSWORD"\\\x00é\ud83d'}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "invalid_request"),
        ({"grant_type": "password", "username": "admin"}, "invalid_request"),
        ({"grant_type": "password", "username": "", "password": ""}, "invalid_grant"),
        ({"grant_type": "password", "username": "admin", "password": "wrong"}, "invalid_grant"),
        ({"grant_type": "password", "username": "nobody", "password": PASSWORD}, "invalid_grant"),
        ({"grant_type": "password", "username": "a\x00\n", "password": "\x00"}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": ""}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "dpr_unknown"}, "invalid_grant"),
    ],
)
def test_token_request_that_is_wrong_is_told_in_oauth2s_words(
    program: Program, form: dict[str, str], error: str
) -> None:
    encodable = {name: value.replace("\ud83d", "") for name, value in form.items()}
    answer = program.post("/o/token/", encodable)
    assert is_refused(answer, error)
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*", answer.json.get("error_description", ""))


def test_parameter_that_comes_twice_is_refused(oauth_site: Site, program: Program) -> None:
    headers = {
        "Authorization": basic(program.client_id, program.secret),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = b"grant_type=client_credentials&token=a&scope=predict&scope=admin&token=b"
    for path in TOKEN_PATHS:
        assert is_refused(oauth_site.post(path, headers=headers, body=body), "invalid_request")


def test_parameters_in_the_address_are_not_taken(oauth_site: Site, program: Program) -> None:
    headers = {"Authorization": basic(program.client_id, program.secret)}
    params = {"grant_type": "client_credentials", "token": "x"}
    for path in TOKEN_PATHS:
        assert is_refused(oauth_site.post(path, headers=headers, params=params), "invalid_request")


def test_form_that_is_too_large_is_refused_in_full(program: Program) -> None:
    answer = program.token("client_credentials", scope="x" * 70_000)
    assert (answer.status, answer.json["code"]) == (413, "too_large")


@pytest.mark.parametrize("path", TOKEN_PATHS)
def test_request_without_the_clients_credential_is_401(oauth_site: Site, program: Program, path: str) -> None:
    good, other = basic(program.client_id, program.secret), new_program(oauth_site)
    wrong = [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !",
        "Basic é",
        "Basic YQ==",
        "Basic /////w==",
        good.replace("Basic", "Bearer"),
        good + "A",
        basic(program.client_id, ""),
        basic("", program.secret),
        basic(program.client_id, other.secret),
        basic(f" {program.client_id}", program.secret),
        basic("\0", "\0"),
        basic("dpc_" + "0" * 32, program.secret),
    ]
    form = {"grant_type": "client_credentials", "client_id": program.client_id, "client_secret": program.secret}
    for authorization in wrong:
        headers = {"X-Forwarded-For": new_address()}
        if authorization is not None:
            headers["Authorization"] = authorization.encode().decode("latin-1")
        answer = oauth_site.post(path, form=form | {"token": "x"}, headers=headers)
        assert is_refused(answer, "invalid_client", 401), authorization
        assert answer.headers["WWW-Authenticate"] == f'Basic realm="{REALM}"'


def test_wrong_client_secrets_are_slowed_down_and_the_right_one_is_not(program: Program) -> None:
    wrong = basic(program.client_id, "wrong")
    statuses = [program.post("/o/token/", authorization=wrong).status for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    answer = program.post("/o/token/", authorization=wrong)
    assert answer.media_type == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1
    assert program.token("client_credentials").status == 200


def test_wrong_passwords_are_slowed_down(program: Program, accounts: Accounts) -> None:
    accounts.add_user("guessed", PASSWORD, "viewer")
    statuses = [program.token("password", username="guessed", password="wrong").status for _ in range(7)]
    assert statuses == [400] * 5 + [429] * 2
    answer = program.token("password", username="guessed", password=PASSWORD)
    assert (answer.status, answer.json["code"]) == (429, "too_many_attempts")
    assert int(answer.headers["Retry-After"]) >= 1


def test_disabled_user_gets_no_token(program: Program, accounts: Accounts, changeable_user: int) -> None:
    accounts.change_user(changeable_user, is_disabled=True)
    assert is_refused(program.token("password", username="trainer", password=PASSWORD), "invalid_grant")


def test_no_secret_reaches_the_log(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        told = logged_in(program)
        told |= program.token("refresh_token", refresh_token=told["refresh_token"]).json
        program.introspected(told["access_token"])
        program.token("password", username="trainer", password=f"{PASSWORD} wrong")
        program.post("/o/revoke_token/", {"token": told["refresh_token"]})
    text = "\n".join([caplog.text, *(repr(vars(record)) for record in caplog.records)])
    for secret in (told["access_token"], told["refresh_token"], program.secret, PASSWORD):
        assert secret not in text


def test_token_works_over_a_socket_too(make_site: MakeSite) -> None:
    site = make_site("socket")
    program = new_program(site)
    assert program.token("client_credentials").status == 200
    assert program.post("/o/token", authorization="Basic x").status == 401
