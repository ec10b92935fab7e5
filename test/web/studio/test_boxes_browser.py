"""The page of boxes in headless Chromium: by keyboard alone, by mouse, by touch; what is kept when."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from test.web.studio.box_hands import Pixels, board_of, marks, opened, press
from test.web.studio.dataset_sets import box_set, boxes_in, items_in
from test.web.studio.looks import check_axe, check_looks
from test.web.studio.site import Studio

pytestmark = pytest.mark.browser


def test_boxes_are_drawn_changed_and_kept_by_keyboard_alone(studio: Studio) -> None:
    dataset_id = box_set(studio, 3)
    page = opened(studio, dataset_id, query="?split=undecided")
    told = page.locator("#told")
    press(page, "n")
    expect(told).to_contain_text("New box, 20 by 20 pixels at 40, 40")
    press(page, "ArrowLeft", "Control+ArrowUp", "Shift+ArrowRight", "Shift+Control+ArrowDown", "Enter")
    expect(told).to_have_text("Kept: cat, 22 by 21 pixels at 38, 39")
    mark = page.get_by_role("button", name="cat, 22 by 21 pixels at 38, 39").first
    expect(mark).to_be_focused()
    press(page, "2", "ArrowRight", "ArrowRight")
    expect(told).to_have_text("22 by 21 pixels at 42, 39")
    press(page, "Control+z")
    expect(told).to_have_text("1 box")
    expect(marks(page)).to_have_attribute("aria-label", "dog, 22 by 21 pixels at 38, 39")
    press(page, "Control+z", "Control+z")
    expect(marks(page)).to_have_count(0)
    press(page, "Control+y", "Control+y", "n", "Escape")
    expect(marks(page)).to_have_count(1)
    press(page, "n", "Enter", "1", "Shift+Tab")
    expect(marks(page).first).to_be_focused()
    expect(marks(page).first).to_have_attribute("aria-pressed", "true")
    check_looks(page, "boxes")
    press(page, "Tab", "Delete")
    expect(page.locator("#save-state")).to_have_text("Not saved yet")
    press(page, "d")
    expect(page.locator("#item-name")).to_have_text("picture 1.png")
    expect(page.locator("#counts")).to_have_text("1 of 3 looked at, 2 left")
    press(page, "e", "j")
    expect(page.locator("#item-name")).to_have_text("picture 2.png")
    press(page, "n", "ArrowDown", "s")
    expect(page.locator("#save-state")).to_have_text("Saved")
    press(page, "j")
    expect(page.locator("#messages")).to_contain_text("All pictures have been looked at.")
    wanted = [[("dog", 38, 39, 60, 60)], [], [("cat", 40, 42, 60, 62)]]
    assert boxes_in(studio, dataset_id) == wanted
    press(page, "a", "a")
    expect(page.locator("#item-name")).to_have_text("picture 0.png")
    assert urlsplit(page.url).path.endswith(f"/items/{items_in(studio, dataset_id)[0].id}")
    page.go_back()
    expect(page.locator("#item-name")).to_have_text("picture 1.png")


def test_boxes_are_drawn_moved_and_resized_by_mouse_to_the_pixel(studio: Studio) -> None:
    dataset_id = box_set(studio, 1)
    page = opened(studio, dataset_id)
    pixels = Pixels(page)
    pixels.drag((10.2, 20.1), (49.8, 60.4))
    expect(marks(page)).to_have_attribute("aria-label", "cat, 40 by 40 pixels at 10, 20")
    pixels.drag((30, 40), (35, 38))
    expect(marks(page)).to_have_attribute("aria-label", "cat, 40 by 40 pixels at 15, 18")
    pixels.drag((55, 58), (95.3, 130))
    expect(marks(page)).to_have_attribute("aria-label", "cat, 80 by 82 pixels at 15, 18")
    pixels.drag((15, 50), (20, 51))
    expect(marks(page)).to_have_attribute("aria-label", "cat, 75 by 82 pixels at 20, 18")
    page.mouse.click(*pixels.at(5, 5))
    pixels.drag((30, 30), (40, 40))  # in a box that is not chosen a smaller one is drawn
    expect(marks(page)).to_have_count(2)
    page.mouse.click(*pixels.at(80, 80))
    expect(marks(page).first).to_have_attribute("aria-pressed", "true")
    page.locator(".class-button").nth(1).click()
    page.mouse.move(*pixels.at(35, 35))
    page.mouse.wheel(0, -600)
    page.wait_for_function("() => document.querySelector('#board img').getBoundingClientRect().width > 2000")
    zoomed = Pixels(page)
    assert zoomed.at(35, 35) == pytest.approx(pixels.at(35, 35), abs=4)
    before = page.locator("#board img").bounding_box()
    page.keyboard.down("Space")
    zoomed.drag((35, 35), (36, 35))
    page.keyboard.up("Space")
    page.wait_for_function(
        "(x) => Math.abs(document.querySelector('#board img').getBoundingClientRect().x - x) < 1.5",
        arg=before["x"] + zoomed.scale,
    )
    after = page.locator("#board img").bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] - before["x"] == pytest.approx(zoomed.scale, abs=1.5)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#save-state")).to_have_text("Saved")
    assert boxes_in(studio, dataset_id) == [[("dog", 20, 18, 95, 100), ("cat", 30, 30, 40, 40)]]


def test_picture_is_drawn_on_and_zoomed_by_fingers(studio: Studio) -> None:
    dataset_id = box_set(studio, 1)
    item = items_in(studio, dataset_id)[0]
    page = studio.page("trainer", f"/studio/datasets/{dataset_id}/items/{item.id}", width=360, has_touch=True)
    expect(page.locator("#board img")).to_be_visible()
    pixels, fingers = Pixels(page), page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [
            dict(zip(("x", "y"), pixels.at(*point), strict=True), id=number) for number, point in enumerate(points)
        ]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", (20, 20))
    touch("touchMove", (50, 40))
    touch("touchMove", (70, 60))
    touch("touchEnd")
    expect(marks(page)).to_have_attribute("aria-label", "cat, 50 by 40 pixels at 20, 20")
    touch("touchStart", (40, 10))
    touch("touchStart", (40, 10), (60, 10))
    touch("touchMove", (40, 10), (80, 10))
    touch("touchEnd")
    page.wait_for_function(
        f"() => document.querySelector('#board img').getBoundingClientRect().width > {150 * pixels.scale}"
    )
    expect(marks(page)).to_have_count(1)


def test_boxes_that_cannot_be_saved_stay_on_the_page(studio: Studio) -> None:
    studio.watch.expected += ["net::ERR_"]
    dataset_id = box_set(studio, 2)
    page = opened(studio, dataset_id)
    press(page, "n", "Enter")
    page.context.set_offline(True)
    press(page, "d")
    expect(page.get_by_role("alert")).to_contain_text("could not be saved")
    expect(page.locator("#item-name")).to_have_text("picture 0.png")
    page.context.set_offline(False)
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.locator(".crumbs a").first.click(no_wait_after=True)
    expect(page.locator("#save-state")).to_contain_text("Not saved")
    expect(marks(page)).to_have_count(1)
    board_of(page).focus()
    press(page, "d")
    expect(page.locator("#item-name")).to_have_text("picture 1.png")
    assert boxes_in(studio, dataset_id) == [[("cat", 40, 40, 60, 60)], None]


def test_viewer_looks_at_boxes_and_changes_nothing(studio: Studio) -> None:
    dataset_id = box_set(studio, 2)
    item = items_in(studio, dataset_id)[0]
    body = {"boxes": [{"class_name": "dog", "cx": 0.5, "cy": 0.5, "w": 0.25, "h": 0.5}]}
    path = f"/api/v1/datasets/{dataset_id}/items/{item.id}/boxes"
    assert studio.ask("trainer", "PUT", path, json=body).status_code == 200
    page = opened(studio, dataset_id, role="viewer")
    expect(marks(page)).to_have_count(1)
    press(page, "n", "Enter", "e", "Tab", "Delete", "1", "ArrowLeft", "?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).not_to_contain_text("a new box")
    press(page, "Escape")
    check_axe(page)
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    assert boxes_in(studio, dataset_id) == [[("dog", 37.5, 25, 62.5, 75)], None]


def test_boxes_that_are_left_alone_are_kept_as_they_came(studio: Studio) -> None:
    dataset_id = box_set(studio, 1)
    path = f"/api/v1/datasets/{dataset_id}/items/{items_in(studio, dataset_id)[0].id}/boxes"
    box = {"class_name": "dog", "cx": 0.123456789, "cy": 0.3, "w": 0.1, "h": 1 / 3, "is_crowd": True}
    assert studio.ask("trainer", "PUT", path, json={"boxes": [box]}).status_code == 200
    page = opened(studio, dataset_id)
    press(page, "n", "Enter", "s")
    expect(page.locator("#save-state")).to_have_text("Saved")
    assert studio.ask("trainer", "GET", path).json()["boxes"][0] == box
    page.locator("#box-list").get_by_role("button", name=re.compile("^dog")).first.click()
    page.get_by_label(re.compile("A crowd")).uncheck()
    board_of(page).focus()
    press(page, "s")
    expect(page.locator("#save-state")).to_have_text("Saved")
    assert studio.ask("trainer", "GET", path).json()["boxes"][0]["is_crowd"] is False
