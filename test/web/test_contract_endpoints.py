"""Contract §3 and §4: what every address answers, and the wire form of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from test import fakes
from test.app_builder import DUMMY, DUMMY_YOLO, fault_predictor, write_predictor
from test.fakes import picture
from test.server_process import new_id
from test.web.conftest import MakeSite
from test.web.sites import JSON, Answer, Site, Transport, short

FIVE_KEYS = ["model_info", "prediction_id", "prediction_status", "prediction_time", "predictions"]
FORM_B = [
    {"model_name": "dummy", "frontend_name": "Food", "model_description": "Ten dishes"},
    {"model_name": "ms coco", "frontend_name": "Things", "model_description": ""},
]


@pytest.fixture(scope="module")
def form_b_site(make_site: MakeSite, transport: Transport, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site whose config lists predictors as objects."""
    folder = tmp_path_factory.mktemp("form b")
    cfgs = [str(write_predictor(folder, f"p{number}", cfg)) for number, cfg in enumerate((DUMMY, DUMMY_YOLO))]
    test_cfgs = [str(write_predictor(folder, f"t{number}", cfg)) for number, cfg in enumerate((DUMMY, DUMMY_YOLO))]
    return make_site(
        transport,
        {
            "production.prediction_options.predictors": [
                {**entry, "cfg_path": path} for entry, path in zip(FORM_B, cfgs, strict=True)
            ],
            "test.prediction_options.predictors": [
                {"model_name": entry["model_name"], "cfg_path": path}
                for entry, path in zip(FORM_B, test_cfgs, strict=True)
            ],
        },
    )


@pytest.mark.parametrize("path", ["/", "/upload"])
def test_page_is_answered_200(site: Site, path: str) -> None:
    answer = site.get(path)
    assert (answer.status, answer.media_type) == (200, "text/html")


def test_upload_page_names_the_production_predictors(site: Site) -> None:
    page = site.get("/upload").text
    assert 'value="ms coco"' in page
    assert "g-recaptcha" not in page


@pytest.mark.parametrize("path", ["/result", "/test-upload"])
def test_address_that_moved_redirects_home_308(site: Site, path: str) -> None:
    answer = site.get(path)
    assert (answer.status, answer.headers["Location"].removeprefix("http://localhost")) == (308, "/")


@pytest.mark.parametrize("path", ["/nothing", "/upload/", "/api/", "/result/none", "/static/none.css", "/API"])
def test_unknown_address_answers_404_as_page_or_problem(site: Site, path: str) -> None:
    page, problem = site.get(path), site.get(path, headers=JSON)
    assert (page.status, page.media_type) == (404, "text/html")
    assert (problem.status, problem.media_type) == (404, "application/problem+json")
    assert problem.json["status"] == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/upload"), ("POST", "/"), ("POST", "/api"), ("DELETE", "/test-upload"), ("PATCH", "/test-api")],
)
def test_wrong_method_answers_405_and_says_what_is_allowed(site: Site, method: str, path: str) -> None:
    plain, problem = site.request(method, path), site.request(method, path, headers=JSON)
    assert plain.status == problem.status == 405
    assert "GET" in plain.headers["Allow"]
    assert "GET" in problem.headers["Allow"]
    assert problem.json["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/prediction", "/health/nothing"])
def test_unknown_address_for_programs_answers_a_problem_to_everybody(site: Site, path: str) -> None:
    answer = site.get(path)
    assert (answer.status, answer.media_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "path", ["/", "/upload", "/api?predictors", "/health/live", "/health/ready", "/api/v1/predictors"]
)
def test_head_answers_like_get_without_a_body(site: Site, path: str) -> None:
    get, head = site.get(path), site.request("HEAD", path)
    assert head.status == get.status
    assert head.body == b""
    assert head.media_type == get.media_type


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/upload", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("/api", {"GET", "HEAD", "OPTIONS"}),
        ("/api/v1/predict", {"OPTIONS", "POST"}),
        ("/api/v1/predictions/x", {"DELETE", "GET", "HEAD", "OPTIONS"}),
    ],
)
def test_options_answers_the_methods_and_asks_for_no_credential(site: Site, path: str, methods: set[str]) -> None:
    answer = site.request("OPTIONS", path)
    assert answer.status == 200
    assert {method.strip() for method in answer.headers["Allow"].split(",")} == methods


@pytest.mark.parametrize("path", ["/api", "/test-api"])
def test_api_without_an_argument_answers_400_with_the_configured_text(site: Site, path: str) -> None:
    for query in ({}, {"other": "1"}, {"prediction_id": ""}):
        answer = site.get(path, params=query)
        assert (answer.status, answer.text) == (400, "no argument specified")
    problem = site.get(path, headers=JSON)
    assert (problem.status, problem.json["title"]) == (400, "no argument specified")


def test_api_predictors_of_form_a_lists_names_in_config_order(site: Site) -> None:
    names = list(site.production.predictors)
    assert site.get("/api?predictors").json == {"predictors": names}
    assert site.get("/api", params={"predictors": "1"}).json == {"predictors": names}
    assert site.get("/test-api?predictors").json == {"predictors": ["dummy"]}


def test_api_predictors_of_form_b_lists_objects_in_config_order(form_b_site: Site) -> None:
    assert form_b_site.get("/api?predictors").json == {"predictors": FORM_B}
    expected = {"predictors": [{"model_name": "dummy"}, {"model_name": "ms coco"}]}
    assert form_b_site.get("/test-api?predictors").json == expected


def test_api_prediction_id_wins_over_predictors(site: Site) -> None:
    answer = site.get("/api", params={"predictors": "", "prediction_id": "unknown"})
    assert answer.json == {"prediction_status": 0}


@pytest.mark.parametrize(
    "prediction_id", ["x", "x" * 32, "x" * 5000, "\x00", "é☃", "' OR 1=1 --", "../../etc/passwd"], ids=short
)
@pytest.mark.parametrize("path", ["/api", "/test-api"])
def test_api_of_an_unknown_id_answers_status_0_alone(site: Site, path: str, prediction_id: str) -> None:
    answer = site.get(path, params={"prediction_id": prediction_id})
    assert (answer.status, answer.json) == (200, {"prediction_status": 0})


def test_api_names_of_parameters_and_default_text_come_from_the_config(
    make_site: MakeSite, transport: Transport
) -> None:
    renamed = make_site(
        transport,
        {
            "production.api_options.get_prediction_endpoint": "id",
            "production.api_options.get_predictors_endpoint": "models",
            "production.api_options.default_api_response": "nichts gewünscht",
            "production.api_options.prediction_id_length": 8,
        },
    )
    assert renamed.get("/api?models").json == {"models": ["dummy"]}
    assert renamed.get("/api?id=x").json == {"prediction_status": 0}
    for path in ("/api?predictors", "/api?prediction_id=x"):
        answer = renamed.get(path)
        assert (answer.status, answer.text) == (400, "nichts gewünscht")
    assert renamed.get("/test-api?predictors").json == {"predictors": ["dummy"]}
    assert renamed.upload({"prediction_id": "x" * 32}).status == 400
    assert renamed.upload({"prediction_id": "x" * 8}).status == 201


def test_answer_of_a_classification_is_the_contracts(site: Site) -> None:
    prediction_id = site.upload_id()
    answer = site.final(prediction_id)
    assert list(answer)[:5] == FIVE_KEYS
    assert answer["model_info"] == {"predictor_backend": "dummy", "method": "test", "model_id": 7}
    assert (answer["prediction_id"], answer["prediction_status"]) == (prediction_id, 200)
    assert type(answer["prediction_time"]) is int
    assert type(answer["prediction_seconds"]) is float
    assert answer["predictions"] == [
        {"class_index": 0, "class_name": "adanaKenap", "confidence": 0.72227},
        {"class_index": 1, "class_name": "akcaabatKofte", "confidence": 0.17435},
        {"class_index": 2, "class_name": "bulgurPilavi", "confidence": 0.06662},
    ]


def test_answer_of_a_detection_is_the_contracts(site: Site) -> None:
    items = site.final(site.upload_id("ms coco"))["predictions"]
    assert [item["class_name"] for item in items] == ["person", "dog", "horse"]
    for item in items:
        assert list(item) == ["bbox", "class_name", "confidence"]
        assert list(item["bbox"]) == ["cx", "cy", "w", "h"]
        assert all(0 <= value <= 1 and round(value, 5) == value for value in item["bbox"].values())


def test_answer_with_a_form_b_config_has_an_integer_time_as_well(form_b_site: Site) -> None:
    answer = form_b_site.final(form_b_site.upload_id())
    assert type(answer["prediction_time"]) is int
    assert answer["prediction_time"] > 1_600_000_000


@pytest.mark.parametrize(
    ("model_name", "fault", "status", "reason_code"),
    [
        ("fault", "raise", 500, "model_raised"),
        ("fault", "not finite", 520, "result_invalid"),
        ("broken", "none", 550, "model_missing"),
    ],
)
def test_answer_of_a_failed_prediction_is_200_with_its_status(
    site: Site, model_name: str, fault: str, status: int, reason_code: str
) -> None:
    prediction_id = site.upload_id(model_name, image=picture(fault))
    answer = site.final(prediction_id)
    assert list(answer)[:5] == FIVE_KEYS
    assert (answer["prediction_status"], answer["predictions"]) == (status, "")
    assert answer["reason_code"] == reason_code
    assert site.get("/api", params={"prediction_id": prediction_id}).status == 200


def test_answer_of_an_unfinished_prediction_has_status_100(site: Site) -> None:
    fakes.release_hanging.clear()
    prediction_id = site.upload_id("hangs", image=picture("hang"))
    answer = site.get("/api", params={"prediction_id": prediction_id}).json
    fakes.release_hanging.set()
    assert list(answer)[:5] == FIVE_KEYS
    assert (answer["prediction_status"], answer["predictions"]) == (100, "")
    assert type(answer["prediction_time"]) is int
    assert site.final(prediction_id)["prediction_status"] == 200


def test_answer_is_never_kept_by_a_cache(site: Site) -> None:
    for path in ("/api?prediction_id=x", "/api?predictors", "/health/ready", "/api/v1/predictors"):
        assert site.get(path).headers["Cache-Control"] == "no-store"


def test_answer_spells_class_names_in_utf_8(make_site: MakeSite, transport: Transport) -> None:
    japanese: dict[str, Any] = {"日本": fault_predictor(class_name="寿司 <b>")}
    other = make_site(transport, production=japanese)
    prediction_id = other.upload_id("日本")
    other.final(prediction_id)
    answer: Answer = other.get("/api", params={"prediction_id": prediction_id})
    assert answer.headers["Content-Type"] == "application/json"
    assert "寿司 <b>".encode() in answer.body
    assert answer.json["model_name"] == "日本"


def test_upload_of_one_id_in_both_environments_keeps_them_apart(site: Site) -> None:
    prediction_id = new_id()
    assert site.upload({"prediction_id": prediction_id}, path="/test-upload").status == 201
    assert site.upload({"prediction_id": prediction_id, "model_name": "ms coco"}).status == 201
    assert site.final(prediction_id, "/test-api")["predictions"][0]["class_name"] == "adanaKenap"
    assert site.final(prediction_id)["predictions"][0]["class_name"] == "person"
