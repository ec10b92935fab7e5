"""Forged, stolen and misplaced credentials: refused, by everything that takes one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer

from deep_predictor.accounts.accounts import Accounts
from test.web.management.logins import ask, browser_login, log_in, quick_logins
from test.web.management.oauth_programs import PASSWORD, accounts, accounts_of, changeable_user, oauth_site
from test.web.sites import Site, short

__all__ = ["accounts", "changeable_user", "oauth_site", "quick_logins"]

#: For admins; it changes nothing.
USERS = "/api/v1/users"
OTHER_KEY = "0f" * 32
HS256 = {"alg": "HS256", "typ": "JWT"}


def status(site: Site, authorization: str, path: str = USERS, **headers: str) -> int:
    return ask(site, "GET", path, headers={"Authorization": authorization, **headers}).status_code


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def jwt(header: Mapping[str, object], claims: Mapping[str, object], key: str, digest: str = "sha256") -> str:
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    return f"{signed}.{encoded(hmac.new(key.encode(), signed.encode(), digest).digest())}"


def good_claims(site: Site, **changes: object) -> dict[str, object]:
    """Of the first admin, as the server would write them."""
    user = accounts_of(site).find_user_by_name("admin")
    assert user is not None
    now = int(time.time())
    return {"sub": str(user.id), "iat": now, "exp": now + 3600, "jti": "x", "sv": user.session_version, **changes}


def test_json_web_token_made_by_hand_is_as_good_as_the_servers(oauth_site: Site) -> None:
    """What the forgeries below change one thing of."""
    token = jwt(HS256, good_claims(oauth_site), oauth_site.app.config["TOKEN_KEY"])
    assert status(oauth_site, f"Bearer {token}") == status(oauth_site, f"JWT {token}") == 200


@pytest.mark.parametrize(
    "header",
    [
        *({"alg": name} for name in ("none", "None", "NONE", "", "HS384", "HS512", "RS256", "ES256", "hs256", None)),
        {"alg": []},
        {"alg": {}},
        {"alg": 1},
        {"alg": ["HS256"]},
        {},
        {**HS256, "crit": ["exp"]},
        {**HS256, "crit": "x"},
        {**HS256, "b64": False, "crit": ["b64"]},
        {**HS256, "enc": "A128GCM", "alg": "dir"},
    ],
    ids=short,
)
def test_json_web_token_with_another_header_is_401(oauth_site: Site, header: dict[str, object]) -> None:
    key = oauth_site.app.config["TOKEN_KEY"]
    digest = {"HS384": "sha384", "HS512": "sha512"}.get(str(header.get("alg")), "sha256")
    token = jwt(header, good_claims(oauth_site), key, digest)
    for forged in (token, token.rpartition(".")[0] + "."):
        assert status(oauth_site, f"Bearer {forged}") == 401


def test_json_web_token_of_another_key_is_401(oauth_site: Site) -> None:
    app, claims = oauth_site.app, good_claims(oauth_site)
    for key in (OTHER_KEY, "", str(app.secret_key), app.config["CSRF_KEY"], "a-secret-of-a-test"):
        for header in (
            HS256,
            {**HS256, "jwk": {"kty": "oct", "k": encoded(OTHER_KEY.encode())}},
            {**HS256, "kid": key},
        ):
            assert status(oauth_site, f"Bearer {jwt(header, claims, key)}") == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 0},
        {"exp": None},
        {"exp": "x"},
        {"exp": []},
        {"sv": 0},
        {"sv": None},
        {"sv": 10**30},
        {"sub": "999999999"},
        {"sub": "-1"},
        {"sub": ""},
        {"sub": None},
        {"sub": 1},
        {"sub": "1 OR 1=1"},
        {"nbf": 10**12},
    ],
    ids=short,
)
def test_json_web_token_with_other_claims_is_401(oauth_site: Site, changes: dict[str, object]) -> None:
    token = jwt(HS256, good_claims(oauth_site, **changes), oauth_site.app.config["TOKEN_KEY"])
    assert status(oauth_site, f"Bearer {token}") == 401


def test_json_web_token_with_parts_of_another_is_401(oauth_site: Site, accounts: Accounts) -> None:
    admin, viewer = (accounts.find_user_by_name(name) for name in ("admin", "viewer"))
    assert admin is not None
    assert viewer is not None
    head, admins, _ = accounts.make_token(admin).split(".")
    _, viewers, signature = accounts.make_token(viewer).split(".")
    assert status(oauth_site, f"Bearer {head}.{viewers}.{signature}") == 403
    for forged in (f"{head}.{admins}.{signature}", f"{head}.{admins}.", f"{head}.{admins}", "..", "a.b.c", "é.é.é"):
        assert status(oauth_site, f"Bearer {forged}") == 401


def test_json_web_token_of_a_user_who_was_changed_is_401(
    oauth_site: Site, accounts: Accounts, changeable_user: int
) -> None:
    for change in ({"password": PASSWORD + "2"}, {"role": "viewer"}, {"is_disabled": True}):
        token = accounts.make_token(accounts.get_user(changeable_user))
        accounts.change_user(changeable_user, **change)
        assert status(oauth_site, f"Bearer {token}") == 401


def test_api_key_that_was_revoked_or_is_over_is_401(
    oauth_site: Site, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked, text = accounts.keys.create("a", ["admin"], None)
    _, over = accounts.keys.create("b", ["admin"], None, time.time() + 60)
    for key in (text, over):
        assert ask(oauth_site, "GET", USERS, headers={"X-API-Key": key}).status_code == 200
    accounts.keys.revoke(revoked.id)
    monkeypatch.setattr(accounts.keys, "_clock", lambda: time.time() + 60)
    for key in (text, over, text[:-1], text.swapcase(), "dpk_", "dpk_" + "A" * 43, "dpk_" + "A" * 50_000):
        assert status(oauth_site, f"Bearer {key}") == 401
        assert ask(oauth_site, "GET", USERS, headers={"X-API-Key": key}).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "JWT"])
def test_wrong_token_beside_a_good_cookie_is_401(oauth_site: Site, scheme: str) -> None:
    cookie, _ = browser_login(oauth_site)
    assert ask(oauth_site, "GET", USERS, headers={"Cookie": cookie}).status_code == 200
    for text in ("", "x", "a.b.c", "dpk_x", "dpa_x"):
        assert status(oauth_site, f"{scheme} {text}", Cookie=cookie) == 401
    assert ask(oauth_site, "GET", USERS, headers={"Cookie": cookie, "X-API-Key": "dpk_x"}).status_code == 401


def test_credential_in_the_wrong_place_is_none(oauth_site: Site, accounts: Accounts) -> None:
    admin = accounts.find_user_by_name("admin")
    assert admin is not None
    token, key = accounts.make_token(admin), accounts.keys.create("a", ["admin"], None)[1]
    cookie, _ = browser_login(oauth_site)
    basic = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    places: list[dict[str, Any]] = [
        {"query_string": {"access_token": token, "api_key": key, "X-API-Key": key, "session": cookie[8:]}},
        {"headers": {"Authorization": f"Basic {basic}"}},
        {"headers": {"Authorization": f"Bearer {cookie[8:]}"}},
        {"headers": {"Authorization": token}},
        {"headers": {"Authorization": f"Token {token}"}},
        {"headers": {"Authorization": f"Bearer {token}, Bearer {token}"}},
        {"headers": {"Cookie": f"session={token}"}},
        {"headers": {"Cookie": f"session={key}"}},
        {"headers": {"X-API-Key": token}},
        {"headers": {"X-CSRF-Token": token}},
    ]
    for sent in places:
        assert ask(oauth_site, "GET", USERS, **sent).status_code == 401, sent


def test_cookie_that_was_forged_is_none(oauth_site: Site) -> None:
    cookie, _ = browser_login(oauth_site)
    content = {"_permanent": True, "user": 1, "version": 1, "began": time.time(), "id": "x"}
    keys = (OTHER_KEY, "", oauth_site.app.config["CSRF_KEY"], oauth_site.app.config["TOKEN_KEY"])
    texts = [
        URLSafeTimedSerializer(key, salt="cookie-session", signer_kwargs={"key_derivation": "hmac"}).dumps(content)
        for key in keys
        if key
    ]
    payload, _, signature = cookie[8:].partition(".")
    texts += [f"{encoded(json.dumps(content).encode())}.{signature}", payload, cookie[8:-1], "", "x" * 4000, ".e.e.e"]
    for text in texts:
        assert ask(oauth_site, "GET", USERS, headers={"Cookie": f"session={text}"}).status_code == 401


def test_login_begins_a_session_that_nobody_could_know_before(oauth_site: Site) -> None:
    planted, planted_csrf = browser_login(oauth_site, "viewer")
    answer = log_in(oauth_site, "admin", Cookie=planted)
    cookie, csrf = answer.headers["Set-Cookie"].partition(";")[0], answer.get_json()["csrf_token"]
    assert cookie != planted
    assert csrf != planted_csrf
    assert ask(oauth_site, "GET", USERS, headers={"Cookie": planted}).status_code == 403
    body = {"username": "x", "password": PASSWORD, "role": "nonsense"}
    for sent, expected in ((planted_csrf, 400), (csrf, 422)):
        headers = {"Cookie": cookie, "X-CSRF-Token": sent}
        assert ask(oauth_site, "POST", USERS, headers=headers, json=body).status_code == expected


def test_csrf_token_is_needed_for_whatever_changes_something(oauth_site: Site) -> None:
    cookie, csrf = browser_login(oauth_site)
    own_digest = hmac.new(OTHER_KEY.encode(), b"x", hashlib.sha256).hexdigest()
    for token in (None, "", " ", csrf[:-1], csrf.upper() + "g", own_digest, "é", "x" * 50_000):
        headers = {"Cookie": cookie} | ({} if token is None else {"X-CSRF-Token": token})
        for method, path in (("POST", "/api/v1/keys"), ("DELETE", "/api/v1/oauth-clients/1"), ("PATCH", f"{USERS}/1")):
            answer = ask(oauth_site, method, path, headers=headers, json={"csrf_token": csrf})
            assert (answer.status_code, answer.get_json()["code"]) == (400, "csrf_token_missing")
    for name in ("X-HTTP-Method-Override", "X-Method-Override"):
        answer = ask(oauth_site, "GET", "/api/v1/oauth-clients/1", headers={"Cookie": cookie, name: "DELETE"})
        assert answer.status_code in (200, 404)


def test_no_credential_reaches_the_log(oauth_site: Site, accounts: Accounts, caplog: pytest.LogCaptureFixture) -> None:
    admin = accounts.find_user_by_name("admin")
    assert admin is not None
    token, key = accounts.make_token(admin), accounts.keys.create("a", ["predict"], None)[1]
    with caplog.at_level(logging.DEBUG):
        cookie, csrf = browser_login(oauth_site)
        log_in(oauth_site, "admin", "a wrong password")
        for headers in ({"Authorization": f"Bearer {token}x"}, {"X-API-Key": key}, {"X-API-Key": key[:-1]}):
            ask(oauth_site, "GET", USERS, headers=headers)
        ask(oauth_site, "POST", USERS, headers={"Cookie": cookie, "X-CSRF-Token": csrf + "x"})
    text = "\n".join([caplog.text, *(repr(vars(record)) for record in caplog.records)])
    for secret in (PASSWORD, "a wrong password", token, key[:-1], cookie[8:], csrf):
        assert secret not in text
