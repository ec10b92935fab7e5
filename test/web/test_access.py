"""Every route has its access rule, written beside its registration; a route without one is closed."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask, Request
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from deep_predictor.web import access
from deep_predictor.web.access import (
    KEY_OR_OPEN_UPLOADS,
    PREDICT_CREDENTIAL,
    PUBLIC,
    TEST_CREDENTIAL,
    UPLOAD_CREDENTIAL,
    enforce_access,
    register,
    wants_json,
)
from test.web.conftest import MakeSite
from test.web.sites import short

#: Every route that changes or stores something, and what it asks for. All others are public.
GUARDED = {
    "pages.send_upload": UPLOAD_CREDENTIAL,
    "test_api.send_upload": TEST_CREDENTIAL,
    "api_v1.predict": PREDICT_CREDENTIAL,
    "api_v1.delete": KEY_OR_OPEN_UPLOADS,
}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def test_access_every_route_of_the_application_has_its_rule(make_site: MakeSite) -> None:
    app = make_site().app
    rules = app.extensions[access.EXTENSION]
    for route in app.url_map.iter_rules():
        assert route.endpoint in rules, f"{route} has no access rule"
        assert rules[route.endpoint] is GUARDED.get(route.endpoint, PUBLIC), route
        if rules[route.endpoint] is PUBLIC:
            assert set(route.methods or ()) <= SAFE_METHODS, f"{route} changes something and is public"
    assert set(GUARDED) <= set(rules)


def test_access_of_a_route_without_a_rule_is_closed() -> None:
    app = Flask(__name__)
    app.extensions[access.EXTENSION] = {}
    app.before_request(enforce_access)
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert app.test_client().get("/forgotten").status_code == 403


def test_register_of_two_rules_for_one_endpoint_is_refused() -> None:
    def view() -> str:
        return ""

    blueprint = Blueprint("b", __name__)
    register(blueprint, "/one", view, ["GET"], PUBLIC)
    register(blueprint, "/two", view, ["GET"], UPLOAD_CREDENTIAL)
    with pytest.raises(ValueError, match="two access rules"):
        Flask(__name__).register_blueprint(blueprint)


def test_register_of_an_options_view_is_refused() -> None:
    with pytest.raises(ValueError, match="OPTIONS"):
        register(Blueprint("b", __name__), "/one", lambda: "", ["OPTIONS"], PUBLIC)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("text/html", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/json", True),
        ("application/problem+json", True),
        ("application/json, text/plain, */*", True),
        ("text/html;q=0.5, application/json", True),
        ("text/html, application/json;q=0.5", False),
        ("APPLICATION/JSON", True),
        ("image/png", False),
        ("application/json;q=0", False),
        (";;;,,=,q=nan", False),
        ("a/b;q=1e999," * 1000, False),
    ],
    ids=short,
)
def test_wants_json_follows_the_accept_header(accept: str | None, expected: bool) -> None:
    headers = Headers({} if accept is None else {"Accept": accept})
    assert wants_json(Request(EnvironBuilder(headers=headers).get_environ())) is expected
