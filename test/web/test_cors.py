"""Pages of the origins that a cfg names may call the API; others may not read a word."""

from __future__ import annotations

import pytest

from test.app_builder import PRODUCTION_KEY
from test.fakes import picture
from test.web.conftest import MakeSite
from test.web.sites import JSON, Site, Transport

FRIEND, TESTER, STRANGER = "https://friend.example", "http://localhost:3000", "https://stranger.example"
TOKEN_PATHS = ["/auth", "/o/token/", "/o/token", "/o/revoke_token/", "/o/introspect/"]
PRODUCTION_PATHS = ["/api", "/upload", "/api/v1/predict", "/api/v1/predictors", "/api/v1/predictions/x", *TOKEN_PATHS]
TEST_PATHS = ["/test-api", "/test-upload"]


@pytest.fixture(scope="module")
def site(make_site: MakeSite, transport: Transport) -> Site:
    changes = {"production.api_options.cors_origins": [FRIEND], "test.api_options.cors_origins": [TESTER]}
    return make_site(transport, changes)


def preflight(site: Site, path: str, origin: str, method: str = "POST") -> dict[str, str]:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type,x-api-key",
    }
    answer = site.request("OPTIONS", path, headers=headers)
    assert answer.status == 200
    return dict(answer.headers)


@pytest.mark.parametrize(
    ("path", "origin"), [*((path, FRIEND) for path in PRODUCTION_PATHS), *((path, TESTER) for path in TEST_PATHS)]
)
def test_preflight_from_an_allowed_origin_is_granted_without_a_credential(site: Site, path: str, origin: str) -> None:
    headers = preflight(site, path, origin)
    assert headers["Access-Control-Allow-Origin"] == origin
    assert {"GET", "POST", "DELETE"} <= set(headers["Access-Control-Allow-Methods"].split(", "))
    assert {"content-type", "x-api-key"} <= set(headers["Access-Control-Allow-Headers"].lower().split(", "))
    assert "Access-Control-Allow-Credentials" not in headers
    assert "Origin" in headers["Vary"]


@pytest.mark.parametrize(
    "path", [*PRODUCTION_PATHS, *TEST_PATHS, "/", "/health/live", "/result", "/static/css/site.css"]
)
@pytest.mark.parametrize("origin", [STRANGER, "null", "", "*", FRIEND + ".evil.example", FRIEND.upper()])
def test_preflight_from_any_other_origin_is_not_granted(site: Site, path: str, origin: str) -> None:
    assert not [name for name in preflight(site, path, origin) if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    ("path", "origin"), [("/api", TESTER), ("/upload", TESTER), ("/test-api", FRIEND), ("/", FRIEND)]
)
def test_preflight_of_one_environments_origin_opens_nothing_else(site: Site, path: str, origin: str) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(site, path, origin)


def test_answer_to_an_allowed_origin_can_be_read_by_its_page(site: Site) -> None:
    answer = site.get("/api?predictors", headers={"Origin": FRIEND})
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "Origin" in answer.headers["Vary"]
    answer = site.post("/api/v1/predict", headers={"Origin": FRIEND, "X-API-Key": PRODUCTION_KEY}, body=picture())
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, FRIEND)
    assert "Location" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api", 400), ("POST", "/api/v1/predict", 422), ("GET", "/api/v1/none", 404), ("PUT", "/upload", 405)],
)
def test_error_to_an_allowed_origin_can_be_read_by_its_page(site: Site, method: str, path: str, status: int) -> None:
    answer = site.request(method, path, headers={"Origin": FRIEND, **JSON, "Content-Type": "multipart/form-data"})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, FRIEND)


@pytest.mark.parametrize("path", TOKEN_PATHS)
def test_answer_about_tokens_can_be_read_by_a_page_of_an_allowed_origin_only(site: Site, path: str) -> None:
    for origin, allowed in ((FRIEND, FRIEND), (STRANGER, None), (TESTER, None)):
        answer = site.post(path, headers={"Origin": origin, "Content-Type": "application/json"}, body=b"{}")
        assert answer.status in (401, 403, 422)
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Set-Cookie" not in answer.headers


def test_answer_varies_by_origin_even_without_one(site: Site) -> None:
    answer = site.get("/api?predictors")
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_without_origins_in_the_cfg_nobody_is_allowed(make_site: MakeSite, transport: Transport) -> None:
    closed = make_site(transport)
    assert "Access-Control-Allow-Origin" not in preflight(closed, "/api", FRIEND)
    assert "Vary" not in closed.get("/api?predictors", headers={"Origin": FRIEND}).headers
