"""A picture answered past Flask is answered as Flask answers it, and nothing slips past the rules this way."""

from __future__ import annotations

import io
from typing import Any

import pytest

from deep_predictor.web import plain_predict
from deep_predictor.web.plain_predict import PlainPredict
from test.app_builder import PRODUCTION_KEY
from test.fakes import picture
from test.web.conftest import MakeSite
from test.web.sites import Answer, Site

PATH = "/api/v1/predict"
RAW = {"X-API-Key": PRODUCTION_KEY, "Content-Type": "image/png"}
#: Differs between any two answers.
PASSING = ("prediction_id", "prediction_time", "prediction_seconds")


def post(
    site: Site, params: dict[str, str], headers: dict[str, str] | None = None, body: bytes | None = None
) -> Answer:
    return site.post(PATH, params=params, headers=headers or RAW, body=picture() if body is None else body)


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each request that came through, whether Flask was left out."""
    seen: list[bool] = []
    knows_plain = PlainPredict._knows_plain

    def note(self: PlainPredict, environ: Any) -> bool:
        is_first = self._key not in environ
        is_plain = knows_plain(self, environ)
        seen.extend([is_plain] if is_first else [])
        return is_plain

    monkeypatch.setattr(PlainPredict, "_knows_plain", note)
    return seen


def facts_of(answer: Answer) -> tuple[int, dict[str, str], dict[str, Any]]:
    told = {name.lower() for name in ("Date", "Server", "Content-Length", "Location", "Connection", "Via")}
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in told}
    body = {name: value for name, value in answer.json.items() if name not in PASSING}
    return answer.status, headers, body


@pytest.mark.parametrize("params", [{}, {"store": "0"}, {"store": "1", "model_name": "dummy"}])
def test_plain_request_is_answered_as_flask_answers_it(site: Site, ways: list[bool], params: dict[str, str]) -> None:
    plain = post(site, params)
    other = post(site, params, {**RAW, "Content-Encoding": "identity"})

    assert ways == [True, False]
    assert facts_of(plain) == facts_of(other)
    assert plain.json["prediction_status"] == 200
    assert len(plain.json["prediction_id"]) == 32
    assert ("Location" in plain.headers) == ("Location" in other.headers) == (params.get("store") != "0")
    if "Location" in plain.headers:
        assert plain.headers["Location"].endswith(f"/api/v1/predictions/{plain.json['prediction_id']}")
        stored = site.get("/api", params={"prediction_id": plain.json["prediction_id"]}).json
        assert {key: value for key, value in plain.json.items() if key not in ("results", "confidence")} == stored
        assert plain.json["results"] == stored["predictions"][0]["class_name"]


@pytest.mark.parametrize(
    ("params", "body"),
    [({"model_name": "nobody"}, None), ({}, b"no picture"), ({"store": "0"}, b"no picture")],
)
def test_error_is_answered_as_flask_answers_it(
    site: Site, ways: list[bool], params: dict[str, str], body: bytes | None
) -> None:
    plain = post(site, params, body=body)
    other = post(site, params, {**RAW, "Content-Encoding": "identity"}, body)

    assert ways == [True, False]
    assert plain.status >= 400
    assert facts_of(plain) == facts_of(other)


KEY = {"X-API-Key": PRODUCTION_KEY}
#: Makes Flask answer.
BY_FLASK = {**KEY, "Content-Encoding": "identity"}


@pytest.mark.parametrize(
    ("form", "file", "status"),
    [
        ({}, ("picture.png", picture()), 200),
        ({"store": "0", "model_name": "dummy", "further": "field"}, ("picture.png", picture(), "image/png"), 200),
        ({"store": "1", "api_key": PRODUCTION_KEY}, ("no extension", picture(), "image/png"), 200),
        ({"api_key": "wrong"}, ("picture.png", picture()), 401),
        ({"api_key": ""}, ("picture.png", picture()), 200),
        ({"store": "2"}, ("picture.png", picture()), 422),
        ({"model_name": "nobody"}, ("picture.png", picture()), 422),
        ({}, ("picture.png", b"no picture"), 415),
        ({"store": "0"}, ("picture.exe", picture()), 415),
        ({"long": "x" * 600_000}, ("picture.png", picture()), 413),
    ],
)
def test_form_is_answered_as_flask_answers_it(
    site: Site, ways: list[bool], form: dict[str, str], file: tuple[Any, ...], status: int
) -> None:
    plain = site.post(PATH, form=form, files={"image": file}, headers=KEY)
    other = site.post(PATH, form=form, files={"image": file}, headers=BY_FLASK)

    assert ways == [True, False]
    assert plain.status == status
    assert facts_of(plain) == facts_of(other)


@pytest.mark.parametrize("body", [b"--x", b"--x\r\nContent-Disposition: form-data; name=image\r\n\r\nabc"])
def test_form_that_holds_no_file_is_refused_as_flask_refuses_it(site: Site, ways: list[bool], body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    plain = site.post(PATH, body=body, headers={**KEY, **headers})
    other = site.post(PATH, body=body, headers={**BY_FLASK, **headers})

    assert ways == [True, False]
    assert plain.status == 422
    assert facts_of(plain) == facts_of(other)


def test_error_that_nobody_foresaw_is_500_and_logged(
    site: Site, ways: list[bool], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(plain_predict, "PredictWait", fail)
    answer = post(site, {"store": "0"})

    assert (answer.status, answer.json["code"], ways) == (500, "internal_error", [True])
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("params", "headers", "status"),
    [
        ({}, {"X-API-Key": "wrong"}, 401),
        ({}, {"X-API-Key": ""}, 401),
        ({"prediction_id": "x" * 32}, {}, 200),
        ({"store": "2"}, {}, 422),
        ({"api_key": PRODUCTION_KEY}, {}, 200),
        ({"model_name": "ms coco"}, {}, 200),
        ({}, {"Origin": "https://example.org"}, 200),
        ({}, {"Content-Type": "application/octet-stream"}, 200),
        ({}, {"Host": "exa mple"}, 200),
    ],
)
def test_request_that_is_not_plain_goes_to_flask(
    site: Site, ways: list[bool], params: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = post(site, params, {**RAW, **headers})

    assert ways in ([False], [])  # waitress refuses some hosts by itself
    if "Host" not in headers:
        assert answer.status == status


def test_vary_of_a_site_with_origins_is_kept(make_site: MakeSite, ways: list[bool]) -> None:
    origins = {"production.api_options.cors_origins": ["https://example.org"]}
    site = make_site("client", origins)

    assert "Origin" in post(site, {"store": "0"}).headers["Vary"]
    assert ways == [True]


def test_body_is_read_once_and_no_further_than_it_says(site: Site) -> None:
    data = picture()
    environ: dict[str, Any] = {"wsgi.input": io.BytesIO(data + b"the next request"), "CONTENT_LENGTH": str(len(data))}
    environ |= {"CONTENT_TYPE": "image/png; x=y", "QUERY_STRING": "store=0&store=1"}
    raw = PlainPredict(site.app, site.application, site.app.wsgi_app)

    submitted = raw._submit(environ)
    submitted.wait(60)

    assert submitted.answer().stored_id is None  # of two, the first counts
    assert environ["wsgi.input"].read() == b"the next request"
