"""The doctor's findings in headless Chromium: each with its pictures, and something to do about them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from deep_predictor.db.dataset_records import Chosen
from test.web.browser_fixtures import HOSTILE_NAME
from test.web.management.dataset_requests import nothing_runs
from test.web.management.training_sites import drawn
from test.web.studio.dataset_sets import labels_of, new_set
from test.web.studio.looks import check_axe, check_looks
from test.web.studio.site import Studio

pytestmark = pytest.mark.browser


@pytest.fixture
def ill_set(studio: Studio) -> int:
    """Copies, copies under two labels, and a copy in another part."""
    dataset_id = new_set(studio, {"cat": 3, HOSTILE_NAME: 3})
    datasets = studio.management.datasets
    for label, split, number in (
        ("cat", "", 901),
        ("cat", "", 901),
        ("cat", "", 901),
        ("cat", "", 902),
        (HOSTILE_NAME, "", 902),
        ("cat", "train", 903),
        ("cat", "test", 903),
    ):
        datasets.add_item(dataset_id, drawn(number, 64), label, split, f"{number}.png")  # type: ignore[arg-type]
    return dataset_id


def examined(studio: Studio, dataset_id: int, role: str = "trainer") -> Page:
    """The page with a report."""
    job = studio.management.datasets.doctor.start(dataset_id, None)
    assert studio.management.jobs.wait(job, 60).state == "done"
    page = studio.page(role, f"/studio/datasets/{dataset_id}/doctor")
    expect(page.locator(".finding").first).to_be_visible()
    return page


def finding(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def test_doctor_looks_and_a_finding_is_mended(studio: Studio, ill_set: int) -> None:
    page = studio.page("trainer", f"/studio/datasets/{ill_set}/doctor")
    expect(page.locator("#doctor-state")).to_have_text("It has not looked at this data set yet.")
    page.get_by_role("button", name="Look at it now").click()
    copies = finding(page, "Copies")
    copies.locator(".finding-open").first.scroll_into_view_if_needed()
    expect(copies.locator("img").first).to_be_visible()
    expect(page.locator("#report")).to_be_focused()
    check_looks(page, "doctor")
    expect(copies.get_by_role("status")).to_contain_text("checked")
    copies.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(copies.get_by_text("deleted").first).to_be_visible()
    expect(page.locator("#outdated")).to_be_visible()
    both = finding(page, "Copies under different labels")
    expect(both).to_contain_text(HOSTILE_NAME)
    both.get_by_role("button", name="Keep only this").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(both.get_by_text("deleted")).to_have_count(1)
    page.get_by_role("button", name="Look at it now").click()
    expect(finding(page, "Copies under different labels")).to_have_count(0)
    expect(page.locator("#outdated")).to_be_hidden()


def test_checked_pictures_are_labelled_and_put_into_a_part(studio: Studio, ill_set: int) -> None:
    page = examined(studio, ill_set)
    both = finding(page, "Copies under different labels")
    both.get_by_role("button", name="Check all").click()
    expect(both.get_by_role("status")).to_have_text("2 checked")
    both.get_by_role("button", name="Label…").click()
    page.get_by_role("dialog").get_by_label("Label").fill("fox")
    page.keyboard.press("Enter")
    expect(both.get_by_text("fox", exact=True)).to_have_count(2)
    both.get_by_label("Put the checked pictures into a part").select_option("val")
    expect(both.get_by_text("fox, val")).to_have_count(2)
    assert labels_of(studio, ill_set)["fox"] == 2
    both.get_by_role("button", name="Check none").click()
    expect(both.get_by_role("button", name="Delete")).to_be_disabled()
    leak = finding(page, "The same in more than one part")
    leak.get_by_role("button", name="All into train").click()
    expect(leak.get_by_text("cat, train")).to_have_count(2)
    leak.locator(".finding-open").first.click()
    dialog = page.get_by_role("dialog", name="Picture")
    dialog.get_by_label("Label").fill("owl")
    dialog.get_by_role("button", name="Save").click()
    page.keyboard.press("Escape")
    expect(leak.get_by_text("owl, train")).to_have_count(1)


def test_labels_of_a_finding_lead_to_their_pictures(studio: Studio, ill_set: int) -> None:
    page = examined(studio, ill_set)
    small = finding(page, "Labels with few pictures").first
    small.get_by_role("link", name=HOSTILE_NAME).click()
    expect(page.locator("#count")).to_have_text("4 shown")
    expect(page.get_by_label("Label", exact=True)).to_have_value(f"={HOSTILE_NAME}")


def test_all_pictures_leave_the_parts_where_a_label_is_missing_in_one(studio: Studio) -> None:
    dataset_id = new_set(studio, {"cat": 5, "dog": 5})
    rows = studio.management.datasets._rows
    items = rows.items_after(dataset_id, 0, 100)
    studio.management.datasets.change_items(dataset_id, Chosen([item.id for item in items[:2]]), split="test")
    page = examined(studio, dataset_id)
    missing = finding(page, "Labels that a part does not have")
    missing.get_by_role("button", name="Let trainings divide all pictures anew").click()
    page.get_by_role("dialog").get_by_role("button", name="Divide anew").click()
    expect(page.locator("#messages")).to_contain_text("10 pictures are in no part now.")
    assert {item.split for item in rows.items_after(dataset_id, 0, 100)} == {""}


def test_viewer_sees_findings_and_no_controls(studio: Studio, ill_set: int) -> None:
    page = examined(studio, ill_set, "viewer")
    finding(page, "Copies").locator(".finding-open").first.scroll_into_view_if_needed()
    expect(finding(page, "Copies").locator("img").first).to_be_visible()
    names = page.locator("#doctor").get_by_role("button").all()
    assert all("Open the picture" in (name.get_attribute("aria-label") or "") for name in names)
    assert page.get_by_role("checkbox").count() == 0
    check_axe(page)


def test_doctor_that_waits_is_followed_and_cancelled(studio: Studio, ill_set: int) -> None:
    with nothing_runs(studio.management.jobs):
        page = studio.page("trainer", f"/studio/datasets/{ill_set}/doctor")
        page.get_by_role("button", name="Look at it now").click()
        expect(page.locator(".transfer")).to_contain_text("Waiting for its turn…")
        page.reload()
        expect(page.locator(".transfer")).to_contain_text("Waiting for its turn…")
        page.locator(".transfer").get_by_role("button", name="Cancel").click()
        expect(page.locator(".transfer")).to_contain_text("Cancelled.")
    expect(page.get_by_role("button", name="Look at it now")).to_be_enabled()
