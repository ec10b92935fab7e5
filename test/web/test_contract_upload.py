"""Contract §3: the checks of POST /upload and POST /test-upload, each row, their order, and their form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from deep_predictor.web.error_responses import PROBLEM_CONTENT_TYPE
from test.fakes import picture
from test.server_process import new_id
from test.web.sites import JSON, Answer, Site, short

NOT_A_PICTURE = b"this is no picture"
USED = "<an id that was used>"


@dataclass(frozen=True)
class Row:
    """One row of the contract's table: what to change in a good upload, and what must be answered then."""

    name: str
    changes: Mapping[str, str | None] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    status: int = 400
    text: str = ""
    problem: tuple[int, str] = (422, "")

    def __str__(self) -> str:
        return self.name


AGAIN = "Something went wrong please try again"
UNKNOWN_KEY = "Unknown key received from form"
LATER_ROWS = [
    Row("id too short", {"prediction_id": "x" * 31}, text=AGAIN, problem=(422, "invalid_prediction_id")),
    Row("id too long", {"prediction_id": "x" * 33}, text=AGAIN, problem=(422, "invalid_prediction_id")),
    Row("id with a slash", {"prediction_id": "x/" * 16}, text=AGAIN, problem=(422, "invalid_prediction_id")),
    Row("id of wide letters", {"prediction_id": "é" * 32}, text=AGAIN, problem=(422, "invalid_prediction_id")),
    Row("id with a line end", {"prediction_id": "x" * 31 + "\n"}, text=AGAIN, problem=(422, "invalid_prediction_id")),
    Row(
        "unknown model",
        {"model_name": "no such model"},
        text="This predictor is not exists",
        problem=(422, "unknown_predictor"),
    ),
    Row(
        "extension not supported",
        more={"filename": "picture.tiff"},
        text="Your image extension is not supported",
        problem=(415, "unsupported_extension"),
    ),
    Row(
        "no extension",
        more={"filename": "png"},
        text="Your image extension is not supported",
        problem=(415, "unsupported_extension"),
    ),
    Row("id used", {"prediction_id": USED}, status=500, text=AGAIN, problem=(409, "prediction_id_used")),
    Row(
        "not an image",
        more={"image": NOT_A_PICTURE},
        text="Your image is not supported",
        problem=(415, "image_unreadable"),
    ),
]
ROWS = [
    Row("no image", {"image": None}, text=UNKNOWN_KEY, problem=(422, "missing_field")),
    Row("no model_name", {"model_name": None}, text=UNKNOWN_KEY, problem=(422, "missing_field")),
    Row("no prediction_id", {"prediction_id": None}, text=UNKNOWN_KEY, problem=(422, "missing_field")),
    Row("wrong key", {"api_key": "wrong"}, text="Api key is incorrect", problem=(401, "wrong_api_key")),
    Row("test's key", {"api_key": "test-key-of-a-test"}, text="Api key is incorrect", problem=(401, "wrong_api_key")),
    Row(
        "no credential",
        {"api_key": None},
        text="Recaptcha or api key is not provided",
        problem=(401, "no_credential"),
    ),
    Row("empty file name", more={"filename": "", "image": b""}, text='id="upload-form"', problem=(422, "empty_field")),
    Row("empty prediction_id", {"prediction_id": ""}, text='id="upload-form"', problem=(422, "empty_field")),
    *LATER_ROWS,
]
TEST_ROWS = [
    *ROWS[:3],
    Row("no key", {"api_key": None}, text=UNKNOWN_KEY, problem=(422, "missing_field")),
    Row("wrong key", {"api_key": "wrong"}, text="test api key is incorrect", problem=(401, "wrong_api_key")),
    Row("empty key", {"api_key": ""}, text="test api key is incorrect", problem=(401, "wrong_api_key")),
    Row(
        "production's key",
        {"api_key": "production-key-of-a-test"},
        text="test api key is incorrect",
        problem=(401, "wrong_api_key"),
    ),
    *[
        Row(f"empty {name}", changes, more, text="Required form elements are empty", problem=(422, "empty_field"))
        for name, changes, more in [
            ("image", {}, {"filename": "", "image": b""}),
            ("prediction_id", {"prediction_id": ""}, {}),
            ("model_name", {"model_name": ""}, {}),
        ]
    ],
    *LATER_ROWS,
]

ALL_ROWS = [("/upload", row) for row in ROWS] + [("/test-upload", row) for row in TEST_ROWS]


def send(site: Site, row: Row, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    changes = dict(row.changes)
    if changes.get("prediction_id") == USED:
        changes["prediction_id"] = used = new_id()
        assert site.upload({"prediction_id": used}, path=path).status == 201
        site.final(used, "/api" if path == "/upload" else "/test-api")
    return site.upload(changes, headers, path=path, **row.more)


@pytest.mark.parametrize(
    ("path", "row"), [("/upload", r) for r in ROWS] + [("/test-upload", r) for r in TEST_ROWS], ids=str
)
def test_upload_refused_answers_a_form_with_the_contracts_code_and_text(site: Site, path: str, row: Row) -> None:
    answer = send(site, row, path)
    assert answer.status == row.status
    assert row.text in answer.text
    assert answer.media_type == ("text/html" if path == "/upload" else "text/plain")
    if path == "/test-upload":
        assert answer.text == row.text
    assert site.stored() == (0, 0)


@pytest.mark.parametrize(
    ("path", "row"), [("/upload", r) for r in ROWS] + [("/test-upload", r) for r in TEST_ROWS], ids=str
)
def test_upload_refused_answers_a_json_client_with_a_problem(site: Site, path: str, row: Row) -> None:
    answer = send(site, row, path, JSON)
    status, code = row.problem
    assert answer.status == status
    assert answer.media_type == PROBLEM_CONTENT_TYPE
    assert answer.json["code"] == code
    assert answer.json["status"] == status
    assert answer.json["type"].endswith(code)
    assert answer.json["title"]
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


#: One breach of each kind, in the contract's order.
ORDER = [
    ROWS[0],
    ROWS[3],
    Row("empty id", {"prediction_id": ""}, text="", problem=(422, "empty_field")),
    ROWS[8],
    next(row for row in ROWS if row.name == "unknown model"),
    next(row for row in ROWS if row.name == "extension not supported"),
    next(row for row in ROWS if row.name == "id used"),
    ROWS[-1],
]


@pytest.mark.parametrize("first", range(len(ORDER)), ids=[row.name for row in ORDER])
def test_upload_with_several_faults_answers_the_first_in_the_contracts_order(site: Site, first: int) -> None:
    changes: dict[str, str | None] = {}
    more: dict[str, Any] = {}
    for row in reversed(ORDER[first:]):
        changes.update(row.changes)
        more.update(row.more)
    answer = send(site, Row("all", changes, more), "/upload", JSON)
    assert (answer.status, answer.json["code"]) == ORDER[first].problem


@pytest.mark.parametrize("path", ["/upload", "/test-upload"])
def test_upload_too_large_answers_413(site: Site, path: str) -> None:
    limit = site.application.main_config.flask_options.max_content_length
    answer = site.upload({"api_key": "wrong"}, path=path, image=bytes(limit))
    assert answer.status == 413
    assert "Your image is too large" in answer.text
    problem = site.upload({"api_key": "wrong"}, JSON, path=path, image=bytes(limit))
    assert (problem.status, problem.json["code"]) == (413, "too_large")


def test_upload_accepted_answers_a_browser_with_the_result_page(site: Site) -> None:
    prediction_id = new_id()
    answer = site.upload({"prediction_id": prediction_id, "submit_button": "upload"})
    assert (answer.status, answer.media_type) == (201, "text/html")
    assert prediction_id in answer.text
    assert site.final(prediction_id)["prediction_status"] == 200


def test_upload_accepted_answers_a_json_client_with_the_accepted_prediction(site: Site) -> None:
    prediction_id = new_id()
    answer = site.upload({"prediction_id": prediction_id}, JSON)
    assert (answer.status, answer.media_type) == (201, "application/json")
    assert answer.json["prediction_id"] == prediction_id
    assert answer.json["prediction_status"] in (100, 200)


def test_upload_with_an_empty_model_name_takes_the_default_predictor(site: Site) -> None:
    prediction_id = new_id()
    assert site.upload({"prediction_id": prediction_id, "model_name": ""}).status == 201
    assert site.final(prediction_id)["model_name"] == "dummy"


@pytest.mark.parametrize(
    "filename",
    ["日本.png", "a b.PNG", "..\\..\\x.png", "../../x.png", "x.jpg", "é" * 200 + ".png"],
    ids=short,
)
def test_upload_with_an_odd_file_name_is_accepted(site: Site, filename: str) -> None:
    assert site.final(site.upload_id(filename=filename))["prediction_status"] == 200


@pytest.mark.parametrize("prediction_id", ["A" * 32, "-._~" * 8, "." * 32])
def test_upload_with_every_allowed_kind_of_id_is_answered(site: Site, prediction_id: str) -> None:
    assert site.upload({"prediction_id": prediction_id}).status == 201
    assert site.final(prediction_id)["prediction_id"] == prediction_id
    assert site.get(f"/api/v1/predictions/{prediction_id}").status == 200


def test_upload_to_a_full_queue_answers_503_with_retry_after(site: Site) -> None:
    waiting = site.production.rows.unfinished()
    first = site.upload({"model_name": "full"}) if not waiting else None
    assert first is None or first.status == 201
    before = site.stored()
    answer = site.upload({"model_name": "full"})
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert "The server is busy, please try again" in answer.text
    problem = site.upload({"model_name": "full"}, JSON)
    assert (problem.status, problem.json["code"]) == (503, "queue_full")
    assert int(problem.headers["Retry-After"]) >= 1
    assert site.stored() == before
    for record in site.production.rows.unfinished():
        assert site.request("DELETE", f"/api/v1/predictions/{record.prediction_id}", headers=KEY).status == 204


KEY = {"X-API-Key": "production-key-of-a-test"}


def test_upload_to_a_predictor_that_loads_is_accepted_and_waits(site: Site) -> None:
    prediction_id = site.upload_id("blocked")
    assert site.get("/api", params={"prediction_id": prediction_id}).json["prediction_status"] == 100
    assert site.request("DELETE", f"/api/v1/predictions/{prediction_id}", headers=KEY).status == 204


def test_upload_to_a_predictor_that_failed_is_accepted_and_ends_550(site: Site) -> None:
    assert site.final(site.upload_id("broken"))["prediction_status"] == 550


def test_test_upload_answers_success_and_stays_in_the_test_environment(site: Site) -> None:
    prediction_id = new_id()
    answer = site.upload({"prediction_id": prediction_id}, path="/test-upload")
    assert (answer.status, answer.text) == (201, "success")
    assert site.final(prediction_id, "/test-api")["prediction_status"] == 200
    assert site.get("/api", params={"prediction_id": prediction_id}).json == {"prediction_status": 0}
    assert site.get(f"/api/v1/predictions/{prediction_id}").status == 404


def test_test_upload_answers_a_json_client_with_the_prediction(site: Site) -> None:
    answer = site.upload(None, JSON, path="/test-upload")
    assert (answer.status, answer.json["prediction_status"] in (100, 200)) == (201, True)


def test_upload_without_a_key_in_the_cfg_accepts_no_key_at_all(make_site: Any, transport: Any) -> None:
    changes = {"production.api_options.api_key": "", "test.api_options.api_key": ""}
    keyless = make_site(transport, changes)
    for key in ("", "x", "None", "production-key-of-a-test"):
        assert keyless.upload({"api_key": key}).status == 400
        assert keyless.upload({"api_key": key}, path="/test-upload").status == 400
        answer = keyless.post("/api/v1/predict", headers={"X-API-Key": key}, body=picture())
        assert answer.status == 401
