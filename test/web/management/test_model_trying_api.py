"""POST /api/v1/models/<id>/predict: what a model says of a picture, published or not."""

from __future__ import annotations

import base64
import json
from itertools import count
from typing import Any

import pytest

from test.fakes import picture
from test.web.management.conftest import AsPrincipal
from test.web.management.test_models_api import add_model, library_of
from test.web.management.test_publishing import publish
from test.web.sites import Answer, Site

#: Of the jobs that trained the models.
NUMBERS = count(601)


def try_model(site: Site, model_id: int, image: bytes | None = None, name: str = "image") -> Answer:
    files = {name: ("a.png", image if image is not None else picture())}
    return site.post(f"/api/v1/models/{model_id}/predict", files=files)


def try_json(site: Site, model_id: int, content: Any) -> Answer:
    headers = {"Content-Type": "application/json"}
    return site.post(f"/api/v1/models/{model_id}/predict", body=json.dumps(content).encode(), headers=headers)


def test_model_that_is_not_published_says_what_it_sees_and_nothing_is_stored(admin_site: Site) -> None:
    model, before = add_model(admin_site, next(NUMBERS), "りんご"), admin_site.stored()
    answer = try_model(admin_site, model.id)
    assert answer.status == 200, answer.text
    assert answer.json["predictions"] == [{"class_index": 0, "class_name": "りんご", "confidence": 0.9}]
    assert (answer.json["results"], answer.json["confidence"]) == ("りんご", 0.9)
    assert answer.json["seconds"] >= 0
    encoded = base64.b64encode(picture()).decode()
    for image in (encoded, f"data:image/png;base64,{encoded}"):
        assert try_json(admin_site, model.id, {"image": image}).json["results"] == "りんご"
    assert admin_site.stored() == before


def test_published_model_is_asked_where_it_is_served(admin_site: Site) -> None:
    model = add_model(admin_site, next(NUMBERS))
    assert publish(admin_site, model.id, "tried").status == 200
    assert try_model(admin_site, model.id).json["results"] == "fruit"
    assert library_of(admin_site)._asker._loaded is None or library_of(admin_site)._asker._loaded[0][0] != model.id
    assert admin_site.request("DELETE", "/api/v1/publications/production/tried").status == 204


@pytest.mark.parametrize(
    ("fault", "code"), [("raise", "model_raised"), ("not finite", "result_invalid"), ("not json", "result_invalid")]
)
def test_model_that_fails_is_told_with_its_code(admin_site: Site, fault: str, code: str) -> None:
    answer = try_model(admin_site, add_model(admin_site, next(NUMBERS)).id, picture(fault))
    assert (answer.status, answer.json["code"]) == (409, code)


def test_model_that_cannot_be_loaded_is_told_with_its_code(admin_site: Site) -> None:
    answer = try_model(admin_site, add_model(admin_site, next(NUMBERS), load_fault="not ready").id)
    assert (answer.status, answer.json["code"]) == (409, "model_missing")


def test_what_is_no_picture_or_no_model_is_refused(admin_site: Site) -> None:
    model = add_model(admin_site, next(NUMBERS))
    assert try_model(admin_site, model.id, b"no picture").json["code"] == "image_unreadable"
    assert try_model(admin_site, model.id, name="other").json["code"] == "missing_field"
    assert try_json(admin_site, model.id, {"image": "!"}).json["code"] == "invalid_body"
    assert try_json(admin_site, model.id, {"image": "", "more": 1}).json["code"] == "request_invalid"
    assert admin_site.post(f"/api/v1/models/{model.id}/predict", body=b"x").status == 415
    assert try_model(admin_site, 999_999_999).json["code"] == "model_not_found"


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("predict", 403), ("viewer", 200), ("trainer", 200)])
def test_who_may_try_a_model(managed_site: Site, as_principal: AsPrincipal, role: str | None, status: int) -> None:
    model = add_model(managed_site, next(NUMBERS))
    as_principal(role)
    assert try_model(managed_site, model.id).status == status
