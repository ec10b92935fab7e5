"""The list of predictions and its exports: for admins, filtered, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from deep_predictor.db.prediction_rows import PredictionRows
from deep_predictor.results import PredictionStatus
from test.db.databases import done, new_prediction
from test.web.conftest import MakeSite
from test.web.management.conftest import AsPrincipal
from test.web.sites import Site

PATH = "/api/v1/predictions"
EXPORT = "/api/v1/predictions/export"
SOUP = {"class_index": 6, "class_name": 'çorba, "it\'s"', "confidence": 0.97628}
FORMULA = {"class_index": 1, "class_name": '=HYPERLINK("http://x")', "confidence": 0.5}
#: 2020-11-08 17:29:02 UTC.
WHEN = 1604856542


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    """Four rows: a soup, a formula a day later, a failed one, and one that is not finished."""
    site = make_site()
    fill(site.production.rows)
    return site


@pytest.fixture
def admin(site: Site, as_principal: AsPrincipal) -> Site:
    as_principal("admin")
    return site


def fill(rows: PredictionRows) -> None:
    rows.insert(new_prediction("a"))
    rows.insert(new_prediction("-b", predictor_name="+food", image_path=""))
    rows.insert(new_prediction("c"))
    rows.insert(new_prediction("d"))
    rows.finish([done(SOUP, prediction_id="a", finished_at=WHEN)])
    rows.finish([done(FORMULA, prediction_id="-b", finished_at=WHEN + 86_400, image_path=None)])
    failed: dict[str, Any] = {"status": PredictionStatus.MODEL_RAISED, "items": None, "reason_code": "model_raised"}
    rows.finish([done(prediction_id="c", finished_at=WHEN + 100_000, **failed)])


def ids(site: Site, **params: str) -> list[str]:
    answer = site.get(PATH, params=params)
    assert answer.status == 200, answer.text
    assert answer.json["count"] == len(answer.json["results"])
    return [entry["prediction_id"] for entry in answer.json["results"]]


def test_list_holds_all_that_is_known_of_each(admin: Site) -> None:
    answer = admin.get(PATH)
    assert answer.json["results"][3] == {
        "prediction_id": "a",
        "prediction_status": 200,
        "prediction_time": WHEN,
        "model_name": "digits",
        "class_name": SOUP["class_name"],
        "confidence": 0.97628,
        "prediction_seconds": 0.25,
        "reason_code": None,
        "has_image": True,
        "media": "picture",
        "predictions": [SOUP],
    }
    assert answer.json["results"][1]["reason_code"] == "model_raised"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["d", "c", "-b", "a"]),
        ({"model": "+food"}, ["-b"]),
        ({"class": str(SOUP["class_name"])}, ["a"]),
        ({"status": "500"}, ["c"]),
        ({"from": str(WHEN), "to": str(WHEN + 1)}, ["a"]),
        ({"from": "2020-11-08T17:29:02.5Z", "to": "2020-11-10"}, ["c", "-b"]),
        ({"from": "2020-11-08T20:29:02+03:00", "to": "2020-11-09"}, ["a"]),
        ({"to": "0001-01-01T00:00:00+14:00"}, []),
        ({"from": "9999-12-31T23:59:59-14:00"}, []),
        ({"model": "digits", "class": "nothing", "status": "200"}, []),
    ],
    ids=str,
)
def test_list_by_filter_holds_what_is_meant(admin: Site, params: dict[str, str], expected: list[str]) -> None:
    assert ids(admin, **params) == expected
    exported = admin.get(EXPORT, params={**params, "format": "json"}).json
    assert [entry["prediction_id"] for entry in exported] == expected


def test_list_by_pages_names_the_next_and_the_previous(admin: Site) -> None:
    first = admin.get(PATH, params={"limit": "1", "model": "digits"}).json
    assert (first["count"], first["previous"]) == (3, None)
    assert first["next"] == f"{PATH}?model=digits&limit=1&offset=1"
    second = admin.get(first["next"]).json
    assert second["results"][0]["prediction_id"] == "c"
    assert second["previous"] == f"{PATH}?model=digits&limit=1&offset=0"


@pytest.mark.parametrize(
    "params",
    [
        {"status": "x"},
        {"status": "-1"},
        {"from": "yesterday"},
        {"limit": "501"},
        {"class": "a\x00b"},
        {"model": ""},
        {"class_name": "soup"},
        {"unknown": "1"},
    ],
    ids=str,
)
def test_list_of_a_wrong_query_is_refused(admin: Site, params: dict[str, str]) -> None:
    answer = admin.get(PATH, params=params)
    assert (answer.status, answer.json["code"]) == (422, "request_invalid")


def test_export_as_csv_holds_no_formula(admin: Site) -> None:
    answer = admin.get(EXPORT)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="predictions.csv"'
    head, *lines = csv.reader(io.StringIO(answer.text, newline=""))
    assert head == list(admin.get(PATH).json["results"][0])
    found = [dict(zip(head, line, strict=True)) for line in lines]
    assert [line["prediction_id"] for line in found] == ["d", "c", "'-b", "a"]
    assert found[2]["class_name"] == "'" + str(FORMULA["class_name"])
    assert found[2]["model_name"] == "'+food"
    assert json.loads(found[3]["predictions"]) == [SOUP]
    assert (found[3]["prediction_time"], found[1]["confidence"]) == (str(WHEN), "")


def test_export_of_nothing_is_an_empty_list_or_a_head_line(admin: Site) -> None:
    assert admin.get(EXPORT, params={"status": "999", "format": "json"}).json == []
    assert len(admin.get(EXPORT, params={"status": "999"}).text.splitlines()) == 1


def test_export_is_streamed_in_batches(admin: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deep_predictor.web.management.predictions_api.EXPORT_ROWS", 1)
    answer = admin.get(EXPORT, params={"format": "json"})
    assert [entry["prediction_id"] for entry in answer.json] == ["d", "c", "-b", "a"]
    assert answer.headers.get("Content-Length") is None


@pytest.mark.parametrize("path", [PATH, EXPORT])
@pytest.mark.parametrize(("role", "status"), [(None, 401), ("predict", 403), ("viewer", 403), ("trainer", 403)])
def test_predictions_are_for_admins(
    site: Site, as_principal: AsPrincipal, path: str, role: str | None, status: int
) -> None:
    as_principal(role)
    assert site.get(path).status == status
