"""The gallery of predictions, and the page of one by the address that the gallery names."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from deep_predictor.results import PredictionStatus
from test import fakes
from test.db.databases import done, new_prediction
from test.server_process import new_id
from test.web.browser_fixtures import HOSTILE_NAME
from test.web.sites import JSON, Site
from test.web.studio.looks import check_looks
from test.web.studio.site import Studio

pytestmark = pytest.mark.browser

#: 2020-11-08 17:29:02 UTC: in Auckland it is the ninth.
WHEN = 1604856542
SOUP = {"class_index": 6, "class_name": "soup", "confidence": 0.97628}
HOSTILE = {"class_index": 1, "class_name": HOSTILE_NAME, "confidence": 0.5}


@pytest.fixture(scope="module")
def predictions(studio_site: Site) -> list[str]:
    """Ids: two that were uploaded, the newer first, a failed one, and a hostile video; 50 soups are older."""
    rows = studio_site.production.rows
    for number in range(50):
        rows.insert(new_prediction(f"soup{number}", image_path=""))
    rows.finish([done(SOUP, prediction_id=f"soup{number}", finished_at=WHEN, image_path=None) for number in range(50)])
    rows.insert(new_prediction("hostile", predictor_name=HOSTILE_NAME, image_path=""))
    rows.finish([done(HOSTILE, prediction_id="hostile", finished_at=WHEN + 86_400, image_path="var/clip.mp4")])
    rows.insert(new_prediction("failed", image_path=""))
    failed: dict[str, Any] = {"status": PredictionStatus.MODEL_RAISED, "items": None, "reason_code": "model_raised"}
    rows.finish([done(prediction_id="failed", finished_at=WHEN + 200_000, image_path=None, **failed)])
    uploaded = []
    for model in ("dummy", "ms coco"):
        prediction_id = new_id()
        fields = {"model_name": model, "prediction_id": prediction_id}
        assert studio_site.upload(fields, JSON, image=fakes.picture(size=(640, 400))).status == 201
        studio_site.final(prediction_id)
        uploaded.append(prediction_id)
    return [*reversed(uploaded), "failed", "hostile"]


def expect_first(page: Page, predictions: list[str]) -> None:
    for place, prediction_id in enumerate(predictions):
        expect(page.locator(".shot").nth(place)).to_have_attribute("href", re.compile(f"/{prediction_id}$"))


def words(page: Page) -> Any:
    return expect(page.locator("#gallery [data-words]"))


def test_gallery_shows_pictures_and_walks_through_pages(studio: Studio, predictions: list[str]) -> None:
    page = studio.page("admin", "/studio/predictions")
    words(page).to_have_text("1–48 of 54 predictions")
    expect_first(page, predictions)
    page.wait_for_function("() => document.querySelector('.shot img').naturalWidth === 320")
    shots = page.locator(".shot")
    expect(shots.nth(1)).to_contain_text("adanaKenap")
    expect(shots.nth(2)).to_contain_text("The model stumbled over this picture")
    expect(shots.nth(2)).to_contain_text("No picture kept")
    expect(shots.nth(3)).to_contain_text(HOSTILE_NAME)
    expect(shots.nth(3).locator(".shot-video")).to_have_text("Video")
    check_looks(page, "predictions")
    page.get_by_role("button", name="Next").click()
    words(page).to_have_text("49–54 of 54 predictions")
    page.get_by_role("button", name="Previous").click()
    words(page).to_have_text("1–48 of 54 predictions")
    page.locator(".shot").nth(1).click()
    expect(page).to_have_url(f"{studio.url}/predictions/{predictions[1]}")
    expect(page.locator("#result-title")).to_have_text("adanaKenap")


def test_gallery_by_filter_can_be_kept_as_an_address(studio: Studio, predictions: list[str]) -> None:
    page = studio.page("admin", "/studio/predictions")
    words(page).to_contain_text("54")
    page.get_by_label("Outcome").select_option("The model stumbled over this picture")
    page.get_by_role("button", name="Show").click()
    words(page).to_have_text("1 prediction")
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Class").fill(HOSTILE_NAME)
    page.keyboard.press("Enter")
    words(page).to_have_text("1 prediction")
    expect_first(page, ["hostile"])
    expect(page.locator(".shot")).to_have_count(1)
    for format_, name in (("csv", "CSV"), ("json", "JSON")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert download.value.suggested_filename == f"predictions.{format_}"
        text = download.value.path().read_text()
        assert "hostile" in text
        assert "soup" not in text
    page.reload()
    expect(page.get_by_label("Class")).to_have_value(HOSTILE_NAME)
    words(page).to_have_text("1 prediction")
    page.go_back()
    words(page).to_have_text("1–48 of 54 predictions")
    expect(page.get_by_label("Class")).to_have_value("")
    page.get_by_label("Model").fill("nobody's")
    page.keyboard.press("Enter")
    words(page).to_have_text("There is no such prediction.")


def test_gallery_by_day_means_the_days_of_the_reader(studio: Studio, predictions: list[str]) -> None:
    page = studio.page("admin", "/studio/predictions?from=2020-11-09&to=2020-11-09", timezone_id="Pacific/Auckland")
    words(page).to_have_text("1–48 of 50 predictions")
    page.get_by_label("From").fill("2020-11-10")
    page.get_by_label("To (inclusive)").fill("2020-11-10")
    page.keyboard.press("Enter")
    words(page).to_have_text("1 prediction")
    expect_first(page, ["hostile"])
    expect(page.locator(".shot")).to_have_count(1)


def test_gallery_of_a_server_that_is_away_goes_on_when_it_is_back(studio: Studio, predictions: list[str]) -> None:
    studio.watch.expected += ["net::ERR_"]
    page = studio.page("admin", "/studio/predictions")
    words(page).to_contain_text("54")
    page.context.set_offline(True)
    page.get_by_label("Class").fill("soup")
    page.keyboard.press("Enter")
    words(page).to_have_text("The server cannot be reached. Trying again…")
    page.context.set_offline(False)
    words(page).to_have_text("1–48 of 50 predictions")


def test_page_of_a_prediction_is_public_and_the_same_by_both_addresses(studio: Studio, predictions: list[str]) -> None:
    page = studio.page(None, f"/predictions/{predictions[0]}")
    expect(page.locator("#result-title")).to_have_text("3 things found")
    by_other_address = studio.ask(None, "GET", f"/result/{predictions[0]}")
    assert by_other_address.text.replace("/result/", "/predictions/") == page_text(studio, predictions[0])
    assert studio.ask(None, "GET", "/predictions/none").status_code == 404
    page.goto("/predictions/hostile")
    expect(page.locator("#result-title")).to_have_text(HOSTILE_NAME)
    answer = studio.ask(None, "GET", "/predictions/hostile", headers=JSON)
    assert answer.json()["prediction_id"] == "hostile"


def page_text(studio: Studio, prediction_id: str) -> str:
    return studio.ask(None, "GET", f"/predictions/{prediction_id}").text
