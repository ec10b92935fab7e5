"""Every answer carries the headers that keep a browser from doing what nobody wants."""

from __future__ import annotations

import pytest

from deep_predictor.web.security_headers import FIXED_HEADERS, page_policy
from test.fakes import picture
from test.web.sites import JSON, Answer, Site


def answers(site: Site) -> dict[str, Answer]:
    prediction_id = site.upload_id()
    site.final(prediction_id)
    path = f"/api/v1/predictions/{prediction_id}"
    return {
        "home": site.get("/"),
        "upload page": site.get("/upload"),
        "result page": site.get(f"/result/{prediction_id}"),
        "result as JSON": site.get(f"/result/{prediction_id}", headers=JSON),
        "static file": site.get("/static/css/site.css"),
        "no such file": site.get("/static/none"),
        "redirect": site.get("/result"),
        "404": site.get("/none"),
        "404 as problem": site.get("/none", headers=JSON),
        "405": site.request("PUT", "/upload"),
        "400 as text": site.get("/api"),
        "answer": site.get(path),
        "picture": site.get(path + "/image"),
        "unchanged picture": site.get(path + "/image", headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
        "options": site.request("OPTIONS", "/upload"),
        "head": site.request("HEAD", "/"),
        "401": site.post("/api/v1/predict", body=picture()),
        "health": site.get("/health/ready"),
        "201": site.upload(),
        "413": site.upload(image=bytes(site.application.main_config.flask_options.max_content_length)),
    }


def test_every_answer_carries_the_security_headers(site: Site) -> None:
    for name, answer in answers(site).items():
        for header, value in FIXED_HEADERS.items():
            assert answer.headers[header] == value, name
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'"), name
        assert "frame-ancestors 'none'" in policy, name
        assert "Server" not in answer.headers, name
        if answer.media_type.endswith("json"):
            assert answer.headers["Cache-Control"] == "no-store", name
        if answer.media_type == "text/html":
            assert policy == page_policy(False), name
        else:
            assert "sandbox" in policy, name


def test_every_answer_to_an_unforeseen_error_carries_them_and_tells_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(prediction_id: str) -> None:
        raise RuntimeError("/a/path/of/this/machine")

    monkeypatch.setattr(site.production.rows, "find", broken)
    for headers in ({}, JSON):
        answer = site.get("/api", params={"prediction_id": "x" * 32}, headers=headers)
        assert answer.status == 500
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "machine" not in answer.text
        assert "Traceback" not in answer.text
    assert answer.json["code"] == "internal_error"
    page = site.get("/result/x")
    assert (page.status, page.media_type) == (500, "text/html")


def test_no_answer_sets_a_cookie(site: Site) -> None:
    for name, answer in answers(site).items():
        assert "Set-Cookie" not in answer.headers, name


@pytest.mark.parametrize("with_recaptcha", [False, True])
def test_page_policy_allows_nothing_inline(with_recaptcha: bool) -> None:
    policy = page_policy(with_recaptcha)
    assert "unsafe" not in policy
    assert "*" not in policy
    assert ("google" in policy) == with_recaptcha
