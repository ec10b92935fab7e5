"""docs/api.md cannot rot: it names every route and every status."""

from __future__ import annotations

import re
from pathlib import Path

from deep_predictor.results import PredictionStatus
from deep_predictor.web.long_poll import LONGEST_WAIT_SECONDS
from deep_predictor.web.predicting import PREDICT_SECONDS
from test.web.conftest import MakeSite


def test_docs_name_every_route_with_its_methods(make_site: MakeSite, project_root: Path) -> None:
    text = (project_root / "docs" / "api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(GET|POST|PATCH|PUT|DELETE) (/[^`]*)`", text))
    routes = {
        (method, rule.rule)
        for rule in make_site().app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes - named == set(), "routes that docs/api.md does not name"
    assert {one for one in named if one[1] != "/api/v1/"} - routes == set(), "docs/api.md names what is not there"


def test_docs_name_every_status(project_root: Path) -> None:
    text = (project_root / "docs" / "api.md").read_text(encoding="utf-8")
    for status in PredictionStatus:
        assert f"| {int(status)} |" in text


def test_docs_say_how_long_requests_wait(project_root: Path) -> None:
    text = (project_root / "docs" / "api.md").read_text(encoding="utf-8")
    assert f"(at most {LONGEST_WAIT_SECONDS:g})" in text
    assert f"After {PREDICT_SECONDS:g} s" in text
