"""Publishing by HTTP, as an outside program does it."""

from __future__ import annotations

import json
from typing import Any

from test.web.management.conftest import AsPrincipal
from test.web.management.test_models_api import add_model, library_of
from test.web.sites import JSON, Answer, Site

_JSON_BODY = {"Content-Type": "application/json"}


def publish(site: Site, model_id: int, name: str | None = "fruit", environment: str = "production") -> Answer:
    body = {"environment": environment} | ({"predictor_name": name} if name else {})
    return site.post(f"/api/v1/models/{model_id}/publish", body=json.dumps(body).encode(), headers=_JSON_BODY)


def answered_class(site: Site, name: str) -> str:
    answer = site.final(site.upload_id(name))
    assert answer["prediction_status"] == 200
    class_name: str = answer["predictions"][0]["class_name"]
    return class_name


def listed(site: Site) -> dict[str, Any]:
    return {one["predictor_name"]: one for one in site.get("/api/v1/publications").json["results"]}


def test_model_is_published_answers_is_rolled_back_and_unpublished(admin_site: Site) -> None:
    old, new = add_model(admin_site, 801, "apple"), add_model(admin_site, 802, "pear")
    published = publish(admin_site, old.id)
    assert published.status == 200, published.text
    assert published.json["model_id"] == old.id
    assert (published.json["state"], published.json["published_by"]) == ("ready", 1)
    assert answered_class(admin_site, "fruit") == "apple"
    assert publish(admin_site, new.id).json["model_name"] == "pear"
    assert answered_class(admin_site, "fruit") == "pear"

    names = admin_site.get("/api", params={"predictors": ""}).json["predictors"]
    assert names == ["dummy", "fruit"]
    details = admin_site.get("/api/v1/predictors").json["predictors"]
    assert [(one["model_name"], one["state"]) for one in details] == [("dummy", "ready"), ("fruit", "ready")]
    assert "fruit" in admin_site.get("/upload").text
    assert admin_site.get("/health/ready").json["predictors"]["fruit"]["state"] == "ready"
    assert listed(admin_site)["fruit"]["model_id"] == new.id
    shown = admin_site.get(f"/api/v1/models/{new.id}").json
    assert shown["published"] == [{"environment": "production", "predictor_name": "fruit"}]
    refused = admin_site.request("DELETE", f"/api/v1/models/{new.id}")
    assert (refused.status, refused.json["code"]) == (409, "model_published")

    back = admin_site.post("/api/v1/publications/production/fruit/rollback")
    assert (back.status, back.json["model_id"]) == (200, old.id)
    assert answered_class(admin_site, "fruit") == "apple"
    again = admin_site.post("/api/v1/publications/production/fruit/rollback")
    assert (again.status, again.json["code"]) == (409, "nothing_before")

    assert admin_site.request("DELETE", "/api/v1/publications/production/fruit").status == 204
    assert listed(admin_site) == {}
    upload = admin_site.upload({"model_name": "fruit"}, JSON)
    assert (upload.status, upload.json["code"]) == (422, "unknown_predictor")
    assert admin_site.request("DELETE", "/api/v1/publications/production/fruit").status == 404
    assert admin_site.application.registry.wait_until_retired(20)


def test_model_that_cannot_become_ready_is_told_with_its_code(admin_site: Site) -> None:
    broken = add_model(admin_site, 803, "broken", load_fault="not ready")
    answer = publish(admin_site, broken.id, "broken")
    assert (answer.status, answer.json["code"]) == (409, "model_missing")
    assert str(admin_site.folder) not in answer.text
    assert listed(admin_site) == {}


def test_name_of_a_configured_predictor_is_taken(admin_site: Site) -> None:
    answer = publish(admin_site, add_model(admin_site, 804).id, "dummy")
    assert (answer.status, answer.json["code"]) == (409, "name_taken")


def test_models_own_name_is_used_where_none_is_given(admin_site: Site) -> None:
    model = add_model(admin_site, 805, "果物")
    assert publish(admin_site, model.id, None, "test").json["predictor_name"] == "果物"
    assert admin_site.get("/test-api", params={"predictors": ""}).json["predictors"] == ["dummy", "果物"]
    assert admin_site.request("DELETE", "/api/v1/publications/test/果物").status == 204


def test_what_is_asked_wrongly_is_refused(admin_site: Site) -> None:
    model = add_model(admin_site, 806)
    assert publish(admin_site, model.id, environment="staging").status == 422
    assert publish(admin_site, model.id, "a/b").status == 422
    assert publish(admin_site, 999_999_999).status == 404
    assert admin_site.request("DELETE", "/api/v1/publications/staging/fruit").status == 404
    assert admin_site.request("DELETE", "/api/v1/publications/production/%00").status == 404
    assert admin_site.post("/api/v1/publications/production/nobody/rollback").status == 404


def test_long_names_of_trainings_can_still_be_published(admin_site: Site, as_principal: AsPrincipal) -> None:
    model = add_model(admin_site, 807, "x" * 150)
    assert publish(admin_site, model.id, None).status == 200
    as_principal("trainer")
    assert admin_site.request("DELETE", f"/api/v1/publications/production/{'x' * 150}").status == 204
    assert library_of(admin_site).publisher.published() == []


def test_earlier_model_is_named_where_there_is_one_to_go_back_to(admin_site: Site) -> None:
    old, new = add_model(admin_site, 808), add_model(admin_site, 809)
    assert publish(admin_site, old.id, "steps").json["earlier"] is None
    assert publish(admin_site, new.id, "steps").json["earlier"]["model_id"] == old.id
    assert listed(admin_site)["steps"]["earlier"] == {
        "model_id": old.id,
        "model_name": "fruit",
        "model_version": old.version,
    }
    back = admin_site.post("/api/v1/publications/production/steps/rollback")
    assert back.json["earlier"] is None
    assert admin_site.request("DELETE", "/api/v1/publications/production/steps").status == 204
