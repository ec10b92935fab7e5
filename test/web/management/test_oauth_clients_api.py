"""/api/v1/oauth-clients: made, listed and revoked by admins."""

from __future__ import annotations

import pytest

from test.web.management.conftest import AsPrincipal
from test.web.management.oauth_programs import (
    Program,
    accounts_of,
    is_refused,
    logged_in,
    new_program,
    oauth_site,
    program,
)
from test.web.sites import Site

__all__ = ["oauth_site", "program"]


def test_revoked_client_and_its_tokens_count_no_more(
    oauth_site: Site, program: Program, as_principal: AsPrincipal
) -> None:
    told, other = logged_in(program), new_program(oauth_site)
    as_principal("admin")
    answer = oauth_site.request("DELETE", f"/api/v1/oauth-clients/{program.row_id}")
    assert (answer.status, answer.body) == (204, b"")
    assert oauth_site.request("DELETE", f"/api/v1/oauth-clients/{program.row_id}").status == 204
    assert is_refused(program.token("client_credentials"), "invalid_client", 401)
    assert accounts_of(oauth_site).oauth_tokens.find(told["access_token"]) is None
    assert other.introspected(told["access_token"]) == {"active": False}


def test_create_client_tells_its_secret_once(oauth_site: Site, as_principal: AsPrincipal) -> None:
    as_principal("admin", 42)
    body = b'{"name": "\xe6\x97\xa5\xe6\x9c\xac", "scopes": ["train"], "grant_types": ["client_credentials"]}'
    answer = oauth_site.post("/api/v1/oauth-clients", body=body, headers={"Content-Type": "application/json"})
    assert answer.status == 201, answer.text
    made = answer.json
    secret = made.pop("client_secret")
    assert (made["name"], made["scopes"], made["created_by"], made["revoked_at"]) == ("日本", ["train"], 42, None)
    assert answer.headers["Location"].endswith(f"/api/v1/oauth-clients/{made['id']}")
    shown = oauth_site.get(f"/api/v1/oauth-clients/{made['id']}")
    assert shown.json == made
    listed = oauth_site.get("/api/v1/oauth-clients", params={"limit": "500"})
    assert made in listed.json["results"]
    assert secret not in shown.text + listed.text
    assert Program(oauth_site, made["client_id"], secret, made["id"]).token("client_credentials").status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"name": "a", "scopes": []}',
        b'{"name": "a", "scopes": ["root"]}',
        b'{"name": "a", "scopes": ["train"], "grant_types": []}',
        b'{"name": "a", "scopes": ["train"], "grant_types": ["authorization_code"]}',
        b'{"name": " a", "scopes": ["train"]}',
        b'{"name": "a\\u0000", "scopes": ["train"]}',
        b'{"name": "a\\ud800", "scopes": ["train"]}',
        b'{"name": "a", "scopes": ["train"], "client_secret": "mine"}',
    ],
)
def test_create_client_of_a_wrong_body_is_422(oauth_site: Site, as_principal: AsPrincipal, body: bytes) -> None:
    as_principal("admin")
    answer = oauth_site.post("/api/v1/oauth-clients", body=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"]) == (422, "request_invalid")


def test_clients_are_listed_by_pages(oauth_site: Site, as_principal: AsPrincipal) -> None:
    as_principal("admin")
    ids = [new_program(oauth_site).row_id for _ in range(3)]
    first = oauth_site.get("/api/v1/oauth-clients", params={"limit": "1"}).json
    assert (len(first["results"]), first["previous"]) == (1, None)
    last = oauth_site.get("/api/v1/oauth-clients", params={"limit": "2", "offset": str(first["count"] - 2)}).json
    assert [client["id"] for client in last["results"]] == ids[1:]
    assert last["next"] is None


def test_unknown_client_is_404(oauth_site: Site, as_principal: AsPrincipal) -> None:
    as_principal("admin")
    for method in ("GET", "DELETE"):
        answer = oauth_site.request(method, "/api/v1/oauth-clients/999999999")
        assert (answer.status, answer.json["code"]) == (404, "oauth_client_not_found")


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("predict", 403), ("viewer", 403), ("trainer", 403)])
def test_clients_are_for_admins(
    oauth_site: Site, as_principal: AsPrincipal, program: Program, role: str | None, status: int
) -> None:
    as_principal(role)
    for method, path in (("GET", ""), ("POST", ""), ("GET", f"/{program.row_id}"), ("DELETE", f"/{program.row_id}")):
        assert oauth_site.request(method, f"/api/v1/oauth-clients{path}").status == status
    assert accounts_of(oauth_site).oauth_clients.get(program.row_id).revoked_at is None
