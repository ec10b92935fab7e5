"""Trainings that the server offers, by HTTP, and what the home page says of them."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from test.web.conftest import MakeSite
from test.web.management.conftest import AsPrincipal
from test.web.management.training_sites import jobs_of, until
from test.web.offered_trainings import WORDS, let_go, offering_site
from test.web.sites import Site

SCENES, MASKS = "digit scenes", "<b>masks"


@pytest.fixture(scope="module")
def offering(make_site: MakeSite, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return offering_site(make_site, tmp_path_factory.mktemp("offered"), "in process", {})


@pytest.fixture
def site(offering: Site, as_principal: AsPrincipal) -> Site:
    as_principal("trainer", 7)
    return offering


def state_of(site: Site, name: str) -> str:
    states: dict[str, str] = {
        one["predictor_name"]: one["state"] for one in site.get("/api/v1/examples").json["examples"]
    }
    return states[name]


def test_example_is_listed_trained_and_served(site: Site) -> None:
    listed = site.get("/api/v1/examples").json["examples"]
    assert [one["predictor_name"] for one in listed] == [SCENES, MASKS]
    assert listed[0] == {
        "predictor_name": SCENES,
        "title": "Digit scenes",
        "description": WORDS,
        "state": "offered",
        "job": None,
    }
    home = site.get("/").text
    assert home.count("Not trained on this machine yet") == 2
    assert "Masks of &lt;i&gt;digits&lt;/i&gt;" in home

    accepted = site.post(f"/api/v1/examples/{quote(SCENES)}/train")
    assert (accepted.status, accepted.json["name"], accepted.json["created_by"]) == (202, SCENES, 7)
    job_id = accepted.json["id"]
    assert accepted.headers["Location"].endswith(f"/api/v1/jobs/{job_id}")
    until(lambda: state_of(site, SCENES) == "training", "it trains")
    again = site.post(f"/api/v1/examples/{quote(SCENES)}/train")
    assert (again.status, again.json["code"]) == (409, "example_training")
    assert "Is being trained" in site.get("/").text

    let_go(site, job_id)
    until(lambda: state_of(site, SCENES) == "served", "it is served")
    assert site.get("/health/ready").json["predictors"][SCENES]["state"] == "ready"
    assert site.final(site.upload_id(SCENES))["predictions"][0]["class_name"] == "seven"
    home = site.get("/").text
    assert home.count("Not trained on this machine yet") == 1
    assert home.count("Digit scenes</h3>") == 1, "as a model, by the title of the example"
    assert site.get(f"/api/v1/models?name={quote(SCENES)}").json["count"] == 1


def test_example_that_is_cancelled_is_offered_again(site: Site) -> None:
    job_id = site.post(f"/api/v1/examples/{quote(MASKS)}/train").json["id"]
    site.post(f"/api/v1/trainings/{job_id}/cancel")
    assert jobs_of(site).wait(job_id, 20).has_ended
    assert state_of(site, MASKS) == "offered"


def test_what_is_no_example_is_not_found(site: Site) -> None:
    for name in ("nobody", "%00", quote("例")):
        answer = site.post(f"/api/v1/examples/{name}/train")
        assert (answer.status, answer.json["code"]) == (404, "example_not_found")


def test_viewers_look_and_do_not_train(site: Site, as_principal: AsPrincipal) -> None:
    as_principal("viewer")
    assert site.get("/api/v1/examples").status == 200
    assert site.post(f"/api/v1/examples/{quote(MASKS)}/train").status == 403
