"""The page of the first account, as whoever starts the server for the first time sees it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from deep_predictor.management import EXTENSION
from test.web.browser_fixtures import OpenPage, Site, Watch, browser, open_page, site, watch

__all__ = ["browser", "open_page", "site", "watch"]

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"


def fill(page: Page, username: str, password: str, repeated: str) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("The password again").fill(repeated)
    page.get_by_role("button", name="Make the account").click()


def test_setup_page_makes_the_account_and_says_what_is_wrong(open_page: OpenPage, site: Site, watch: Watch) -> None:
    watch.expected += ["401", "404", "422"]
    page = open_page("/setup?token=wrong", width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("window.location.search") == "", "the token is out of sight"
    message = page.locator("#setup-message")
    fill(page, "anna", PASSWORD, "another one")
    expect(message).to_be_hidden()  # the browser itself says that the two differ
    fill(page, "anna", PASSWORD, PASSWORD)
    expect(message).to_contain_text("The link is not valid")

    token = site.app.extensions[EXTENSION].accounts.setup_token()
    page.goto(f"{site.url}/setup?token={token}")
    fill(page, "an na", PASSWORD, PASSWORD)
    expect(message).to_contain_text("username must be 1 to 64 letters")
    fill(page, "anna", PASSWORD, PASSWORD)
    expect(page.get_by_role("heading", name="The account is there")).to_be_focused()
    who = page.evaluate("fetch('/api/v1/session').then((answer) => answer.json())")
    assert who["user"]["username"] == "anna"
    assert page.evaluate("document.cookie") == ""
    page.goto(f"{site.url}/setup?token={token}")
    expect(page.locator("body")).to_contain_text("There is no such page")
