"""The result as a visitor's browser shows it: names, bars, boxes, words, and the wait for them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from test import fakes
from test.db.databases import done, new_prediction
from test.server_process import new_id
from test.web.browser_fixtures import (
    HOSTILE_NAME,
    OpenPage,
    Site,
    Watch,
    browser,
    open_page,
    picture_file,
    send,
    site,
    wait_for_kind,
    watch,
)

__all__ = ["browser", "open_page", "picture_file", "site", "watch"]

pytestmark = pytest.mark.browser

#: A drawn frame may or may not count its line, 2.5 px wide.
PIXELS_OFF = 4.0


def test_upload_of_a_class_shows_names_bars_and_time(open_page: OpenPage, picture_file: Path) -> None:
    page = open_page("/upload")
    send(page, picture_file, "classes")
    wait_for_kind(page, "scores")
    expect(page.locator(".result-title")).to_have_text("adanaKenap")
    expect(page.locator(".score-name")).to_have_text(["adanaKenap", "akcaabatKofte", "bulgurPilavi"])
    expect(page.locator(".score-value")).to_have_text(["72.2%", "17.4%", "6.7%"])
    expect(page.locator(".result-facts")).to_have_text(re.compile(r"^Took (less than )?\d+\.\d+ s\.$"))
    expect(page.locator("[data-announcement]")).to_contain_text("adanaKenap, 72.2%")
    finish_animations(page)
    widths = page.eval_on_selector_all(
        ".score-bar",
        "bars => bars.map(b => b.querySelector('.score-fill').getBoundingClientRect().width / b.clientWidth)",
    )
    assert widths == pytest.approx([0.72227, 0.17435, 0.06662], abs=0.01)


def test_upload_of_things_draws_each_box_where_the_numbers_say(
    open_page: OpenPage, picture_file: Path, site: Site
) -> None:
    page = open_page("/upload")
    send(page, picture_file, "things")
    wait_for_kind(page, "boxes")
    answer = answer_of(page, site)
    assert {item["class_name"] for item in answer["predictions"]} == {"person", "dog", "horse"}
    check_boxes(page, answer["predictions"])
    page.set_viewport_size({"width": 360, "height": 740})
    check_boxes(page, answer["predictions"])


def test_upload_of_things_list_and_box_light_up_together(open_page: OpenPage, picture_file: Path) -> None:
    page = open_page("/upload")
    send(page, picture_file, "things")
    wait_for_kind(page, "boxes")
    buttons, boxes = page.locator(".found-button"), page.locator(".box.is-lit")
    buttons.nth(1).focus()
    expect(boxes).to_have_count(1)
    expect(boxes.locator("text")).to_have_text(buttons.nth(1).locator(".found-name").inner_text())
    page.keyboard.press("Enter")
    expect(buttons.nth(1)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator(".found.is-lit .found-name")).to_have_text(buttons.nth(1).locator(".found-name").inner_text())


def test_upload_hostile_class_name_is_shown_as_text(open_page: OpenPage, picture_file: Path) -> None:
    page = open_page("/upload")
    send(page, picture_file, "hostile")
    wait_for_kind(page, "scores")
    expect(page.locator(".result-title")).to_have_text(HOSTILE_NAME)
    expect(page.locator(".score-name")).to_have_text(HOSTILE_NAME)
    assert page.locator("img[src=x]").count() == 0
    page.reload()
    wait_for_kind(page, "scores")
    expect(page.locator(".result-title")).to_have_text(HOSTILE_NAME)
    assert page.locator("img[src=x]").count() == 0
    assert page.title().startswith(HOSTILE_NAME)


def test_upload_shows_the_pages_own_copy_and_the_servers_after_a_reload(
    open_page: OpenPage, picture_file: Path
) -> None:
    page = open_page("/upload")
    send(page, picture_file, "classes")
    wait_for_kind(page, "scores")
    assert page.locator(".picture").get_attribute("src").startswith("blob:")  # type: ignore[union-attr]
    assert re.fullmatch(r".*/result/[A-Za-z0-9]{32}", page.url)
    page.reload()
    wait_for_kind(page, "scores")
    expect(page.locator(".picture")).to_have_js_property("naturalWidth", 300)
    page.go_back()
    expect(page.locator("#upload-form")).to_be_visible()


def test_upload_to_a_model_that_keeps_nothing_says_so(open_page: OpenPage, picture_file: Path) -> None:
    page = open_page("/upload")
    send(page, picture_file, "forgets")
    wait_for_kind(page, "scores")
    expect(page.locator(".picture-note")).to_have_text("The picture was not kept on the server: you see your own copy.")
    expect(page.locator(".picture")).to_be_visible()
    page.reload()
    wait_for_kind(page, "scores")
    expect(page.locator(".picture-note")).to_have_text("The picture was not kept.")
    expect(page.locator(".picture")).to_be_hidden()


def test_upload_of_a_picture_the_model_stumbles_over_says_so(open_page: OpenPage, tmp_path: Path) -> None:
    picture = tmp_path / "raise.png"
    picture.write_bytes(fakes.picture("raise"))
    page = open_page("/upload")
    send(page, picture, "hostile")
    wait_for_kind(page, "failed")
    expect(page.locator(".result-title")).to_have_text("The model stumbled over this picture")
    expect(page.locator(".result-facts")).to_contain_text("Reason: model_raised.")


@pytest.mark.parametrize(
    ("status", "items", "kind", "title"),
    [
        (510, [], "failed", "The picture cannot be read"),
        (550, [], "failed", "This model is not available"),
        (999, [], "failed", "There is no answer"),
        (200, [], "nothing", "Nothing found"),
        (200, [{"class_name": "old", "confidence": 0.5, "bbox": {"x1": 3}}], "scores", "old"),
    ],
)
def test_result_of_each_kind_is_taken_from_its_page(
    open_page: OpenPage, site: Site, status: int, items: list[dict[str, Any]], kind: str, title: str
) -> None:
    rows, prediction_id = site.application.production.rows, new_id()
    rows.insert(new_prediction(prediction_id, predictor_name="classes", image_path=""))
    page = open_page(f"/result/{prediction_id}")
    wait_for_kind(page, "waiting")
    rows.finish([done(*items, prediction_id=prediction_id, status=status, image_path=None)])
    wait_for_kind(page, kind)
    expect(page.locator(".result-title")).to_have_text(title)
    expect(page.locator(".result-lead")).not_to_be_empty()
    assert page.title().startswith(title)
    assert texts(page) == texts(open_page(f"/result/{prediction_id}"))


def test_result_of_a_prediction_that_is_deleted_meanwhile_says_so(
    open_page: OpenPage, picture_file: Path, site: Site
) -> None:
    page = open_page("/upload")
    page.route("**/api?*", lambda route: route.fulfill(json={"prediction_status": 0}))
    send(page, picture_file, "classes")
    wait_for_kind(page, "failed")
    expect(page.locator(".result-title")).to_have_text("There is no such prediction")


def test_polling_survives_a_server_that_is_gone_busy_or_talks_nonsense(
    open_page: OpenPage, picture_file: Path, watch: Watch
) -> None:
    watch.expected += ["net::ERR_FAILED", "503"]
    page = open_page("/upload")
    page.clock.install()
    asked: list[str] = []

    def be_difficult(route: Route) -> None:
        asked.append(route.request.url)
        step = len(asked)
        if step == 1:
            route.abort()
        elif step == 2:
            route.fulfill(status=503, headers={"Retry-After": "2"}, body="busy")
        elif step == 3:
            route.fulfill(status=200, body="<html>a proxy's page</html>")
        elif step < 7:
            route.fulfill(json={"prediction_status": 100})
        else:
            route.continue_()

    page.route("**/api?*", be_difficult)
    send(page, picture_file, "classes")
    expect(page.locator(".result-trouble")).to_contain_text("Trying again")
    for _ in range(60):
        if page.locator("#result[data-kind='scores']").count():
            break
        page.clock.run_for(1000)
    wait_for_kind(page, "scores")
    expect(page.locator(".result-trouble")).to_be_hidden()
    assert len(asked) == 7
    assert all("wait=20" in url for url in asked)


def texts(page: Page) -> str:
    return page.locator(".result-body").inner_text()


def check_boxes(page: Page, items: list[dict[str, object]]) -> None:
    finish_animations(page)
    picture = page.locator(".picture").bounding_box()
    assert picture
    assert picture["width"] / picture["height"] == pytest.approx(1.5, abs=0.02)
    for item in items:
        name, box = item["class_name"], item["bbox"]
        assert isinstance(box, dict)
        frame = page.locator(".box", has=page.locator("text", has_text=re.compile(f"^{name}$"))).locator(".box-frame")
        drawn = frame.evaluate(
            "frame => { const r = frame.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; }"
        )
        expected = [
            picture["x"] + (box["cx"] - box["w"] / 2) * picture["width"],
            picture["y"] + (box["cy"] - box["h"] / 2) * picture["height"],
            box["w"] * picture["width"],
            box["h"] * picture["height"],
        ]
        assert drawn == pytest.approx(expected, abs=PIXELS_OFF)


def finish_animations(page: Page) -> None:
    page.evaluate("document.getAnimations().forEach(a => { try { a.finish(); } catch { /* endless ones */ } })")


def answer_of(page: Page, site: Site) -> dict[str, list[dict[str, object]]]:
    prediction_id = page.url.rsplit("/", 1)[1]
    response = page.request.get(f"{site.url}/api?prediction_id={prediction_id}")
    answer: dict[str, list[dict[str, object]]] = json.loads(response.text())
    return answer
