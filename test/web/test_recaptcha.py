"""reCAPTCHA: asked only where there is no key, and with a clean answer whatever Google does."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from deep_predictor.errors import RecaptchaRefused, RecaptchaUnreachable
from deep_predictor.web import recaptcha
from test.web.conftest import MakeSite
from test.web.sites import JSON, Answer, Site, Transport

SECRET = "recaptcha-secret-of-a-test"
SITE_KEY = "recaptcha-sitekey-of-a-test"
GOOD, BAD = "a good answer", "a bad answer"


@pytest.fixture(scope="module")
def site(make_site: MakeSite, transport: Transport) -> Site:
    return make_site(
        transport,
        {
            "production.recaptcha_options.recaptcha_sitekey": SITE_KEY,
            "production.recaptcha_options.recaptcha_secret_key": SECRET,
        },
    )


class Google(BaseHTTPRequestHandler):
    """Answers as the path says."""

    asked: list[dict[str, list[str]]] = []  # noqa: RUF012 - one list for all requests

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        Google.asked.append(form)
        kind = self.path.strip("/")
        if kind == "slow":
            threading.Event().wait(0.5)
        body = {
            "verdict": json.dumps({"success": form["response"] == [GOOD], "error-codes": ["x"]}),
            "list": "[]",
            "truthy": json.dumps({"success": "yes"}),
            "empty": "{}",
        }.get(kind, "<html>")
        self.send_response({"error": 500, "redirect": 302}.get(kind, 200))
        if kind == "redirect":
            self.send_header("Location", "/verdict")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def google_url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Google)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture(autouse=True)
def google(google_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(recaptcha, "VERIFY_URL", google_url + "/verdict")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Google.asked.clear()
    return google_url


def upload(site: Site, answer: str, headers: dict[str, str] | None = None, key: str | None = None) -> Answer:
    return site.upload({"api_key": key, "g-recaptcha-response": answer}, headers)


def test_upload_page_shows_the_widget_and_the_policy_lets_it_in(site: Site) -> None:
    page = site.get("/upload")
    assert SITE_KEY in page.text
    assert SECRET not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "https://www.google.com/recaptcha/" in policy
    assert "unsafe-inline" not in policy


def test_upload_with_a_good_recaptcha_is_accepted(site: Site) -> None:
    assert upload(site, GOOD).status == 201
    assert Google.asked == [{"response": [GOOD], "secret": [SECRET]}]


def test_upload_with_a_refused_recaptcha_shows_the_page_again_with_a_message(site: Site) -> None:
    answer = upload(site, BAD)
    assert answer.status == 400
    assert 'id="upload-form"' in answer.text
    assert "not a robot was not passed" in answer.text
    problem = upload(site, BAD, JSON)
    assert (problem.status, problem.json["code"]) == (403, "recaptcha_refused")
    assert site.stored() == (0, 0)


def test_upload_with_the_service_out_of_reach_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recaptcha, "VERIFY_URL", "http://127.0.0.1:1/")
    answer = upload(site, GOOD)
    assert answer.status == 503
    assert 'id="upload-form"' in answer.text
    assert "cannot be reached" in answer.text
    problem = upload(site, GOOD, JSON)
    assert (problem.status, problem.json["code"]) == (503, "recaptcha_unreachable")
    assert int(problem.headers["Retry-After"]) > 0
    assert site.stored() == (0, 0)


def test_upload_with_a_key_does_not_ask_for_recaptcha(site: Site) -> None:
    assert upload(site, BAD, key="production-key-of-a-test").status == 201
    assert upload(site, GOOD, JSON, key="wrong").status == 401
    assert Google.asked == []


def test_upload_with_neither_is_refused_and_google_is_not_asked(site: Site) -> None:
    assert "Recaptcha or api key is not provided" in upload(site, "").text
    assert upload(site, "", JSON, key="").status == 401
    assert Google.asked == []


def test_upload_with_a_field_missing_does_not_ask_google(site: Site) -> None:
    answer = site.upload({"api_key": None, "g-recaptcha-response": GOOD, "model_name": None})
    assert answer.status == 400
    assert Google.asked == []


def test_upload_with_recaptcha_that_is_not_configured_is_refused(make_site: MakeSite, transport: Transport) -> None:
    plain = make_site(transport)
    assert (upload(plain, GOOD).status, upload(plain, GOOD, JSON).status) == (400, 403)
    assert "g-recaptcha" not in plain.get("/upload").text
    assert Google.asked == []


@pytest.mark.parametrize("kind", ["error", "redirect", "html", "list"])
def test_check_without_a_verdict_raises_unreachable(google: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recaptcha, "VERIFY_URL", f"{google}/{kind}")
    with pytest.raises(RecaptchaUnreachable):
        recaptcha.check_recaptcha(GOOD, SECRET)


def test_check_that_takes_too_long_raises_unreachable(google: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert recaptcha.TIMEOUT_SECONDS == 5.0
    monkeypatch.setattr(recaptcha, "VERIFY_URL", google + "/slow")
    monkeypatch.setattr(recaptcha, "TIMEOUT_SECONDS", 0.1)
    with pytest.raises(RecaptchaUnreachable):
        recaptcha.check_recaptcha(GOOD, SECRET)


@pytest.mark.parametrize("kind", ["truthy", "empty"])
def test_check_of_anything_but_a_clear_success_raises_refused(
    google: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recaptcha, "VERIFY_URL", f"{google}/{kind}")
    with pytest.raises(RecaptchaRefused):
        recaptcha.check_recaptcha(GOOD, SECRET)


def test_check_of_a_monstrous_answer_is_refused_unasked() -> None:
    with pytest.raises(RecaptchaRefused):
        recaptcha.check_recaptcha("x" * 100_000, SECRET)
    assert Google.asked == []


@pytest.mark.parametrize("kind", ["verdict", "error"])
def test_check_leaves_the_secret_out_of_errors_and_logs(
    google: str, kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recaptcha, "VERIFY_URL", f"{google}/{kind}")
    caplog.set_level(logging.DEBUG)
    errors: Any = (RecaptchaRefused, RecaptchaUnreachable)
    with pytest.raises(errors) as caught:
        recaptcha.check_recaptcha(BAD, SECRET)
    assert SECRET not in str(caught.value) + caplog.text
    assert BAD not in caplog.text
