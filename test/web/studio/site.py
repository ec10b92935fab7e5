"""The studio on a real socket, with somebody of every role, and pages that are logged in and watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from playwright.sync_api import Browser, BrowserContext, Page

from deep_predictor.accounts.permissions import ROLES
from deep_predictor.management import Management
from test.web.browser_fixtures import STEP_MILLISECONDS, Watch
from test.web.management.conftest import management_of
from test.web.management.people import PASSWORD, get_person
from test.web.sites import OverSocket, Site

#: Pages ask the server again after seconds: here after an eighth of them, and what only slides does so at once.
_HURRY = """(() => {
  const wait = window.setTimeout;
  const sooner = (pause) => (pause >= 1000 && pause <= 15000 ? pause / 8 : pause);
  window.setTimeout = (call, pause, ...given) => wait(call, sooner(pause), ...given);
})()"""


@dataclass
class Person:
    """A login over HTTP: `session` holds its cookie and sends its CSRF token."""

    session: requests.Session
    url: str

    def ask(self, method: str, path: str, **sent: Any) -> requests.Response:
        """`sent`: as requests takes it. Redirects are not followed."""
        return self.session.request(method, self.url + path, allow_redirects=False, timeout=60, **sent)


@dataclass
class Studio:
    """`people`: by role, and each one's username is its role. `watch.expected`: what a test provokes on the console."""

    site: Site
    people: dict[str, Person]
    find_browser: Callable[[], Browser]
    watch: Watch
    contexts: list[BrowserContext] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        assert isinstance(self.site.http, OverSocket)
        return self.site.http.url

    @property
    def management(self) -> Management:
        return management_of(self.site)

    def ask(self, role: str | None, method: str, path: str, **sent: Any) -> requests.Response:
        """A request over HTTP, of nobody with the role None."""
        person = Person(_session(), self.url) if role is None else self.people[role]
        return person.ask(method, path, **sent)

    def page(
        self, role: str | None, path: str, width: int = 1280, dark: bool = False, height: int = 900, **options: Any
    ) -> Page:
        """A watched page of a browser of its own, in which somebody of this role is logged in."""
        scheme = "dark" if dark else "light"
        options = {"color_scheme": scheme, "base_url": self.url, "reduced_motion": "reduce", **options}
        context = self.find_browser().new_context(viewport={"width": width, "height": height}, **options)
        context.add_init_script(_HURRY)
        self.contexts.append(context)
        context.set_default_timeout(STEP_MILLISECONDS)
        if role:
            cookies = self.people[role].session.cookies
            context.add_cookies([{"name": one.name, "value": str(one.value), "url": self.url} for one in cookies])
        page = context.new_page()
        self.watch.on(page)
        page.goto(path)
        return page

    def close_pages(self) -> None:
        while self.contexts:
            self.contexts.pop().close()


def log_in_everybody(site: Site) -> dict[str, Person]:
    """By role; who is not there yet is made."""
    assert isinstance(site.http, OverSocket)
    return {role: log_in(site, role) for role in ROLES if get_person(site, role, role)}


def log_in(site: Site, username: str, password: str = PASSWORD) -> Person:
    assert isinstance(site.http, OverSocket)
    person = Person(_session(), site.http.url)
    answer = person.ask("POST", "/api/v1/session", json={"username": username, "password": password})
    assert answer.status_code == 201, answer.text
    person.session.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    return person


def watch_of(site: Site) -> Watch:
    assert isinstance(site.http, OverSocket)
    return Watch(urlsplit(site.http.url).netloc)


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session
