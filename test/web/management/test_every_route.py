"""Every route of the management API, and every page of the studio, with every credential that is not enough for it.

JSON is asked for: other clients are led from pages to the login.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from werkzeug.routing import Rule

from deep_predictor.accounts.accounts import Accounts
from deep_predictor.accounts.oauth import TokenHolder
from deep_predictor.accounts.permissions import SCOPE_PERMISSIONS, SCOPES
from deep_predictor.web import access
from test.web.management.logins import ask, browser_login, quick_logins
from test.web.management.oauth_programs import accounts, new_program, oauth_site
from test.web.sites import JSON, Site

__all__ = ["accounts", "oauth_site", "quick_logins"]

NEEDED = {access.LOGIN: None, access.VIEW: "view", access.TRAIN: "train", access.ADMIN: "admin"}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def guarded_routes(site: Site) -> Iterator[tuple[str, str, access.Access]]:
    """(method, path, rule) of each route that asks for a login or a permission."""
    rules = site.app.extensions[access.EXTENSION]
    for route in site.app.url_map.iter_rules():
        if rules[route.endpoint] in NEEDED:
            for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, path_of(site, route, method), rules[route.endpoint]


def path_of(site: Site, route: Rule, method: str) -> str:
    """An address of the route; what it names is not there."""
    values: dict[str, object] = {}
    for name, converter in route._converters.items():
        choices = getattr(converter, "items", None)
        values[name] = sorted(choices)[0] if choices else converter.to_python("999999999")
    return site.app.url_map.bind("localhost").build(route.endpoint, values, method)


def statuses(site: Site, headers: dict[str, str]) -> dict[tuple[str, str], int]:
    return {
        (method, path): ask(site, method, path, headers=JSON | headers).status_code
        for method, path, _ in guarded_routes(site)
    }


@pytest.fixture
def worthless(oauth_site: Site, accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """Headers with credentials that were good, or look as if: each of an admin."""
    admin = accounts.find_user_by_name("admin")
    assert admin is not None
    program, tokens = new_program(oauth_site), accounts.oauth_tokens
    holder = TokenHolder(program.client_id)
    expired, revoked, of_revoked_client = (tokens.make("admin", False) for _ in range(3))
    with monkeypatch.context() as past:
        past.setattr(tokens, "_clock", lambda: time.time() - 3600)
        tokens.save(expired, holder)
    tokens.save(revoked, holder)
    presented = tokens.find_presented(revoked.access_token)
    assert presented is not None
    tokens.revoke(presented)
    other = new_program(oauth_site)
    tokens.save(of_revoked_client, TokenHolder(other.client_id))
    accounts.oauth_clients.revoke(other.row_id)
    key, revoked_key = accounts.keys.create("a", ["admin"], admin.id)
    accounts.keys.revoke(key.id)
    texts = {
        "expired": expired.access_token,
        "revoked": revoked.access_token,
        "of a revoked client": of_revoked_client.access_token,
        "forged": accounts.make_token(admin)[:-4] + "AAAA",
        "a revoked key": revoked_key,
    }
    return {name: {"Authorization": f"Bearer {text}"} for name, text in texts.items()} | {"none": {}}


def test_guarded_routes_are_found(oauth_site: Site) -> None:
    found = {rule for *_, rule in guarded_routes(oauth_site)}
    assert found == set(NEEDED)
    assert ("DELETE", "/api/v1/oauth-clients/999999999", access.ADMIN) in set(guarded_routes(oauth_site))


def test_route_with_a_worthless_credential_or_none_is_401(
    oauth_site: Site, worthless: dict[str, dict[str, str]]
) -> None:
    for name, headers in worthless.items():
        assert {route: status for route, status in statuses(oauth_site, headers).items() if status != 401} == {}, name


@pytest.mark.parametrize("kind", ["oauth", "api key"])
@pytest.mark.parametrize("scope", ["predict", "train"])
def test_route_with_a_scope_that_is_too_small_is_403(
    oauth_site: Site, accounts: Accounts, scope: str, kind: str
) -> None:
    assert scope in SCOPES
    if kind == "oauth":
        token = new_program(oauth_site).token("client_credentials", scope=scope).json["access_token"]
    else:
        token = accounts.keys.create("a", [scope], None)[1]
    too_much = {
        (method, path)
        for method, path, rule in guarded_routes(oauth_site)
        if NEEDED[rule] and NEEDED[rule] not in SCOPE_PERMISSIONS[scope]
    }
    for method, path in too_much:
        answer = ask(oauth_site, method, path, headers=JSON | {"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.get_json()["code"]) == (403, "not_permitted"), (method, path)
    assert too_much


def test_route_that_changes_something_with_the_cookie_alone_is_400(oauth_site: Site) -> None:
    cookie, _ = browser_login(oauth_site)
    for method, path, _ in guarded_routes(oauth_site):
        if method not in SAFE_METHODS:
            answer = ask(oauth_site, method, path, headers={"Cookie": cookie})
            assert (answer.status_code, answer.get_json()["code"]) == (400, "csrf_token_missing"), (method, path)
