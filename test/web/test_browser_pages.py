"""Home, upload and result at every width, in both colours; and what the templates may hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from test.web.browser_fixtures import (
    OpenPage,
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

WIDTHS = (360, 768, 1280)
PAPER = {"light": "rgb(246, 245, 241)", "dark": "rgb(16, 21, 19)"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", ["/", "/upload"])
def test_page_fits_its_width_and_follows_the_systems_colours(
    open_page: OpenPage, path: str, width: int, scheme: str
) -> None:
    page = open_page(path, width=width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == PAPER[scheme]


@pytest.mark.parametrize("width", WIDTHS)
def test_result_fits_its_width(open_page: OpenPage, picture_file: Path, width: int) -> None:
    page = open_page("/upload", width=width)
    send(page, picture_file, "things")
    wait_for_kind(page, "boxes")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    original, result = [frame.bounding_box() for frame in page.locator(".picture-frame").all()]
    assert original
    assert result
    for frame in (original, result):
        assert frame["x"] >= 0
        assert frame["x"] + frame["width"] <= width
    assert (result["x"] > original["x"]) == (width >= 768)


def test_page_without_script_follows_the_systems_colours(open_page: OpenPage) -> None:
    page = open_page("/", color_scheme="dark", java_script_enabled=False)
    body = page.locator("body")
    expect(body).to_have_css("background-color", PAPER["dark"])


def test_colours_chosen_by_the_visitor_stay(open_page: OpenPage) -> None:
    page = open_page("/", color_scheme="light")
    page.get_by_role("button", name="Switch to dark colours").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.goto("/upload")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Switch to light colours").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    assert page.evaluate("localStorage.length") == 0


def test_home_names_the_models_and_leads_to_the_upload(open_page: OpenPage) -> None:
    page = open_page("/")
    cards = page.locator(".model-card")
    expect(cards.filter(has_text="classes").first).to_be_visible()
    expect(page.locator("[data-model-state=broken]")).to_have_text("Not available")
    expect(page.locator(".code")).to_contain_text("/api/v1/predict")
    page.locator(".model-card", has=page.locator("[data-model-state=things]")).get_by_role("link").click()
    expect(page.locator("input[value=things]")).to_be_checked()


def test_home_and_upload_are_told_apart_and_named_for_a_screen_reader(open_page: OpenPage) -> None:
    page = open_page("/upload")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("group", name="Model")).to_be_visible()
    unnamed = page.eval_on_selector_all(
        "input:not([type=hidden]):not([hidden]), button, a, select",
        "all => all.filter(e => !(e.labels?.length || e.textContent.trim() || e.getAttribute('aria-label')))"
        ".map(e => e.outerHTML)",
    )
    assert unnamed == []


def test_unknown_page_and_unknown_result_are_pages_of_their_own(open_page: OpenPage, watch: Watch) -> None:
    watch.expected.append("404")
    page = open_page("/no-such-page")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.goto("/result/" + "x" * 32)
    expect(page.get_by_role("link", name="Upload a picture")).to_be_visible()


def test_moved_addresses_lead_home(open_page: OpenPage) -> None:
    for path in ("/result", "/test-upload"):
        page = open_page(path)
        assert re.fullmatch(r"http://[^/]+/", page.url)
