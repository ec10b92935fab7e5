"""The page of boxes in headless Chromium: what a detector suggests, and which class a box gets."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from test.web.browser_fixtures import HOSTILE_NAME
from test.web.studio.box_hands import Pixels, board_of, marks, opened, press
from test.web.studio.dataset_sets import box_set, boxes_in
from test.web.studio.looks import check_axe, check_looks
from test.web.studio.site import Studio

pytestmark = pytest.mark.browser


def test_suggestions_of_a_served_detector_are_taken_by_keyboard(studio: Studio) -> None:
    dataset_id = box_set(studio, 2, class_names=())
    page = opened(studio, dataset_id)
    press(page, "g")
    expect(page.locator(".is-suggested")).to_have_count(3)
    press(page, "Tab", "Enter")
    expect(page.locator(".is-suggested")).to_have_count(2)
    expect(page.locator(".is-suggested").first).to_be_focused()
    press(page, "Control+z")
    expect(page.locator(".is-suggested")).to_have_count(3)
    press(page, "y", "s")
    expect(page.locator("#save-state")).to_have_text("Saved")
    found = boxes_in(studio, dataset_id)[0]
    assert found is not None
    assert {name for name, *_ in found} == set(studio.management.datasets.get(dataset_id).class_names)
    assert len(found) == 3
    page.get_by_label("Ask by itself for pictures").check()
    board_of(page).focus()
    press(page, "d")
    expect(page.locator("#item-name")).to_have_text("picture 1.png")
    expect(page.locator(".is-suggested")).to_have_count(3)
    assert boxes_in(studio, dataset_id)[1] is None


def test_suggestions_are_shown_by_confidence_and_taken_one_by_one(studio: Studio) -> None:
    dataset_id = box_set(studio, 1)
    page = opened(studio, dataset_id)
    place = {"cy": 0.5, "w": 0.2, "h": 0.4}
    boxes = [
        {"class_name": name, "is_known": True, "confidence": confidence, "cx": cx, **place}
        for name, confidence, cx in (("dog", 0.9, 0.2), ("cat", 0.6, 0.5), ("cat", 0.2, 0.8))
    ]
    page.route("**/suggested_boxes", lambda route: route.fulfill(json={"boxes": boxes}))
    page.get_by_role("button", name="Suggest boxes").click()
    suggested, words = page.locator(".is-suggested"), page.locator("#suggestions [data-part=words]")
    expect(words).to_have_text("2 suggested, 1 less sure")
    slider = page.get_by_label(re.compile("Sure to at least"))
    slider.fill("70")
    expect(suggested).to_have_count(1)
    slider.fill("5")
    check_looks(page, "boxes-suggested")
    page.get_by_role("button", name="Leave out cat 20%").click()
    page.get_by_role("button", name="Take cat 60%").click()
    expect(suggested).to_have_count(1)
    page.mouse.click(*Pixels(page).at(20, 50))
    expect(words).to_have_text("All are taken or left out.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#save-state")).to_have_text("Saved")
    assert boxes_in(studio, dataset_id) == [[("cat", 40, 30, 60, 70), ("dog", 10, 30, 30, 70)]]


def test_classes_are_chosen_by_search_and_made(studio: Studio) -> None:
    dataset_id = box_set(studio, 1, class_names=())
    page = opened(studio, dataset_id)
    press(page, "n", "Enter")
    dialog = page.get_by_role("dialog", name="What is in the box?")
    dialog.get_by_role("textbox").fill(HOSTILE_NAME)
    check_axe(page)
    press(page, "Enter")
    expect(marks(page)).to_have_attribute("aria-label", re.compile(re.escape(HOSTILE_NAME)))
    press(page, "c")
    dialog = page.get_by_role("dialog", name="Class of the box")
    dialog.get_by_role("textbox").fill("bird")
    press(page, "ArrowDown", "Enter")
    expect(marks(page)).to_have_attribute("aria-label", re.compile("^bird"))
    press(page, "c")
    page.keyboard.type("IMG")
    press(page, "Enter")
    expect(marks(page)).to_have_attribute("aria-label", re.compile(re.escape(HOSTILE_NAME)))
    expect(page.get_by_role("dialog")).to_be_hidden()
    press(page, "s")
    expect(page.locator("#save-state")).to_have_text("Saved")
    assert list(studio.management.datasets.get(dataset_id).class_names) == [HOSTILE_NAME, "bird"]
    assert boxes_in(studio, dataset_id) == [[(HOSTILE_NAME, 40, 40, 60, 60)]]
    assert page.locator("img[src='x']").count() == 0
