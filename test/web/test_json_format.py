"""The wire form, also of rows and cfg files that somebody else wrote."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.predictions.job import LiveJobs, Outcome
from deep_predictor.results import ClassScore, PredictionStatus
from deep_predictor.web import json_format
from deep_predictor.web.json_format import answer_of, json_response, outcome_answer, sendable
from deep_predictor.web.long_poll import LONGEST_WAIT_SECONDS, wait_seconds_of

SCORE = {"class_index": 1, "class_name": "soup", "confidence": 0.41}
BOX = {"bbox": {"cx": 0.5, "cy": 0.5, "w": 1, "h": 1}, "class_name": "dog", "confidence": 0.3}


@dataclass
class FakePredictor:
    name: str = "food"
    model_info: dict[str, Any] = field(default_factory=lambda: {"method": "vgg16"})
    options: Any = field(default_factory=lambda: SimpleNamespace(confidence_threshold=0.5))


@dataclass
class FakeEnvironment:
    predictors: dict[str, FakePredictor] = field(default_factory=lambda: {"food": FakePredictor()})
    name: str = "production"
    jobs: LiveJobs = field(default_factory=LiveJobs)


def record(**changes: Any) -> PredictionRecord:
    fields: dict[str, Any] = {
        "prediction_id": "x" * 32,
        "status": 200,
        "items": [SCORE],
        "model_info": {"method": "vgg16", "model_id": 100},
        "model_id": 100,
        "predictor_name": "food",
        "prediction_time": 1604856542,
        "prediction_seconds": 0.123456789,
        "image_path": "/a/path",
        "reason_code": None,
        "attempts": 1,
    }
    return PredictionRecord(**{**fields, **changes})


def answer(environment: Any = None, **changes: Any) -> dict[str, Any]:
    return answer_of(record(**changes), environment or FakeEnvironment())  # type: ignore[arg-type]


def test_answer_holds_the_five_keys_first_and_no_path() -> None:
    assert answer() == {
        "model_info": {"method": "vgg16", "model_id": 100},
        "prediction_id": "x" * 32,
        "prediction_status": 200,
        "prediction_time": 1604856542,
        "predictions": [SCORE],
        "prediction_seconds": 0.12346,
        "model_name": "food",
        "not_confident": True,
    }


@pytest.mark.parametrize("status", [100, 500, 510, 520, 530, 550, 560, 570, 999])
def test_answer_of_anything_but_done_has_no_predictions(status: int) -> None:
    body = answer(status=status, items=[], reason_code="why")
    assert (body["prediction_status"], body["predictions"], body["reason_code"]) == (status, "", "why")


def test_answer_of_an_old_row_leaves_out_what_it_does_not_know() -> None:
    body = answer(predictor_name=None, prediction_seconds=None)
    assert list(body) == ["model_info", "prediction_id", "prediction_status", "prediction_time", "predictions"]


def test_answer_with_nothing_found_is_an_empty_list() -> None:
    body = answer(items=[])
    assert (body["predictions"], "not_confident" in body) == ([], False)


@pytest.mark.parametrize(("confidence", "expected"), [(0.49999, True), (0.5, False), (0.9, False)])
def test_answer_says_not_confident_under_the_threshold_alone(confidence: float, expected: bool) -> None:
    assert ("not_confident" in answer(items=[{**SCORE, "confidence": confidence}])) == expected


def test_answer_of_a_detection_or_without_a_threshold_never_says_not_confident() -> None:
    assert "not_confident" not in answer(items=[BOX])
    free = FakeEnvironment({"food": FakePredictor(options=SimpleNamespace())})
    assert "not_confident" not in answer(free)
    assert "not_confident" not in answer(FakeEnvironment({}))


def test_answer_of_an_outcome_equals_that_of_its_row() -> None:
    predictor = FakePredictor(model_info={"method": "vgg16", "model_id": 100})
    job: Any = SimpleNamespace(prediction_id="x" * 32, predictor=predictor)
    outcome = Outcome(PredictionStatus.DONE, (ClassScore(1, "soup", 0.41),), 0.123456789, None, 1604856542)
    assert outcome_answer(job, outcome) == answer()


def test_sendable_replaces_what_json_in_utf_8_cannot_hold() -> None:
    value = {"a\ud800": [math.nan, math.inf, -math.inf, 1.5, True, None, "日本😀", "\udc00x"], 3: ({"k": "v"},)}
    expected = {"a\ufffd": [None, None, None, 1.5, True, None, "日本😀", "\ufffdx"], "3": [{"k": "v"}]}
    assert sendable(value) == expected
    assert json.loads(json_response(value).data) == expected  # type: ignore[arg-type]


def test_unknown_answer_has_one_key() -> None:
    assert json_format.unknown_answer() == {"prediction_status": 0}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5.0), ("0.5", 0.5), ("30", 30.0), ("31", 30.0), ("1e300", 30.0), ("-3", 0.0), ("x", 0.0)],
)
def test_wait_seconds_are_at_most_thirty(text: str, seconds: float) -> None:
    request: Any = SimpleNamespace(args={"wait": text})
    assert wait_seconds_of(request) == seconds
    assert LONGEST_WAIT_SECONDS == 30


def test_answer_of_a_segmentation_names_its_mask_in_production() -> None:
    kept = answer(prediction_id="a~.-", result_kind="mask")
    assert kept["mask_url"] == "/api/v1/predictions/a~.-/mask"
    assert "mask_url" not in answer(FakeEnvironment(name="test"), result_kind="mask")
    assert "mask_url" not in answer(result_kind="mask", status=530)
