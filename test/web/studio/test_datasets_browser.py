"""Data sets in headless Chromium: the list, the grid of pictures, keys, bulk changes, a grid of 50,000."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Response, expect

from deep_predictor.db.dataset_records import Chosen
from test.web.browser_fixtures import HOSTILE_NAME
from test.web.studio.dataset_sets import LARGE, hostile_set, labels_of, large_set, new_set
from test.web.studio.looks import check_axe, check_looks
from test.web.studio.site import Studio

pytestmark = pytest.mark.browser
#: On two cores that other tests use as well; alone it is far below 0.3.
FIRST_ANSWER_SECONDS = 2.0
#: As in item_source.js: what is shown for less is not loaded.
PAUSE_MILLISECONDS = 120


def open_set(studio: Studio, dataset_id: int, role: str = "trainer", query: str = "", width: int = 1280) -> Page:
    page = studio.page(role, f"/studio/datasets/{dataset_id}{query}", width=width)
    expect(page.locator(".tile-picture").first).to_be_visible()
    return page


def test_data_set_is_made_renamed_and_deleted(studio: Studio) -> None:
    studio.watch.expected += ["409"]
    taken = f"taken {new_set(studio, name='taken')}"
    page = studio.page("trainer", "/studio/datasets")
    page.get_by_label("New data set").fill("taken")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("taken")
    page.get_by_label("New data set").fill(HOSTILE_NAME)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE_NAME)
    expect(page.locator("#empty")).to_contain_text("Drop some here")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill(taken)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(taken)
    page.locator(".crumbs").get_by_role("link", name="Data sets").click()
    page.get_by_role("button", name=f"Rename {taken}").click()
    page.get_by_role("dialog").get_by_label("Name").fill(HOSTILE_NAME)
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name=HOSTILE_NAME)
    expect(link).to_be_focused()
    check_looks(page, "datasets")
    page.get_by_role("button", name=f"Delete {HOSTILE_NAME}").click()
    expect(page.get_by_role("dialog")).to_contain_text("It is empty")
    check_axe(page)
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(link).to_have_count(0)
    assert page.title() == "Data sets · deep predictor"


def test_pictures_are_labelled_by_keys(studio: Studio) -> None:
    dataset_id = new_set(studio, {"cat": 6, "dog": 4})
    page = open_set(studio, dataset_id)
    expect(page.locator("#facts")).to_have_text("10 pictures · 2 labels")
    grid = page.get_by_role("listbox", name="Pictures")
    grid.focus()
    page.keyboard.press("2")  # dog, on the first cat
    expect(page.locator("#messages")).to_contain_text("1 picture labelled dog.")
    expect(page.locator("#tile-0 .tile-label")).to_have_text("dog")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#selected")).to_have_text("3 selected")
    page.keyboard.press("l")
    dialog = page.get_by_role("dialog", name="Label 3 pictures")
    dialog.get_by_label("Label").fill("fox")
    page.keyboard.press("Enter")
    expect(page.locator("#facts")).to_have_text("10 pictures · 3 labels")
    assert labels_of(studio, dataset_id) == {"cat": 2, "dog": 5, "fox": 3}
    expect(grid).to_be_focused()
    page.keyboard.press("Delete")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(grid).to_be_focused()
    page.keyboard.press("Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#facts")).to_have_text("7 pictures · 2 labels")
    expect(page.locator(".tile")).to_have_count(7)
    expect(grid).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator("#tile-6")).to_have_class("tile is-active")
    assert grid.get_attribute("aria-activedescendant") == "tile-6"
    page.keyboard.press("Home")
    page.keyboard.press("Control+a")
    expect(page.locator("#selected")).to_have_text("7 selected")
    page.keyboard.press("Escape")
    expect(page.locator("#selected")).to_have_text("None selected")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("ask for a label and give it")
    check_axe(page)


def test_label_that_is_a_key_stands_on_it(studio: Studio) -> None:
    dataset_id = new_set(studio, {"7": 2, "0": 1, "zebra": 1})
    page = open_set(studio, dataset_id)
    assert page.locator("#palette button").all_text_contents() == ["1 zebra", "7 7", "0 0"]
    page.get_by_role("listbox").focus()
    page.keyboard.press("0")
    expect(page.locator("#tile-0 .tile-label")).to_have_text("0")
    page.keyboard.press("5")
    page.keyboard.press("7")
    expect(page.locator("#tile-0 .tile-label")).to_have_text("7")


def test_pictures_are_changed_by_buttons_and_filtered(studio: Studio) -> None:
    dataset_id = new_set(studio, {"cat": 3, "dog": 2})
    page = open_set(studio, dataset_id)
    page.get_by_label("Label", exact=True).select_option("=cat")
    expect(page.locator("#count")).to_have_text("3 shown")
    assert urlsplit(page.url).query == "label=cat"
    page.get_by_role("button", name="Select all").click()
    page.get_by_label("Put the selected pictures into a part").select_option("val")
    expect(page.locator("#facts")).to_have_text("5 pictures · 2 labels · val 3")
    expect(page.locator(".tile-part-val")).to_have_count(3)
    check_looks(page, "dataset-selected")
    page.locator("#tile-1").click()
    page.get_by_role("button", name="2 dog").click()
    expect(page.locator("#count")).to_have_text("2 shown")
    assert labels_of(studio, dataset_id) == {"cat": 2, "dog": 3}
    page.reload()
    expect(page.locator("#count")).to_have_text("2 shown")
    page.get_by_label("Part", exact=True).select_option("undecided")
    expect(page.locator("#empty")).to_have_text("No picture fits the filter.")
    page.get_by_label("Label", exact=True).select_option("")
    expect(page.locator("#count")).to_have_text("2 shown")
    page.get_by_role("button", name="Edit keys…").click()
    page.get_by_label("Key 1").fill("bird")
    page.get_by_label("Key Q").fill("owl")
    check_axe(page)
    page.keyboard.press("Enter")
    page.get_by_role("listbox").focus()
    page.keyboard.press("q")
    expect(page.locator("#tile-0 .tile-label")).to_have_text("owl")


def test_picture_is_opened_changed_and_deleted(studio: Studio) -> None:
    dataset_id = new_set(studio, {"cat": 3})
    page = open_set(studio, dataset_id)
    page.get_by_role("listbox").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Picture")
    dialog.get_by_role("button", name="Next").click()
    expect(dialog).to_contain_text("cat 1.png")
    dialog.get_by_label("Label").fill("dog")
    dialog.get_by_label("Part").select_option("test")
    check_looks(page, "dataset-picture")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#tile-1 .tile-label")).to_have_text("dog")
    expect(page.locator("#tile-1 .tile-part")).to_have_text("test")
    dialog.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").last.get_by_role("button", name="Delete").click()
    expect(page.locator(".tile")).to_have_count(2)
    expect(page.get_by_role("listbox")).to_be_focused()


def test_names_and_labels_are_text(studio: Studio) -> None:
    page = open_set(studio, hostile_set(studio))
    expect(page.locator(".tile-label")).to_have_text(HOSTILE_NAME)
    expect(page.locator("#palette")).to_contain_text(HOSTILE_NAME)
    page.locator(".tile").dblclick()
    expect(page.get_by_role("dialog")).to_contain_text(f"{HOSTILE_NAME}.png")
    page.keyboard.press("Escape")
    page.get_by_role("listbox").focus()
    page.keyboard.press("1")
    expect(page.locator("#messages")).to_contain_text(HOSTILE_NAME)
    assert page.title().startswith(HOSTILE_NAME)
    assert page.locator("img[src='x']").count() == 0


def test_viewer_looks_and_changes_nothing(studio: Studio) -> None:
    dataset_id = new_set(studio, {"cat": 2, "dog": 1})
    page = open_set(studio, dataset_id, "viewer")
    page.get_by_role("listbox").focus()
    for key in ("1", "l", "Delete", "Space", "Control+a"):
        page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Picture")
    assert dialog.get_by_role("button").all_inner_texts() == ["Previous", "Next", "Close"]
    page.keyboard.press("Escape")
    check_axe(page)
    names = page.locator("#dataset").get_by_role("button").all_inner_texts()
    assert names == ["Keys"]
    assert labels_of(studio, dataset_id) == {"cat": 2, "dog": 1}


def test_page_says_when_the_server_is_away_and_catches_up(studio: Studio) -> None:
    studio.watch.expected += ["net::ERR_"]
    dataset_id = new_set(studio, {"cat": 2})
    page = open_set(studio, dataset_id)
    page.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#away")).to_have_text("The server cannot be reached. Trying again…")
    page.get_by_role("listbox").focus()
    page.keyboard.press("1")
    expect(page.locator("#messages")).to_contain_text("The server cannot be reached.")
    studio.management.datasets._rows.change_items(dataset_id, Chosen(), label="changed elsewhere")
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#away")).to_be_hidden()
    expect(page.locator("#tile-0 .tile-label")).to_have_text("changed elsewhere")
    studio.management.datasets.delete(dataset_id)
    studio.watch.expected += ["404"]
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#away")).to_have_text("This data set is gone.")


def test_grid_of_fifty_thousand_loads_what_it_shows(studio: Studio) -> None:
    dataset_id = large_set(studio)
    began = time.perf_counter()
    assert studio.ask("trainer", "GET", f"/studio/datasets/{dataset_id}").status_code == 200
    answer = studio.ask("trainer", "GET", f"/api/v1/datasets/{dataset_id}/items", params={"limit": 100})
    first_answer = time.perf_counter() - began
    assert answer.json()["count"] == LARGE
    assert first_answer < FIRST_ANSWER_SECONDS
    print(f"\nfirst answer: {first_answer * 1000:.0f} ms")
    look_through(studio, dataset_id, 360)
    page = look_through(studio, dataset_id, 1280)
    page.get_by_role("listbox").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    expect(page.get_by_role("alert").filter(has_text="At most 10,000 pictures")).to_be_visible()
    page.keyboard.press("Control+a")
    expect(page.locator("#selected")).to_have_text("50,000 selected")
    page.get_by_label("Put the selected pictures into a part").select_option("test")
    expect(page.locator("#facts")).to_have_text("50,000 pictures · 10 labels · test 50,000")


def look_through(studio: Studio, dataset_id: int, width: int) -> Page:
    """The page, after it was looked at the beginning, the end, and on a quick way between."""
    loaded: list[int] = []

    def note(response: Response) -> None:
        if "/items?" in response.url and response.ok:
            loaded.append(int(urlsplit(response.url).query.partition("limit=")[2].partition("&")[0]))

    page = studio.page("trainer", "/studio/datasets", width=width)
    page.on("response", note)
    page.goto(f"/studio/datasets/{dataset_id}")
    expect(page.locator(".tile-picture").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    screen = page.evaluate(
        """() => { const grid = document.querySelector("#grid").getBoundingClientRect();
        return [...document.querySelectorAll(".tile")].filter((one) => { const at = one.getBoundingClientRect();
        return at.top < grid.bottom && at.bottom > grid.top; }).length; }"""
    )
    print(f"at {width} px {screen} in view: loaded {loaded}")
    assert sum(loaded) <= 3 * screen
    assert page.locator(".tile").count() <= 3 * screen
    loaded.clear()
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    expect(page.locator(f"#tile-{LARGE - 1} .tile-picture")).to_be_visible()
    expect(page.locator(f"#tile-{LARGE - 1}")).to_have_attribute("aria-setsize", str(LARGE))
    assert sum(loaded) <= 3 * screen
    loaded.clear()
    took = page.evaluate(
        """async () => { const grid = document.querySelector("#grid"), began = performance.now();
        for (let step = 0; step < 40; step += 1) { grid.scrollTop = (grid.scrollHeight / 40) * (40 - step);
          await new Promise(requestAnimationFrame); } grid.scrollTop = grid.scrollHeight / 2;
        return performance.now() - began; }"""
    )
    expect(page.locator(".tile-picture").first).to_be_visible()
    expect(page.locator(".tile-waiting")).to_have_count(0)
    print(f"from end to end in 40 frames of {took / 40:.0f} ms: loaded {loaded}")
    assert len(loaded) <= 2 + took / PAUSE_MILLISECONDS
    assert max(loaded) <= 3 * screen
    assert page.locator(".tile").count() <= 3 * screen
    return page
