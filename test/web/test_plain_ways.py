"""GET /api and POST /upload past Flask, compared with Flask's own answers to the same request."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from werkzeug.test import create_environ

from deep_predictor.predictions.job import Job
from deep_predictor.web.parking import IS_QUICK, PARKING, QUICK, Parked
from deep_predictor.web.plain_answers import PlainAnswers
from deep_predictor.web.plain_upload import PlainUpload
from deep_predictor.web.plain_way import PlainWay
from test import fakes
from test.app_builder import PRODUCTION_KEY
from test.fakes import picture
from test.server_process import new_id
from test.web.conftest import MakeSite
from test.web.sites import JSON, Answer, Site

#: What names its encoding is for Flask.
BY_FLASK = {"Content-Encoding": "identity"}
PASSING = {"prediction_id", "prediction_time", "prediction_seconds"}


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """For each request that one of the two ways saw, which, and whether it took it."""
    seen: list[tuple[str, bool]] = []
    knows_plain = PlainWay._knows_plain

    def note(self: PlainWay, environ: Any) -> bool:
        is_first = self._key not in environ and environ["PATH_INFO"] == self.path
        is_plain = knows_plain(self, environ)
        seen.extend([(self.path, is_plain)] if is_first and environ["REQUEST_METHOD"] == self.method else [])
        return is_plain

    for way in (PlainAnswers, PlainUpload):
        monkeypatch.setattr(way, "_knows_plain", note)
    return seen


def facts_of(answer: Answer) -> tuple[int, dict[str, str], Any]:
    told = {"date", "server", "content-length", "connection", "via"}
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in told}
    body = {name: value for name, value in answer.json.items() if name not in PASSING}
    return answer.status, headers, body


@pytest.mark.parametrize("more", [{}, {"wait": "0"}, {"wait": "7"}, {"wait": "0.5"}])
def test_answer_is_the_one_that_flask_gives(site: Site, ways: list[tuple[str, bool]], more: dict[str, str]) -> None:
    prediction_id = site.upload_id("ms coco")
    site.final(prediction_id)
    ways.clear()
    for wanted in (prediction_id, "x" * 32):
        plain = site.get("/api", params={"prediction_id": wanted, **more})
        other = site.get("/api", params={"prediction_id": wanted, **more}, headers=BY_FLASK)
        assert facts_of(plain) == facts_of(other)
    assert ways == [("/api", True), ("/api", False)] * 2


@pytest.mark.parametrize(
    "params",
    [{}, {"predictors": ""}, {"prediction_id": ""}, {"prediction_id": "é"}, {"prediction_id": "x", "wait": "-1"}],
)
def test_other_questions_are_for_flask(site: Site, ways: list[tuple[str, bool]], params: dict[str, str]) -> None:
    site.get("/api", params=params)
    assert ways == [("/api", False)]


def test_who_waits_is_answered_when_the_prediction_ends(site: Site, ways: list[tuple[str, bool]]) -> None:
    fakes.release_hanging.clear()
    prediction_id = site.upload_id("hangs", image=picture("hang"))
    params = {"prediction_id": prediction_id, "wait": "25"}
    with ThreadPoolExecutor(2) as clients:
        waiting = [clients.submit(site.get, "/api", params=params) for _ in range(2)]
        while site.application.wait_slots._taken < 2:
            threading.Event().wait(0.005)
        assert not any(each.done() for each in waiting)
        fakes.release_hanging.set()
        assert [each.result(20).json["prediction_status"] for each in waiting] == [200, 200]
    assert ("/api", True) in ways
    assert site.application.wait_slots._taken == 0


def test_site_with_open_uploads_asks_flask_whose_host_it_is(make_site: MakeSite, ways: list[tuple[str, bool]]) -> None:
    site = make_site("client", {"production.upload_options.open_uploads": True})
    foreign = {"Host": "evil.example"}
    assert site.get("/api", params={"prediction_id": "x" * 32}, headers=foreign).status == 403
    assert site.upload(headers={**JSON, **foreign}).status == 403
    assert ways == [("/api", False), ("/upload", False)]


def test_upload_is_accepted_as_by_flask(site: Site, ways: list[tuple[str, bool]]) -> None:
    plain = site.upload({"model_name": "blocked"}, JSON)
    other = site.upload({"model_name": "blocked"}, {**JSON, **BY_FLASK})
    assert ways == [("/upload", True), ("/upload", False)]
    assert plain.status == 201
    assert facts_of(plain) == facts_of(other)
    assert plain.json == site.get("/api", params={"prediction_id": plain.json["prediction_id"]}).json
    for answer in (plain, other):
        key = {"X-API-Key": PRODUCTION_KEY}
        assert site.request("DELETE", f"/api/v1/predictions/{answer.json['prediction_id']}", headers=key).status == 204


@pytest.mark.parametrize(
    ("changes", "more", "status"),
    [
        ({"api_key": "wrong"}, {}, 401),
        ({"api_key": None}, {}, 401),
        ({"image": None}, {}, 422),
        ({"model_name": None}, {}, 422),
        ({"prediction_id": "short"}, {}, 422),
        ({"model_name": "nobody"}, {}, 422),
        ({}, {"filename": "x.exe"}, 415),
        ({}, {"image": b"no picture"}, 415),
    ],
)
def test_refused_upload_is_refused_as_by_flask(
    site: Site, ways: list[tuple[str, bool]], changes: dict[str, str | None], more: dict[str, Any], status: int
) -> None:
    plain = site.upload(changes, JSON, **more)
    other = site.upload(changes, {**JSON, **BY_FLASK}, **more)
    assert ways == [("/upload", changes.get("image", "") is not None), ("/upload", False)]
    assert plain.status == status
    assert facts_of(plain) == facts_of(other)
    assert site.stored() == (0, 0)


@pytest.mark.parametrize("image", [picture(), b"no picture"])
def test_upload_of_a_used_id_is_refused_first_and_leaves_nothing(site: Site, image: bytes) -> None:
    used = site.upload_id()
    site.final(used)
    again = site.upload({"prediction_id": used}, JSON, image=image)
    assert (again.status, again.json["code"]) == (409, "prediction_id_used")
    assert site.stored() == (0, 0)


def test_one_who_is_told_of_an_end_may_fail_and_the_others_are_told(site: Site) -> None:
    told: list[int] = []
    job = Job(new_id(), site.production.predictors["dummy"], site.production)

    def fail() -> None:
        raise ZeroDivisionError

    assert job.when_ended(fail)
    assert job.when_ended(lambda: told.append(1))
    job.end(None)
    assert told == [1]
    assert not job.when_ended(fail)


class OneWay(io.BytesIO):
    """As the development server gives it: it can be read once."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise io.UnsupportedOperation


def test_upload_that_can_be_read_once_only_is_for_flask(site: Site) -> None:
    fields = {"model_name": "dummy", "prediction_id": new_id(), "api_key": PRODUCTION_KEY}
    request = requests.Request("POST", "http://x/upload", data=fields, files={"image": ("x.png", picture())}).prepare()
    body = request.body
    assert isinstance(body, bytes)
    environ = create_environ("/upload", method="POST", headers=JSON)
    environ |= {"wsgi.input": OneWay(body), "CONTENT_LENGTH": str(len(body))}
    environ["CONTENT_TYPE"] = request.headers["Content-Type"]
    said: list[str] = []
    answer = b"".join(site.app.wsgi_app(environ, lambda status, headers: said.append(status)))
    assert said == ["201 CREATED"], answer


def test_what_was_to_be_refused_is_refused_also_when_there_is_room_again(site: Site) -> None:
    """The thread that receives was promised an answer at once; Flask would wait in it."""
    slots, is_quick = site.application.wait_slots, site.app.extensions[QUICK]
    headers = {"Content-Type": "image/png", "Authorization": "Bearer x"}
    environ = create_environ("/api/v1/predict?model_name=dummy", method="POST", headers=headers)
    environ |= {"wsgi.input": io.BytesIO(picture()), "CONTENT_LENGTH": str(len(picture()))}
    said: list[str] = []
    with ExitStack() as stack:
        for _ in range(slots.count_for_one):
            stack.enter_context(slots.hold("dummy"))
        assert is_quick(environ)
    site.app.wsgi_app(environ, lambda status, headers: said.append(status))
    assert said == ["503 SERVICE UNAVAILABLE"]


def test_what_was_quick_and_is_not_any_more_is_left_to_a_thread(site: Site) -> None:
    class Asked:
        count = 0

        def ask_again(self) -> None:
            self.count += 1

    parking = Asked()
    path = f"/api?prediction_id={'x' * 32}&wait=9"
    environ = {**create_environ(path), "HTTP_HOST": "x", IS_QUICK: True, PARKING: parking}
    with pytest.raises(Parked):
        site.app.wsgi_app(environ, lambda status, headers: None)
    assert parking.count == 1
