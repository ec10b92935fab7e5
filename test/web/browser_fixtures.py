"""A server on loopback and a headless Chromium, for tests that look at the pages as a visitor does.

Test modules import the fixtures by name. Every page is watched: a console error, an uncaught exception, a refused
policy or a request to another host fails its test.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright
from waitress import wasyncore
from waitress.server import create_server

from deep_predictor.environment import Application
from test import fakes
from test.app_builder import DUMMY, DUMMY_YOLO, build_app, fault_predictor, write_config

#: The one without windows first: a page costs it a seventh of the processor time.
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
#: Long, since some steps wait for child processes, and nothing is shorter for it where all is well.
STEP_MILLISECONDS = 60_000
expect.set_options(timeout=STEP_MILLISECONDS)
HOSTILE_NAME = '<img src=x onerror="document.title=1">'

PREDICTORS: dict[str, dict[str, Any]] = {
    "classes": DUMMY,
    "things": DUMMY_YOLO,
    "hostile": fault_predictor(class_name=HOSTILE_NAME),
    "forgets": fault_predictor(predicted_image_action="remove"),
    "slow": fault_predictor(sleep_seconds=1.5),
    "loads": fault_predictor(load_fault="block", required=0),
    "broken": fault_predictor(load_fault="not ready"),
}


@dataclass
class Site:
    """A running server. `url` has no slash at its end."""

    url: str
    app: Flask

    @property
    def application(self) -> Application:
        application: Application = self.app.extensions["deep_predictor"]
        return application


@dataclass
class Watch:
    """What a page did that it should not do; `expected` holds parts of console texts that a test provokes."""

    host: str
    problems: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def on(self, page: Page) -> None:
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("request", self._check_host)

    def unexpected(self) -> list[str]:
        return [problem for problem in self.problems if not any(part in problem for part in self.expected)]

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(f"console {kind}: {text}")

    def _check_host(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("blob", "data") and address.netloc != self.host:
            self.problems.append(f"request to another host: {request.url}")


@contextmanager
def serving(
    folder: Path, predictors: dict[str, dict[str, Any]], *, wait: bool = True, is_open: bool = True
) -> Iterator[Site]:
    """A server. `wait`: until its predictors are loaded; `is_open`: who wants may upload, else a key is asked for."""
    fakes.register_fault_backend()
    fakes.release_loading.clear()
    entries = {"production.upload_options.open_uploads": int(is_open)}
    app = build_app(write_config(folder, predictors, changes=entries), wait=wait)
    server = create_server(app, host="127.0.0.1", port=0, threads=12)
    thread = threading.Thread(target=server.run, name="browser-test-server")
    thread.start()
    yield Site(f"http://127.0.0.1:{server.effective_port}", app)
    fakes.release_loading.set()
    application: Application = app.extensions["deep_predictor"]
    application.wake_waiters()
    # The loop ends when nothing is left in its map; only its own thread may empty that.
    server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))
    thread.join(20)
    server.task_dispatcher.shutdown()
    application.close()
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site"), PREDICTORS, wait=False) as site:
        yield site


@pytest.fixture(scope="module")
def browser(shared_browser: Browser) -> Browser:
    """Every page is opened in a context of its own, so that nothing of one test is left to the next."""
    return shared_browser


@contextmanager
def launched_browser() -> Iterator[Browser]:
    path = next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)
    if path is None:
        assert "CI" not in os.environ, "Chromium is to be installed where CI runs"
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def watch(site: Site) -> Watch:
    return Watch(urlsplit(site.url).netloc)


@pytest.fixture
def open_page(browser: Browser, site: Site, watch: Watch) -> Iterator[OpenPage]:
    """`open_page("/upload", width=360, **options of a browser context)` gives a watched page."""
    contexts: list[BrowserContext] = []

    def open_page(path: str, *, width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, base_url=site.url, **options)
        contexts.append(context)
        context.set_default_timeout(STEP_MILLISECONDS)
        page = context.new_page()
        watch.on(page)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert watch.unexpected() == []


@pytest.fixture(scope="module")
def picture_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture that is wider than high, so that mixed-up axes show."""
    path = tmp_path_factory.mktemp("pictures") / "picture.png"
    path.write_bytes(fakes.picture("none", (300, 200)))
    return path


def choose_model(page: Page, name: str) -> None:
    page.check(f"input[name=model_name][value='{name}']")


def send(page: Page, picture: Path | list[Path], model: str) -> None:
    """Fill the upload form and press its button."""
    choose_model(page, model)
    page.set_input_files("#image", picture)
    page.click(".upload-button")


def wait_for_kind(page: Page, *kinds: str) -> None:
    page.wait_for_selector(", ".join(f"#result[data-kind='{kind}']:not([hidden])" for kind in kinds))
