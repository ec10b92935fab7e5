"""The official JavaScript client in a browser gets what the official Python client gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from deep_predictor.web import authentication, live_engine
from test.web.browser_fixtures import STEP_MILLISECONDS, Watch, browser  # noqa: F401
from test.web.conftest import MakeSite
from test.web.live_viewers import Runs, Viewer, find_known_principal
from test.web.sites import OverSocket, Site

pytestmark = pytest.mark.browser

#: Joins, watches and notes everything; the page's `heard` and `transports` say what came, and how.
WATCH = """async ([jobId, options]) => {
  window.heard = []; window.transports = new Set();
  window.socket = io(options);
  for (const name of ["batch", "epoch", "ended"]) socket.on(name, (content) => heard.push([name, content]));
  socket.on("connect", () => {
    transports.add(socket.io.engine.transport.name);
    const seen = heard.filter(([name]) => name === "epoch").map(([, content]) => content.seq);
    socket.emit("watch", {job_id: jobId, since: Math.max(0, ...seen)}, (answer) => { window.answer = answer; });
  });
}"""


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_engine, "PING_SECONDS", 1)
        patch.setattr(authentication, "find_principal", find_known_principal)
        yield make_site("socket")


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:  # noqa: F811
    assert isinstance(site.http, OverSocket)
    context = browser.new_context(base_url=site.http.url)
    context.set_default_timeout(STEP_MILLISECONDS)
    page = context.new_page()
    watch = Watch(urlsplit(site.http.url).netloc)
    watch.on(page)
    page.goto("/")
    page.add_script_tag(url="/static/vendor/socket.io/socket.io.min.js")
    yield page
    page.evaluate("window.socket && socket.disconnect()")
    context.close()
    assert watch.unexpected() == []


def wait_for(page: Page, name: str, seq: int) -> None:
    page.wait_for_function("([name, seq]) => heard.some(([n, c]) => n === name && c.seq === seq)", arg=[name, seq])


def test_javascript_client_gets_the_same_events(page: Page, site: Site) -> None:
    runs = Runs(site.app, site.folder)
    job, run = runs.begin()
    assert isinstance(site.http, OverSocket)
    python = Viewer(site.http.url).connect()
    run.end_epoch(1)
    page.evaluate(WATCH, [job.id, {"auth": {"token": "viewer"}}])
    wait_for(page, "epoch", 1)
    assert python.watch(job.id) == page.evaluate("answer") == {"ok": True}
    run.end_step(2, 2)
    wait_for(page, "batch", 1)
    python.wait_for("batch", 1)
    run.end_epoch(2)
    runs.finish(job)
    wait_for(page, "ended", 2)
    python.wait_for("ended", 2)
    python.close()

    heard: list[Any] = page.evaluate("heard")
    assert [tuple(event) for event in heard] == python.heard
    assert [name for name, _ in heard] == ["epoch", "batch", "epoch", "ended"]
    assert page.evaluate("[...transports]") == ["polling"]


def test_javascript_client_that_comes_back_gets_what_it_missed(page: Page, site: Site) -> None:
    """Its connection breaks, and it comes back by itself."""
    runs = Runs(site.app, site.folder)
    job, run = runs.begin(epochs=40)
    run.end_epoch(1)
    page.evaluate(WATCH, [job.id, {"auth": {"token": "viewer"}, "reconnectionDelay": 10}])
    wait_for(page, "epoch", 1)
    site.app.extensions["deep_predictor_live"].engine.close_all()
    for epoch in range(2, 31):
        run.end_epoch(epoch)
    runs.finish(job)
    wait_for(page, "ended", 30)
    heard = page.evaluate("heard.map(([name, content]) => [name, content.seq])")
    assert heard == [*(["epoch", number] for number in range(1, 31)), ["ended", 30]]


def test_javascript_client_of_a_page_that_is_logged_in_needs_no_token(page: Page, site: Site) -> None:
    job, run = Runs(site.app, site.folder).begin()
    assert isinstance(site.http, OverSocket)
    page.context.add_cookies([{"name": "session", "value": "viewer", "url": site.http.url}])
    run.end_epoch(1)
    page.evaluate(WATCH, [job.id, {}])
    wait_for(page, "epoch", 1)


def test_javascript_client_without_a_login_is_told_why(page: Page) -> None:
    page.evaluate(
        """() => { window.socket = io(); socket.on("connect_error", (error) => { window.told = error.data; }); }"""
    )
    page.wait_for_function("() => window.told")
    assert page.evaluate("told.code") == "login_needed"
    assert page.evaluate("socket.active") is False  # it does not try again
