"""The cut-out tool in headless Chromium: a box by mouse and by keyboard, what comes out, and where it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from deep_predictor.db.dataset_records import DatasetItem
from deep_predictor.runs.children import Children
from test.web.browser_fixtures import HOSTILE_NAME
from test.web.management.conftest import management_of
from test.web.management.training_sites import InProcess, drawn
from test.web.sites import Site
from test.web.studio.dataset_sets import new_set
from test.web.studio.looks import check_axe, check_looks
from test.web.studio.site import Studio

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def quick_children(studio_site: Site) -> None:
    """Cut-outs are made without the second that a process of its own takes to begin."""
    management: Any = management_of(studio_site)
    children: Children = management.runs._children
    management.runs._children = InProcess(children._settings)


def items_of(studio: Studio, dataset_id: int) -> list[DatasetItem]:
    return studio.management.datasets._rows.items_after(dataset_id, 0, 100)


def numbers(page: Page) -> list[int]:
    return [int(page.locator(f"#{name}").input_value()) for name in ("x1", "y1", "x2", "y2")]


def test_thing_in_a_file_is_cut_out_by_keyboard_and_kept(studio: Studio, tmp_path: Path) -> None:
    dataset_id = new_set(studio, {"apple": 1}, name=f"fruit {HOSTILE_NAME}")
    page = studio.page("trainer", f"/studio/cutout?dataset={dataset_id}")
    path = tmp_path / "thing.png"
    path.write_bytes(drawn(3, 100))
    page.set_input_files("#file", path)
    box = page.locator("#box")
    expect(box).to_be_focused()
    assert numbers(page) == [10, 10, 90, 90]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+ArrowUp")
    assert numbers(page) == [8, 9, 88, 89]
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+Control+ArrowDown")
    assert numbers(page) == [8, 9, 90, 90]
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    assert numbers(page) == [0, 9, 82, 90]
    page.get_by_label("Left").fill("4")
    page.get_by_label("Right").fill("96")
    expect(box).to_have_attribute("aria-label", "Box from 4, 9 to 96, 90 of 100 by 100 pixels")
    box.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_be_visible()
    check_looks(page, "cutout")
    expect(page.get_by_label("Label")).to_be_focused()
    page.get_by_label("Label").fill(HOSTILE_NAME)
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_contain_text(f"labelled {HOSTILE_NAME} in fruit")
    kept = items_of(studio, dataset_id)[-1]
    assert (kept.label, kept.source[:8]) == (HOSTILE_NAME, "cut from")
    page.locator("#saved").get_by_role("link").click()
    expect(page.locator("#count")).to_have_text("1 shown")


def test_box_is_drawn_moved_and_resized_by_mouse(studio: Studio, tmp_path: Path) -> None:
    page = studio.page("trainer", "/studio/cutout")
    path = tmp_path / "thing.png"
    path.write_bytes(drawn(4, 400))
    page.set_input_files("#file", path)
    expect(page.locator("#box")).to_be_visible()
    stage = page.locator("#stage").bounding_box()
    assert stage is not None
    scale = stage["width"] / 400

    def drag(start: tuple[int, int], end: tuple[int, int]) -> None:
        page.mouse.move(stage["x"] + start[0] * scale, stage["y"] + start[1] * scale)
        page.mouse.down()
        page.mouse.move(stage["x"] + end[0] * scale, stage["y"] + end[1] * scale, steps=4)
        page.mouse.up()

    def is_near(wanted: list[int]) -> bool:
        return all(abs(one - other) <= 3 for one, other in zip(numbers(page), wanted, strict=True))

    drag((10, 10), (200, 120))
    assert is_near([10, 10, 200, 120]), numbers(page)
    drag((100, 60), (150, 160))
    assert is_near([60, 110, 250, 220]), numbers(page)
    drag((250, 220), (390, 390))
    assert is_near([60, 110, 390, 390]), numbers(page)
    drag((200, 200), (900, 200))
    assert numbers(page)[2] == 400


def test_picture_of_a_data_set_is_chosen(studio: Studio) -> None:
    dataset_id = new_set(studio, {"cat": 30})
    page = studio.page("trainer", f"/studio/cutout?dataset={dataset_id}")
    page.get_by_role("button", name="From a data set…").click()
    dialog = page.get_by_role("dialog", name="Choose a picture")
    expect(dialog.get_by_role("status")).to_have_text("1 to 24 of 30")
    check_axe(page)
    dialog.get_by_role("button", name="Later").click()
    expect(dialog.get_by_role("status")).to_have_text("25 to 30 of 30")
    dialog.get_by_role("button", name="cat, cat 29.png").click()
    expect(page.locator("#source")).to_have_text("cat 29.png, 40 × 40 pixels")
    expect(page.get_by_label("Data set")).to_have_value(str(dataset_id))


def test_picture_opened_from_its_data_set_and_a_box_that_holds_nothing(studio: Studio) -> None:
    studio.watch.expected += ["422"]
    dataset_id = new_set(studio, {"cat": 1})
    item = items_of(studio, dataset_id)[0]
    page = studio.page("trainer", f"/studio/cutout?dataset={dataset_id}&item={item.id}")
    expect(page.locator("#box")).to_be_visible()
    page.route("**/api/v1/cutouts", lambda route: route.fulfill(status=422, json={"detail": HOSTILE_NAME}))
    page.get_by_role("button", name="Cut out").click()
    expect(page.get_by_role("alert")).to_contain_text(HOSTILE_NAME)
    expect(page.locator("#result-note")).to_have_text("Nothing was cut out.")
    expect(page.locator("#result")).to_be_hidden()


def test_file_that_is_no_picture_is_told(studio: Studio, tmp_path: Path) -> None:
    page = studio.page("trainer", "/studio/cutout")
    path = tmp_path / "thing.png"
    path.write_bytes(b"no picture")
    page.set_input_files("#file", path)
    expect(page.get_by_role("alert")).to_contain_text("cannot show this kind of file")
    expect(page.locator("#tool")).to_be_hidden()
