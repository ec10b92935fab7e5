"""/health/live and /health/ready, which must tell the truth."""

from __future__ import annotations

from typing import Any

import pytest

from test.app_builder import DUMMY, fault_predictor
from test.web.conftest import MakeSite, wait_until_decided
from test.web.sites import Site, Transport

OPTIONAL: dict[str, Any] = {"predictor_backend": "dummy", "options": {**DUMMY["options"], "required": 0}}


def test_live_answers_200_whatever_the_predictors_do(make_site: MakeSite, transport: Transport) -> None:
    loading = make_site(transport, production={"blocked": fault_predictor(load_fault="block")}, wait=False)
    assert (loading.get("/health/live").status, loading.get("/health/live").json) == (200, {"status": "live"})
    answer = loading.get("/health/ready")
    assert (answer.status, answer.json["status"]) == (503, "not ready")
    assert answer.json["predictors"]["blocked"]["state"] == "loading"


def test_ready_waits_only_for_required_predictors_and_names_all(site: Site) -> None:
    answer = site.get("/health/ready")
    assert (answer.status, answer.json["status"]) == (200, "ready")
    predictors = answer.json["predictors"]
    assert list(predictors) == list(site.production.predictors)
    assert predictors["dummy"] == {"state": "ready", "reason_code": None, "required": True}
    assert predictors["broken"] == {"state": "failed", "reason_code": "model_missing", "required": False}
    assert predictors["blocked"] == {"state": "loading", "reason_code": None, "required": False}


@pytest.mark.parametrize(("name", "status"), [("dummy", 200), ("ms coco", 200), ("broken", 503), ("blocked", 503)])
def test_ready_of_one_predictor_is_about_that_one(site: Site, name: str, status: int) -> None:
    answer = site.get("/health/ready", params={"predictor": name})
    assert answer.status == status
    assert list(answer.json["predictors"]) == [name]


@pytest.mark.parametrize("name", ["none", "", "x" * 5000, "\x00", "é"])
def test_ready_of_an_unknown_predictor_answers_404(site: Site, name: str) -> None:
    answer = site.get("/health/ready", params={"predictor": name})
    assert (answer.status, answer.json["code"]) == (404, "unknown_predictor")


def test_ready_with_a_failed_required_predictor_answers_503(make_site: MakeSite, transport: Transport) -> None:
    failed = make_site(transport, production={"good": DUMMY, "broken": fault_predictor(load_fault="not ready")})
    answer = failed.get("/health/ready")
    assert (answer.status, answer.json["predictors"]["broken"]["reason_code"]) == (503, "model_missing")


def test_ready_without_any_required_predictor_answers_503(make_site: MakeSite, transport: Transport) -> None:
    nothing = make_site(transport, production={"optional": OPTIONAL})
    wait_until_decided(nothing, ["optional"])
    assert nothing.get("/health/ready").status == 503
    assert nothing.get("/health/ready", params={"predictor": "optional"}).status == 200


def test_ready_names_no_path_and_no_reason_but_its_code(make_site: MakeSite, transport: Transport) -> None:
    broken = make_site(transport, production={"typo": fault_predictor(tiemout_seconds=3)})
    answer = broken.get("/health/ready")
    assert answer.json["predictors"]["typo"] == {"state": "failed", "reason_code": "config", "required": True}
    assert str(broken.folder) not in answer.text + broken.get("/api/v1/predictors").text
