"""A server of one's own, a page of it that is watched, and the way into the studio: for tests of whole ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from test.app_builder import write_config
from test.server_process import ServerProcess
from test.web.browser_fixtures import STEP_MILLISECONDS, Watch
from test.web.studio.hands import Hands

PASSWORD = "the analytical engine"
#: What one waits for at most: a training of two epochs, and the engines that are measured before a model is served.
LONG_MILLISECONDS = 240_000


@contextmanager
def own_server(folder: Path) -> Iterator[ServerProcess]:
    """waitress, in a process, on a database of its own; uploads are open."""
    config = write_config(folder, changes={"production.upload_options.open_uploads": 1})
    with ServerProcess(config, module=None, threads=32) as server:
        yield server.start()


@contextmanager
def watched_page(browser: Browser, server: ServerProcess, *expected: str) -> Iterator[Page]:
    """`expected`: what the console may say. Anything else there fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=server.url, reduced_motion="reduce")
    context.set_default_timeout(STEP_MILLISECONDS)
    page, watch = context.new_page(), Watch(urlsplit(server.url).netloc)
    watch.expected.extend(expected)
    watch.on(page)
    yield page
    context.close()
    assert watch.unexpected() == []


def enter(hands: Hands, server: ServerProcess) -> None:
    """With the printed link, or where somebody has used it already, with the password."""
    page, path = hands.page, find_setup_path(server)
    if page.request.get(path).ok:
        set_up(hands, path)
    else:
        log_in(hands)
    expect(page.get_by_role("heading", name="Data sets", level=1)).to_be_visible()


def set_up(hands: Hands, path: str) -> None:
    page = hands.page
    page.goto(path)
    hands.write(page.get_by_label("Username"), "ada")
    hands.write(page.get_by_label("Password", exact=True), PASSWORD)
    hands.write(page.get_by_label("The password again"), PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The account is there")).to_be_focused()
    hands.press(page.get_by_role("link", name="To the studio"))


def log_in(hands: Hands) -> None:
    page = hands.page
    page.goto("/login")
    hands.write(page.get_by_label("Username"), "ada")
    hands.write(page.get_by_label("Password"), PASSWORD)
    page.keyboard.press("Enter")


def find_setup_path(server: ServerProcess) -> str:
    link = re.search(r"http://127\.0\.0\.1:\d+(/setup\?token=\S+)", server.log)
    assert link
    return link[1]
